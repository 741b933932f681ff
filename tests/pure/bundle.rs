//! What the program carries in itself is what lies in `assets`.
use std::path::Path;

use burnish::formats::bundle;

#[test]
fn the_bundle_is_the_assets_and_repairs_what_was_changed() {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let folder = tempfile::tempdir().unwrap();
    bundle::unpack(folder.path()).unwrap();
    let mut count = 0;
    for name in bundle::names() {
        assert_eq!(
            std::fs::read(folder.path().join(name)).unwrap(),
            std::fs::read(assets.join(name)).unwrap(),
            "{name}"
        );
        count += 1;
    }
    let there = ["starter", "samples"].map(|f| std::fs::read_dir(assets.join(f)).unwrap().count());
    assert_eq!(count, there.iter().sum::<usize>(), "every file of both folders");

    let name = "samples/manners.jsonl";
    let path = folder.path().join(name);
    let good = std::fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[10] ^= 1;
    std::fs::write(&path, &bad).unwrap();
    bundle::unpack(folder.path()).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), good, "same length, other content");
}
