//! Values of GGUF blocks against the reference implementation.

use std::path::{Path, PathBuf};

use burnish::formats::gguf::GgufType;
use safetensors::SafeTensors;

pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

#[test]
fn blocks_have_the_values_of_the_reference_bit_for_bit() {
    let file = std::fs::read(golden("blocks.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&file).unwrap();
    let plain = [GgufType::F32, GgufType::F16];
    for kind in GgufType::all().filter(|kind| !plain.contains(kind)) {
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
        assert!(expected.iter().any(|v| *v != 0.0));
    }
    assert_eq!(GgufType::F32.dequantise(&1.1_f32.to_le_bytes()), [1.1]);
    assert_eq!(
        GgufType::F16.dequantise(&[0x66, 0x2e, 0x01, 0x80]),
        [0.099975586, -5.9604645e-8]
    );
}

#[test]
fn types_have_the_numbers_and_block_sizes_of_ggml() {
    for kind in GgufType::all() {
        assert_eq!(GgufType::from_id(kind.id()), Ok(kind));
        assert_eq!(kind.row_bytes(2 * kind.block_values()), Some(2 * kind.block_bytes()));
    }
    assert_eq!(GgufType::Q6K.row_bytes(255), None);
    assert_eq!(GgufType::F32.row_bytes(usize::MAX), None);
    assert_eq!(GgufType::from_id(23), Err("IQ4_XS".into()));
}
