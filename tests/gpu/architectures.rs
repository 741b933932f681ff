//! Every architecture against transformers, on the tiny random checkpoints of tests/golden/architectures: logits, greedy ids, the
//! KV cache against a whole pass, packed rows against rows alone.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use burnish::formats::config::FAMILIES;
use burnish::formats::source::TensorSource;
use burnish::formats::weights::WeightFile;
use burnish::model::{Cache, Decoder, Inputs, Storage};

use crate::devices;
use crate::golden::{close, deviation, gap};

/// The folders that architectures.py writes.
pub const CASES: [&str; 17] = [
    "llama",
    "llama_rope3",
    "llama_biases",
    "mistral",
    "qwen2",
    "qwen2_window",
    "qwen3",
    "qwen3_untied",
    "gemma3",
    "gemma3_linear",
    "smollm3",
    "smollm3_window",
    "phi3",
    "phi3_longrope",
    "gpt2",
    "gpt_neox",
    "gpt_neox_serial",
];

pub fn folder(case: &str) -> PathBuf {
    crate::golden::path("architectures").join(case)
}

pub fn decoder(case: &str, device: &Device) -> Decoder {
    Decoder::load(&folder(case), Storage::F32, device, &mut |_, _| true).expect(case)
}

pub fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn golden(case: &str) -> WeightFile {
    WeightFile::open(&folder(case).join("golden.safetensors")).expect("golden values")
}

/// Ids as architectures.py stores them; read as bytes since they are no floats.
pub fn ids(case: &str, name: &str) -> Vec<u32> {
    let bytes = std::fs::read(folder(case).join("golden.safetensors")).expect("golden values");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let view = file.tensor(name).expect(name);
    let words = view.data().chunks_exact(4);
    words.map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn whole(model: &Decoder, row: &[u32]) -> Tensor<2> {
    let inputs = Inputs::following(model, row, 0, &model.device()).expect("inputs");
    model.logits(model.hidden(&inputs, None))
}

#[test]
fn logits_are_those_of_transformers() {
    let device = devices::golden();
    for case in CASES {
        for storage in [Storage::F32, Storage::AsStored] {
            let model = Decoder::load(&folder(case), storage, &device, &mut |_, _| true).expect(case);
            for prompt in 0..2 {
                let row = ids(case, &format!("ids.{prompt}"));
                let found = deviation(whole(&model, &row), &golden(case), &format!("logits.{prompt}"));
                close(&format!("{case} {storage:?} logits {prompt}"), found, 2e-5);
            }
        }
    }
}

#[test]
fn greedy_ids_are_those_of_transformers() {
    let device = devices::golden();
    for case in CASES {
        let model = decoder(case, &device);
        for prompt in 0..2 {
            let row = ids(case, &format!("ids.{prompt}"));
            let expected = ids(case, &format!("greedy.{prompt}"));
            assert_eq!(
                greedy(&model, &row[..9], expected.len()),
                expected,
                "{case} prompt {prompt}"
            );
        }
    }
}

/// The most likely continuation, token by token with the cache.
fn greedy(model: &Decoder, prompt: &[u32], count: usize) -> Vec<u32> {
    let mut cache = Cache::new(model.blocks.len());
    let (mut found, mut next) = (vec![], prompt.to_vec());
    for _ in 0..count {
        let inputs = Inputs::following(model, &next, cache.len(), &model.device()).expect("inputs");
        let hidden = model.hidden(&inputs, Some(&mut cache));
        let last = values(model.logits(hidden.narrow(0, next.len() - 1, 1)));
        let best = (0..last.len()).max_by(|a, b| last[*a].total_cmp(&last[*b]));
        next = vec![best.expect("ids") as u32];
        found.extend(&next);
    }
    found
}

#[test]
fn cached_decoding_gives_the_logits_of_one_pass() {
    let device = devices::golden();
    for case in CASES {
        let model = decoder(case, &device);
        let vocab = model.config.vocab_size;
        let row = ids(case, "ids.0");
        let expected = values(whole(&model, &row));
        let mut cache = Cache::new(model.blocks.len());
        // A prompt, single tokens across the end of every window, several at once; then the end again after a cut.
        let parts = [0..4, 4..5, 5..6, 6..7, 7..8, 8..9, 9..15, 15..17, 12..13, 13..17];
        for part in parts {
            cache.truncate(part.start);
            let inputs = Inputs::following(&model, &row[part.clone()], cache.len(), &device).expect("inputs");
            let found = values(model.logits(model.hidden(&inputs, Some(&mut cache))));
            let expected = &expected[part.start * vocab..part.end * vocab];
            close(&format!("{case} cached {part:?}"), gap(&found, expected), 1e-4);
        }
        assert_eq!(cache.len(), row.len());
    }
}

#[test]
fn packed_rows_are_computed_as_if_alone() {
    let device = devices::golden();
    for case in CASES {
        let model = decoder(case, &device);
        let (a, b) = (ids(case, "ids.0"), ids(case, "ids.1"));
        let positions: Vec<u32> = (0..a.len() as u32).chain(0..b.len() as u32).collect();
        let segments = [vec![1; a.len()], vec![2; b.len()]].concat();
        let inputs = Inputs::packed(&model, &[&a[..], &b].concat(), &positions, &segments, 1, &device).expect(case);
        let found = values(model.logits(model.hidden(&inputs, None)));
        let alone = [values(whole(&model, &a)), values(whole(&model, &b))].concat();
        close(&format!("{case} packed"), gap(&found, &alone), 2e-5);
    }
}

#[test]
fn every_family_of_the_table_is_among_the_cases() {
    let of = |case: &str| std::fs::read_to_string(folder(case).join("config.json")).expect(case);
    let configs: Vec<String> = CASES.iter().map(|case| of(case)).collect();
    for family in FAMILIES {
        for model_type in family.model_types {
            let named = format!("\"model_type\": \"{model_type}\"");
            assert!(
                configs.iter().any(|c| c.contains(&named)),
                "{model_type} has no checkpoint"
            );
        }
    }
}

#[test]
fn weights_saved_without_the_head_are_found() {
    let device = devices::golden();
    let temp = tempfile::tempdir().expect("folder");
    let file = WeightFile::open(&folder("gpt2")).expect("weights");
    let tensors: Vec<_> = file
        .names()
        .map(|name| {
            (
                name.trim_start_matches("transformer.").to_string(),
                file.read(name).expect("tensor"),
            )
        })
        .collect();
    copy_config("gpt2", temp.path());
    let path = temp.path().join("model.safetensors");
    burnish::formats::weights::write(&path, &tensors, burnish::formats::weights::StoreType::F32, &[]).expect("written");
    let model = Decoder::load(temp.path(), Storage::F32, &device, &mut |_, _| true).expect("model");
    let row = ids("gpt2", "ids.0");
    let expected = values(whole(&decoder("gpt2", &device), &row));
    assert_eq!(values(whole(&model, &row)), expected);
}

#[test]
fn a_position_without_an_embedding_is_refused() {
    let device = devices::golden();
    for (case, limit) in [("gpt2", 48), ("phi3_longrope", 40)] {
        let model = decoder(case, &device);
        assert_eq!(model.config.max_position_embeddings, limit, "{case}");
        let error = Inputs::following(&model, &[5, 6], limit - 1, &device).expect_err("must refuse");
        let expected = format!("Position {limit} is outside the model's context of {limit} tokens. Use shorter rows.");
        assert_eq!(error.to_string(), expected);
    }
}

pub fn copy_config(case: &str, to: &Path) {
    std::fs::copy(folder(case).join("config.json"), to.join("config.json")).expect("copied");
}
