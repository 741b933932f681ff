//! Real models against transformers and PEFT: logits, greedy tokens, the loss of a text, LoRA steps; from a GGUF file and from
//! a safetensors folder of the same weights. The files come by `tests/fetch`.

#[path = "../fetched/mod.rs"]
mod fetched;

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use burnish::adapter::{Lora, LoraSpec};
use burnish::batch::Packed;
use burnish::formats::source::Checkpoint;
use burnish::formats::weights::{StoreType, write};
use burnish::infer::score;
use burnish::model::{Cache, Decoder, Inputs, Storage};
use burnish::train::{LrSchedule, OptimizerConfig, Passes, Trained, Trainer, TrainerSetup};
use serde_json::Value;

use crate::devices;
use crate::golden::{close, floats, json, padded};

const SMOLLM2: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
const GEMMA3: &str = "gemma-3-270m-q4_k_m.gguf";

fn load(path: &Path, device: &Device) -> Decoder {
    Decoder::load(path, Storage::F32, device, &mut |_, _| true).expect("the model")
}

fn row(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("ids")
}

/// Logits after the last of the new ids.
fn next(model: &Decoder, ids: &[u32], cache: &mut Cache) -> Vec<f32> {
    let inputs = Inputs::following(model, ids, cache.len(), &model.device()).expect("inputs");
    let hidden = model.hidden(&inputs, Some(cache));
    let width = hidden.dims()[1];
    let last = hidden.slice([ids.len() - 1..ids.len(), 0..width]);
    model.logits(last).into_data().convert::<f32>().iter().collect()
}

fn best(logits: &[f32]) -> u32 {
    let order = |i: &usize, j: &usize| logits[*i].total_cmp(&logits[*j]).then(j.cmp(i));
    (0..logits.len()).max_by(order).expect("logits") as u32
}

/// The five best logits of each prompt, and the greedy tokens after it, one at a time through the cache.
fn continues(name: &str, model: &Decoder, golden: &Value) {
    for (i, prompt) in golden["prompts"].as_array().expect("prompts").iter().enumerate() {
        let mut cache = Cache::new(model.blocks.len());
        let mut logits = next(model, &row(&prompt["input_ids"]), &mut cache);
        let top = row(&prompt["top5_ids"]).into_iter().zip(floats(&prompt["top5_logits"]));
        let gap = top
            .map(|(id, x)| (f64::from(logits[id as usize]) - x).abs())
            .fold(0.0, f64::max);
        close(&format!("{name}, logits of prompt {i}"), gap, 2e-4);
        let wanted = row(&prompt["greedy_ids"]);
        let mut found = vec![best(&logits)];
        while found.len() < wanted.len() {
            logits = next(model, &found[found.len() - 1..], &mut cache);
            found.push(best(&logits));
        }
        assert_eq!(found, wanted, "{name}, prompt {i}");
    }
}

/// The mean loss of a text, all of it in one pass.
fn reads(name: &str, model: &Decoder, text: &Value) {
    let found = score(model, &row(&text["input_ids"]), false).expect("score");
    let each: Vec<f64> = found.nll.iter().flatten().map(|x| f64::from(*x)).collect();
    let wanted = floats(&text["each"]);
    assert_eq!(each.len(), wanted.len());
    let furthest = each.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    println!("golden {name}, loss of each token: largest deviation {furthest:.2e}");
    let mean = each.iter().sum::<f64>() / each.len() as f64;
    let wanted = text["mean"].as_f64().expect("a number");
    close(&format!("{name}, mean loss of a text"), (mean - wanted).abs(), 2e-5);
}

/// The matrix that `real_models.py` starts A from: FNV-1a of the key, SplitMix64, uniform in +-1/sqrt(columns).
fn first_a(key: &str, shape: [usize; 2], device: &Device) -> Tensor<2> {
    let fnv = |h: u64, byte: u8| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    let seed = key.bytes().fold(0xCBF2_9CE4_8422_2325, fnv) ^ 42;
    let scale = (1.0 / (shape[1] as f64).sqrt()) as f32;
    let value = |k: usize| {
        let mut z = seed.wrapping_add((k as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        ((z >> 40) as f32 * (-23_f32).exp2() - 1.0) * scale
    };
    let values: Vec<f32> = (0..shape[0] * shape[1]).map(value).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn lora(model: &Decoder, golden: &Value, device: &Device) -> Lora {
    let number = |key: &str| golden[key].as_u64().expect("a number");
    let spec = LoraSpec {
        r: number("r") as usize,
        alpha: number("alpha") as f64,
        dropout: 0.0,
        targets: vec!["all-linear".into()],
        rslora: false,
        dora: false,
    };
    let mut lora = Lora::new(model, spec, &[], 0, device).expect("an adapter");
    for (path, pair) in &mut lora.pairs {
        pair.a = first_a(&format!("base_model.model.{path}.lora_A.weight"), pair.a.dims(), device);
    }
    lora
}

fn batch(golden: &Value, step: usize) -> Packed {
    let examples = &golden["examples"].as_array().expect("examples")[2 * step..2 * step + 2];
    let pad = golden["pad_id"].as_u64().expect("an id") as u32;
    let (mut all_ids, mut labels) = (vec![], vec![]);
    for example in examples {
        let ids = row(&example["input_ids"]);
        let context = example["context"].as_u64().expect("a number") as usize;
        let mut label: Vec<i64> = ids.iter().map(|i| i64::from(*i)).collect();
        label[..context].fill(-100);
        all_ids.push(ids);
        labels.push(label);
    }
    padded(&all_ids, &labels, pad)
}

/// Ten steps of LoRA on every linear layer.
fn learns(name: &str, model: Decoder, golden: &Value, device: &Device) {
    let lora = lora(&model, golden, device);
    let setup = TrainerSetup {
        optimizer: OptimizerConfig {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            kind: burnish::recipe::OptimizerKind::AdamW,
            weight_decay: 0.0,
        },
        schedule: LrSchedule {
            kind: burnish::recipe::Schedule::Constant,
            peak: golden["lr"].as_f64().expect("a number"),
            warmup: 0,
            total: 10,
            decay: 0,
        },
        clip: 0.0,
        seed: 0,
        passes: Passes::default(),
    };
    let vocabulary = model.config.vocab_size;
    let mut trainer = Trainer::new(model, Trained::from(lora), setup).expect("a trainer");
    let (losses, norms) = (floats(&golden["losses"]), floats(&golden["grad_norms"]));
    for (step, (loss, norm)) in losses.into_iter().zip(norms).enumerate() {
        let report = trainer.step(&[batch(golden, step)]).expect("a step");
        // transformers sums each loss in f32 over all ids: of Gemma's 262,144 that loses up to 1e-4.
        let tolerance = if vocabulary > 100_000 { 2e-4 } else { 1e-4 };
        close(
            &format!("{name}, LoRA loss {step}"),
            (report.loss - loss).abs(),
            tolerance,
        );
        close(
            &format!("{name}, gradient norm {step}"),
            (report.grad_norm - norm).abs() / norm,
            1e-3,
        );
    }
}

/// The weights of a model file as a Hugging Face folder in f32.
fn unpack(file: &Path, folder: &Path) {
    let checkpoint = Checkpoint::open(file).expect("the file");
    let tensors: Vec<_> = checkpoint
        .weights
        .names()
        .into_iter()
        .map(|name| {
            let shape = checkpoint.weights.shape(&name).expect("a shape");
            let tensor = checkpoint.weights.read_shaped(&name, &shape).expect("values");
            (name, tensor)
        })
        .collect();
    write(
        &folder.join("model.safetensors"),
        &tensors,
        StoreType::F32,
        &[("format", "pt")],
    )
    .expect("room on the disk");
    std::fs::write(folder.join("config.json"), checkpoint.config.to_string()).expect("room on the disk");
}

#[test]
fn smollm2_from_its_gguf_says_and_learns_what_it_does_in_python() {
    let Some(path) = fetched::asset("smollm2", SMOLLM2) else {
        return;
    };
    let (golden, device) = (json("smollm2.json"), devices::golden());
    let model = load(&path, &device);
    continues("SmolLM2 GGUF", &model, &golden);
    reads("SmolLM2 GGUF", &model, &golden["story"]);
    learns("SmolLM2 GGUF", model, &golden["lora"], &device);
}

#[test]
fn smollm2_from_safetensors_says_and_learns_what_it_does_in_python() {
    let Some(path) = fetched::asset("smollm2", SMOLLM2) else {
        return;
    };
    let (golden, device) = (json("smollm2.json"), devices::golden());
    let folder = tempfile::tempdir().expect("a temporary folder");
    unpack(&path, folder.path());
    let model = load(folder.path(), &device);
    continues("SmolLM2 folder", &model, &golden);
    reads("SmolLM2 folder", &model, &golden["story"]);
    learns("SmolLM2 folder", model, &golden["lora"], &device);
}

#[test]
fn smollm2_in_nf4_learns_what_it_does_in_python() {
    let Some(path) = fetched::asset("smollm2", SMOLLM2) else {
        return;
    };
    let device = devices::golden();
    let (mut golden, known) = (json("qlora_smollm2.json"), json("smollm2.json"));
    golden["examples"] = known["lora"]["examples"].clone();
    // A GGUF file's own blocks would stay as they are.
    let folder = tempfile::tempdir().expect("a temporary folder");
    unpack(&path, folder.path());
    let storage = Storage::Nf4 { double: true };
    let mut model = Decoder::load(folder.path(), storage, &device, &mut |_, _| true).expect("the model");
    let linear: usize = model.config.linears().iter().map(|l| l.inputs * l.outputs).sum();
    let stored = model.stored();
    let (_, bytes) = stored
        .iter()
        .find(|(layout, _)| *layout == "NF4 (double)")
        .expect("packed weights");
    let bits = *bytes as f64 * 8.0 / linear as f64;
    assert!((4.12..4.14).contains(&bits), "{bits} bits a weight");
    learns("SmolLM2 in NF4", model, &golden, &device);
}

#[test]
fn gemma3_from_its_gguf_says_and_learns_what_it_does_in_python() {
    let Some(path) = fetched::asset("gemma3", GEMMA3) else {
        return;
    };
    let (golden, device) = (json("gemma3.json"), devices::golden());
    let model = load(&path, &device);
    continues("Gemma 3", &model, &golden);
    reads("Gemma 3", &model, &golden["story"]);
    reads("Gemma 3, longer than its window", &model, &golden["licence"]);
    learns("Gemma 3", model, &golden["lora"], &device);
}
