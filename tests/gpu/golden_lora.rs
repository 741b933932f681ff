//! LoRA and rsLoRA against PEFT: logits, loss, every gradient, merged weights, AdamW steps with and without clipping,
//! and PEFT's own files.

use burn::tensor::Device;
use burnish::adapter::{Lora, LoraSpec, Pair, merge};
use burnish::formats::source::TensorSource;
use burnish::model::{Decoder, Inputs};
use burnish::train::{Trained, Trainer};

use crate::golden::{
    close, deviation, deviation_after_adam, floats, ids, json, matrix, padded, path, tiny_llama, weights,
};
use crate::golden_tiny_llama::setup;

const TARGETS: [&str; 7] = [
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
];

pub fn golden_lora(model: &Decoder, rslora: bool, device: &Device) -> Lora {
    let spec = LoraSpec {
        r: 4,
        alpha: 8.0,
        dropout: 0.0,
        targets: TARGETS.map(String::from).to_vec(),
        rslora,
    };
    let mut lora = Lora::new(model, spec, &[], 0, device).expect("adapter");
    let file = weights("lora_step.safetensors");
    for (path, pair) in &mut lora.pairs {
        let name = |m: &str| format!("lora.param.base_model.model.{path}.{m}.weight");
        *pair = Pair {
            a: matrix(&file, &name("lora_A"), device),
            b: matrix(&file, &name("lora_B"), device),
        };
    }
    lora
}

/// `model.layers.0.mlp.up_proj.lora_A` as PEFT names it in the golden file.
fn golden_name(case: &str, what: &str, param: &str) -> String {
    format!("{case}.{what}.base_model.model.{param}.weight")
}

fn logits(model: &Decoder, rows: &[Vec<u32>], device: &Device) -> burn::tensor::Tensor<2> {
    let flat = rows.concat();
    let positions: Vec<u32> = (0..rows.len()).flat_map(|_| 0..rows[0].len() as u32).collect();
    let inputs = Inputs::packed(
        &model.config,
        &flat,
        &positions,
        &vec![1; flat.len()],
        rows.len(),
        device,
    )
    .expect("inputs");
    model.logits(model.hidden(&inputs, None))
}

fn check(case: &str, rslora: bool, step_cases: &[(&str, f64)]) {
    let device = Device::flex();
    let (j, file) = (json("lora_step.json"), weights("lora_step.safetensors"));
    let rows = ids(&j["input_ids"]);
    let labels: Vec<Vec<i64>> = serde_json::from_value(j["labels"].clone()).expect("labels");
    let batch = padded(&rows, &labels, 258);
    let mut model = tiny_llama("untied", &device);
    let lora = golden_lora(&model, rslora, &device);
    lora.attach(&mut model, false).expect("attach");
    close(
        &format!("{case} logits"),
        deviation(logits(&model, &rows, &device), &file, &format!("{case}.logits")),
        3e-5,
    );

    let mut trainer = Trainer::new(
        tiny_llama("untied", &device),
        Trained::Lora(Box::new(lora.clone())),
        setup(1e-3, 0.0),
    )
    .expect("trainer");
    let (loss, grads) = trainer.gradients(std::slice::from_ref(&batch)).expect("gradients");
    let expected = j["cases"][case]["loss"].as_f64().expect("loss");
    close(
        &format!("{case} loss (relative)"),
        (loss - expected).abs() / expected,
        2e-6,
    );
    for (param, grad) in trainer.params.clone().iter().zip(grads) {
        let name = golden_name(case, "grad", &param.name);
        close(&name, deviation(grad, &file, &name), 5e-6);
    }

    let mut merged = merge(&tiny_llama("untied", &device), &lora).expect("merge");
    for (name, linear) in merged.linears_mut() {
        let name = format!("{case}.merged.{name}.weight");
        if file.has(&name) {
            close(&name, deviation(linear.matrix(), &file, &name), 2e-6);
        }
    }
    for (suffix, clip) in step_cases {
        three_steps(case, suffix, *clip, lora.clone(), &batch, &device);
    }
}

fn three_steps(case: &str, suffix: &str, clip: f64, lora: Lora, batch: &burnish::batch::Packed, device: &Device) {
    let (j, file) = (json("lora_step.json"), weights("lora_step.safetensors"));
    let expected = &j["cases"][case][suffix];
    let mut trainer = Trainer::new(
        tiny_llama("untied", device),
        Trained::Lora(Box::new(lora)),
        setup(1e-3, clip),
    )
    .expect("trainer");
    let (_, grads) = trainer.gradients(std::slice::from_ref(batch)).expect("gradients");
    for (loss, norm) in floats(&expected["losses"])
        .iter()
        .zip(floats(&expected["grad_norms_before_clip"]))
    {
        let report = trainer.step(std::slice::from_ref(batch)).expect("step");
        close(
            &format!("{case} {suffix} loss {}", report.step),
            (report.loss - loss).abs() / loss,
            5e-6,
        );
        close(
            &format!("{case} {suffix} norm {}", report.step),
            (report.grad_norm - norm).abs() / norm,
            1e-5,
        );
    }
    for (param, grad) in trainer.params.iter().zip(grads) {
        let name = golden_name(case, suffix, &param.name);
        close(&name, deviation_after_adam(&param.value, &grad, &file, &name), 2e-6);
    }
}

#[test]
fn lora_matches_peft() {
    check("lora", false, &[("adamw3", 0.0), ("adamw3_clip1.0", 1.0)]);
}

#[test]
fn rslora_matches_peft() {
    check("rslora", true, &[("adamw3", 0.0)]);
}

#[test]
fn a_fresh_adapter_changes_nothing() {
    let device = Device::flex();
    let mut model = tiny_llama("untied", &device);
    let rows = ids(&json("tiny_llama.json")["input_ids"]);
    let before: Vec<f32> = logits(&model, &rows, &device).into_data().iter::<f32>().collect();
    let spec = LoraSpec {
        r: 8,
        alpha: 16.0,
        dropout: 0.1,
        targets: TARGETS.map(String::from).to_vec(),
        rslora: false,
    };
    let lora = Lora::new(&model, spec, &[3, 250], 5, &device).expect("adapter");
    lora.attach(&mut model, false).expect("attach");
    let after: Vec<f32> = logits(&model, &rows, &device).into_data().iter::<f32>().collect();
    assert_eq!(before, after, "step 0 must be the base model bit for bit");
}

#[test]
fn peft_adapter_loads_and_survives_a_round_trip() {
    let device = Device::flex();
    let model = tiny_llama("untied", &device);
    let lora = Lora::load(&path("peft_adapter_lora"), &model.config, &device).expect("PEFT adapter");
    assert_eq!((lora.spec.r, lora.spec.alpha, lora.pairs.len()), (4, 8.0, 14));
    let file = weights("lora_step.safetensors");
    for (path, pair) in &lora.pairs {
        let name = |m: &str| format!("lora.param.base_model.model.{path}.{m}.weight");
        assert_eq!(deviation(pair.a.clone(), &file, &name("lora_A")), 0.0);
        assert_eq!(deviation(pair.b.clone(), &file, &name("lora_B")), 0.0);
    }
    let dir = tempfile::tempdir().expect("folder");
    lora.save(dir.path(), "base", &model.config).expect("save");
    let again = Lora::load(dir.path(), &model.config, &device).expect("own adapter");
    for (path, pair) in &lora.pairs {
        let other = &again.pairs[path];
        assert_eq!(pair.a.clone().into_data(), other.a.clone().into_data(), "{path}");
        assert_eq!(pair.b.clone().into_data(), other.b.clone().into_data(), "{path}");
    }
    assert_eq!(again.spec, lora.spec);
}

#[test]
fn token_rows_train_save_and_merge() {
    let device = Device::flex();
    let model = tiny_llama("tied", &device);
    let rows = ids(&json("tiny_llama.json")["input_ids"]);
    let spec = LoraSpec {
        r: 2,
        alpha: 4.0,
        dropout: 0.0,
        targets: vec!["q_proj".into()],
        rslora: false,
    };
    let lora = Lora::new(&model, spec, &[rows[0][9], 257], 5, &device).expect("adapter");
    let all = vec![vec![7i64; 17]; 2];
    let batch = padded(&rows, &all, 258);
    let mut trainer = Trainer::new(model, Trained::Lora(Box::new(lora)), setup(1e-2, 0.0)).expect("trainer");
    for _ in 0..3 {
        trainer.step(std::slice::from_ref(&batch)).expect("step");
    }
    let Trained::Lora(trained) = trainer.trained.clone() else {
        panic!("adapter expected")
    };
    let dir = tempfile::tempdir().expect("folder");
    trained.save(dir.path(), "base", &trainer.model.config).expect("save");
    let base = tiny_llama("tied", &device);
    let loaded = Lora::load(dir.path(), &base.config, &device).expect("load");
    let mut adapted = base.clone();
    loaded.attach(&mut adapted, false).expect("attach");
    let merged = merge(&base, &loaded).expect("merge");
    let [a, m, b] =
        [&adapted, &merged, &base].map(|m| logits(m, &rows, &device).into_data().iter::<f32>().collect::<Vec<_>>());
    let gap = |x: &[f32], y: &[f32]| {
        x.iter()
            .zip(y)
            .map(|(p, q)| f64::from((p - q).abs()))
            .fold(0.0, f64::max)
    };
    close("merged token rows", gap(&a, &m), 1e-4);
    assert!(gap(&a, &b) > 1e-2, "training must change the answers");
}
