//! Values of GGUF blocks against the reference implementation.

use std::path::{Path, PathBuf};

use burnish::formats::gguf::GgufType;
use safetensors::SafeTensors;

pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

#[test]
fn blocks_have_the_values_of_the_reference_bit_for_bit() {
    let file = std::fs::read(golden("gguf_blocks.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&file).unwrap();
    for kind in GgufType::all() {
        let bytes = file.tensor(&format!("{}.bytes", kind.name())).unwrap();
        let values = file.tensor(&format!("{}.values", kind.name())).unwrap();
        let expected = GgufType::F32.dequantise(values.data());
        let found = kind.dequantise(bytes.data());
        assert_eq!(found.len(), expected.len(), "{}", kind.name());
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(
                found.to_bits(),
                expected.to_bits(),
                "{} value {at}: {found} {expected}",
                kind.name()
            );
        }
        assert_eq!(GgufType::from_id(kind.id()), Ok(kind));
        assert!(expected.iter().any(|v| *v != 0.0));
    }
}
