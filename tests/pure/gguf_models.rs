//! Tiny models that llama.cpp's converter made of Hugging Face ones: names, shapes, values and configs come back as they were.

use burnish::formats::gguf::GgufType;
use burnish::formats::source::Checkpoint;
use serde_json::Value;

use crate::formats::golden;

const NAMES: [&str; 9] = [
    "llama", "llama3", "qwen2", "qwen3", "gemma3", "smollm3", "phi3", "gpt2", "gpt_neox",
];

/// Value `at` of a tensor, as `tests/golden/gguf_models.py` made them.
fn value(name: &str, at: usize) -> f32 {
    ((u64::from(crc32(name.as_bytes())) + at as u64) % 2039) as f32 / 2048.0
}

/// CRC-32 as in zlib.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
        crc
    })
}

fn golden_json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(golden(&format!("gguf_models/{name}.json"))).unwrap()).unwrap()
}

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(&golden(&format!("gguf_models/{name}.gguf"))).unwrap()
}

#[test]
fn tensors_have_hugging_face_names_shapes_and_values() {
    for name in NAMES {
        let weights = open(name).weights;
        let golden = golden_json(name);
        let shapes = golden["shapes"].as_object().unwrap();
        let mut expected: Vec<String> = shapes.keys().cloned().collect();
        expected.sort();
        assert_eq!(weights.names(), expected, "{name}");
        for tensor in &expected {
            let shape: Vec<usize> = serde_json::from_value(shapes[tensor].clone()).unwrap();
            let found = weights.read_shaped(tensor, &shape).unwrap();
            for (at, found) in found.values.iter().enumerate() {
                assert_eq!(*found, value(tensor, at), "{name}: {tensor} at {at}");
            }
        }
    }
}

#[test]
fn packed_rows_are_the_rows_of_the_linear_layers() {
    for name in NAMES {
        let weights = open(name).weights;
        for tensor in weights.names() {
            let found = weights.read(&tensor).unwrap();
            let Some(packed) = weights.packed(&tensor) else {
                assert_eq!(found.shape.len(), 1, "{name}: {tensor}");
                continue;
            };
            // The converter keeps GPT-2's positions in f32.
            let kind = if tensor.ends_with("wpe.weight") {
                GgufType::F32
            } else {
                GgufType::F16
            };
            assert_eq!(packed.kind, kind, "{name}: {tensor}");
            let [rows, columns] = packed.shape;
            let turned = name == "gpt2" && tensor.contains(".c_");
            let place = |at: usize| if turned { at % columns * rows + at / columns } else { at };
            for (at, value) in packed.kind.dequantise(&packed.bytes).into_iter().enumerate() {
                assert_eq!(value, found.values[place(at)], "{name}: {tensor} at {at}");
            }
        }
    }
}

/// Where a setting stands in today's config.json, for those that moved.
fn stated<'a>(config: &'a Value, key: &str) -> Option<&'a Value> {
    let rope = &config["rope_parameters"];
    let moved = match key {
        "rope_theta" if rope.get("full_attention").is_some() => &rope["full_attention"]["rope_theta"],
        "rope_local_base_freq" => &rope["sliding_attention"]["rope_theta"],
        "rotary_emb_base" => &rope["rope_theta"],
        "rotary_pct" => &rope["partial_rotary_factor"],
        _ => config.get(key).or(rope.get(key))?,
    };
    Some(moved)
}

#[test]
fn configs_say_what_transformers_said() {
    for name in NAMES {
        let found = open(name).config;
        let stated_config = &golden_json(name)["config"];
        let mut compared = 0;
        for (key, value) in found.as_object().unwrap() {
            let Some(expected) = stated(stated_config, key) else {
                continue;
            };
            compared += 1;
            match (value.as_f64(), expected.as_f64()) {
                (Some(a), Some(b)) => assert!((a - b).abs() <= 1e-12 * b.abs(), "{name}: {key} is {a}, not {b}"),
                _ if key == "n_inner" || key == "pad_token_id" => {}
                _ => assert_eq!(value, expected, "{name}: {key}"),
            }
        }
        assert!(compared >= 10, "{name}: {compared} settings compared");
    }
}

#[test]
fn scaling_of_the_rotary_embedding_is_found_again() {
    for (name, keys) in [
        (
            "llama3",
            &[
                "rope_type",
                "factor",
                "low_freq_factor",
                "high_freq_factor",
                "original_max_position_embeddings",
            ][..],
        ),
        (
            "phi3",
            &[
                "rope_type",
                "short_factor",
                "long_factor",
                "original_max_position_embeddings",
            ],
        ),
    ] {
        let (found, golden) = (open(name).config, golden_json(name));
        for key in keys {
            let (found, expected) = (&found["rope_scaling"][key], &golden["config"]["rope_parameters"][key]);
            assert_eq!(found.as_f64(), expected.as_f64(), "{name}: {key}");
            assert_eq!(found.to_string(), expected.to_string(), "{name}: {key}");
        }
    }
    assert!(open("llama").config["rope_scaling"].is_null());
}
