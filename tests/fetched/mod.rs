//! Files that `tests/fetch` brought. Where one is absent the test that asks for it says so and ends, unless the environment requires it.

use std::path::PathBuf;

/// The file (or folder) `name` that `sh tests/fetch WHAT` brings, from `BURNISH_TEST_ASSETS` or `~/.cache/burnish-test-assets`.
/// `None` where it is absent: the test that asks then prints that it is skipped and must return.
///
/// # Panics
/// It is absent although `BURNISH_TEST_REQUIRE` (names separated by commas) has `what`.
pub fn asset(what: &str, name: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("BURNISH_TEST_ASSETS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/burnish-test-assets"),
    };
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var("BURNISH_TEST_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|r| r.trim() == what),
        "{} is required here but absent: run sh tests/fetch {what}",
        path.display()
    );
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Past the capture of test output, so that a skip is seen.
    let line = format!("skipped: {test} needs {name}: run sh tests/fetch {what}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), line.as_bytes());
    None
}
