//! LoRA, rsLoRA, DoRA and QLoRA against PEFT: logits, loss, every gradient, merged weights, AdamW steps with and without clipping,
//! and PEFT's own files.

use burn::tensor::Device;
use burnish::adapter::{Lora, LoraSpec, merge};
use burnish::formats::source::TensorSource;
use burnish::formats::weights::StoreType;
use burnish::formats::weights::WeightFile;
use burnish::model::{Decoder, Inputs, Storage};
use burnish::train::{Trained, Trainer};

use crate::devices;
use crate::golden::{
    close, close_loss, deviation, deviation_after_adam, floats, ids, json, matrix, padded, path, tiny_llama,
    tiny_llama_in, weights,
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

/// What is compared with PEFT.
struct Case {
    name: &'static str,
    /// Golden files, without their endings.
    files: &'static str,
    storage: Storage,
    rslora: bool,
    dora: bool,
    /// Three steps under these names, with these norms to clip to.
    steps: &'static [(&'static str, f64)],
}

const LORA: Case = Case {
    name: "lora",
    files: "lora_step",
    storage: Storage::F32,
    rslora: false,
    dora: false,
    steps: &[("adamw3", 0.0), ("adamw3_clip1.0", 1.0)],
};

impl Case {
    fn model(&self, device: &Device) -> Decoder {
        tiny_llama_in(self.storage, "untied", device)
    }

    fn adapter(&self, model: &Decoder, device: &Device) -> Lora {
        if self.dora {
            return Lora::load(&path("peft_adapter_dora"), &model.config, device).expect("PEFT adapter");
        }
        golden_lora(model, self.rslora, device)
    }
}

pub fn golden_lora(model: &Decoder, rslora: bool, device: &Device) -> Lora {
    let spec = LoraSpec {
        r: 4,
        alpha: 8.0,
        dropout: 0.0,
        targets: TARGETS.map(String::from).to_vec(),
        rslora,
        dora: false,
    };
    let mut lora = Lora::new(model, spec, &[], 0, device).expect("adapter");
    let file = weights("lora_step.safetensors");
    for (path, pair) in &mut lora.pairs {
        let name = |m: &str| format!("lora.param.base_model.model.{path}.{m}.weight");
        pair.a = matrix(&file, &name("lora_A"), device);
        pair.b = matrix(&file, &name("lora_B"), device);
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
    let inputs = Inputs::packed(model, &flat, &positions, &vec![1; flat.len()], rows.len(), device).expect("inputs");
    model.logits(model.hidden(&inputs, None))
}

fn check(tested: &Case) {
    let (device, case) = (devices::golden(), tested.name);
    let j = json(&format!("{}.json", tested.files));
    let file = weights(&format!("{}.safetensors", tested.files));
    let rows = ids(&j["input_ids"]);
    let labels: Vec<Vec<i64>> = serde_json::from_value(j["labels"].clone()).expect("labels");
    let batch = padded(&rows, &labels, 258);
    let mut model = tested.model(&device);
    let lora = tested.adapter(&model, &device);
    lora.attach(&mut model, false).expect("attach");
    close(
        &format!("{case} logits"),
        deviation(logits(&model, &rows, &device), &file, &format!("{case}.logits")),
        3e-5,
    );

    let mut trainer =
        Trainer::new(tested.model(&device), Trained::from(lora.clone()), setup(1e-3, 0.0)).expect("trainer");
    let (loss, grads) = trainer.gradients(std::slice::from_ref(&batch)).expect("gradients");
    close_loss(case, loss, &j["cases"][case]["loss"]);
    for (param, grad) in trainer.params.clone().iter().zip(grads) {
        let name = golden_name(case, "grad", &param.name);
        close(&name, deviation(grad, &file, &name), 5e-6);
    }

    let mut merged = merge(&tested.model(&device), &lora).expect("merge");
    for (name, linear) in merged.linears_mut() {
        let name = format!("{case}.merged.{name}.weight");
        if file.has(&name) {
            close(&name, deviation(linear.matrix(), &file, &name), 2e-6);
        }
    }
    for (suffix, clip) in tested.steps {
        three_steps(tested, suffix, *clip, lora.clone(), &batch);
    }
}

fn three_steps(tested: &Case, suffix: &str, clip: f64, lora: Lora, batch: &burnish::batch::Packed) {
    let (device, case) = (devices::golden(), tested.name);
    let j = json(&format!("{}.json", tested.files));
    let file = weights(&format!("{}.safetensors", tested.files));
    let expected = &j["cases"][case][suffix];
    let mut trainer = Trainer::new(tested.model(&device), Trained::from(lora), setup(1e-3, clip)).expect("trainer");
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
    check(&LORA);
}

#[test]
fn rslora_matches_peft() {
    check(&Case {
        name: "rslora",
        rslora: true,
        steps: &[("adamw3", 0.0)],
        ..LORA
    });
}

#[test]
fn dora_matches_peft() {
    check(&Case {
        name: "dora",
        files: "methods",
        dora: true,
        ..LORA
    });
}

#[test]
fn lora_over_nf4_matches_peft_over_what_bitsandbytes_restores() {
    check(&Case {
        name: "qlora",
        files: "methods",
        storage: Storage::Nf4 { double: true },
        steps: &[("adamw3", 0.0)],
        ..LORA
    });
}

#[test]
fn only_the_linear_layers_of_blocks_are_quantised() {
    let device = devices::golden();
    for (storage, name, bits) in [
        (Storage::Nf4 { double: true }, "NF4 (double)", 4.4),
        (Storage::Q8, "Q8_0", 8.6),
    ] {
        let mut model = tiny_llama_in(storage, "untied", &device);
        let linear: u64 = model
            .config
            .linears()
            .iter()
            .map(|l| (l.inputs * l.outputs) as u64)
            .sum();
        let total = model.config.parameters();
        let stored = model.stored();
        let bytes = |layout: &str| {
            stored
                .iter()
                .find(|(name, _)| *name == layout)
                .map_or(0, |(_, bytes)| *bytes)
        };
        assert!((bytes(name) * 8) as f64 <= linear as f64 * bits, "{stored:?}");
        assert!(bytes(name) * 8 >= linear * 4, "{stored:?}");
        // Embedding and head have a number beside their own.
        assert_eq!(bytes("F32"), (total - linear + 2) * 4, "{stored:?}");
    }
}

#[test]
fn dora_over_nf4_is_dora_over_the_same_numbers() {
    let device = devices::golden();
    let model = tiny_llama_in(Storage::Nf4 { double: true }, "untied", &device);
    let lora = Lora::load(&path("peft_adapter_dora"), &model.config, &device).expect("PEFT adapter");
    let rows = ids(&json("methods.json")["input_ids"]);
    // Over NF4 as over the same numbers unpacked.
    let mut dense = model.clone();
    for (_, linear) in dense.linears_mut() {
        linear.weight = linear.matrix().into();
    }
    let values = |base: &Decoder| {
        let mut adapted = base.clone();
        lora.attach(&mut adapted, false).expect("attach");
        logits(&adapted, &rows, &device)
            .into_data()
            .iter::<f32>()
            .collect::<Vec<_>>()
    };
    let gap = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(p, q)| (p - q).abs()).fold(0f32, f32::max);
    close("DoRA over NF4", f64::from(gap(&values(&model), &values(&dense))), 2e-5);
    // The merged model says the same.
    let merged = merge(&model, &lora).expect("merge");
    let merged = logits(&merged, &rows, &device)
        .into_data()
        .iter::<f32>()
        .collect::<Vec<_>>();
    close("DoRA merged", f64::from(gap(&values(&model), &merged)), 5e-5);
}

#[test]
fn dora_files_are_peft_s_and_survive_a_round_trip() {
    let device = devices::golden();
    let model = tiny_llama("untied", &device);
    let lora = Lora::load(&path("peft_adapter_dora"), &model.config, &device).expect("PEFT adapter");
    let dir = tempfile::tempdir().expect("folder");
    lora.save(dir.path(), "base", &model.config, StoreType::F32)
        .expect("save");
    let (theirs, ours) = (
        WeightFile::open(&path("peft_adapter_dora/adapter_model.safetensors")),
        WeightFile::open(&dir.path().join("adapter_model.safetensors")),
    );
    let (theirs, ours) = (theirs.expect("theirs"), ours.expect("ours"));
    let names = |file: &WeightFile| {
        file.names()
            .map(String::from)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(names(&theirs), names(&ours));
    for name in theirs.names() {
        let (a, b) = (theirs.read(name).expect(name), ours.read(name).expect(name));
        assert_eq!((a.shape, a.values), (b.shape, b.values), "{name}");
    }
    let config: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(dir.path().join("adapter_config.json")).expect("config"))
            .expect("JSON");
    assert_eq!(config["use_dora"], true);
}

#[test]
fn a_fresh_adapter_changes_nothing() {
    let device = devices::golden();
    let mut model = tiny_llama("untied", &device);
    let rows = ids(&json("tiny_llama.json")["input_ids"]);
    let before: Vec<f32> = logits(&model, &rows, &device).into_data().iter::<f32>().collect();
    let spec = LoraSpec {
        r: 8,
        alpha: 16.0,
        dropout: 0.1,
        targets: TARGETS.map(String::from).to_vec(),
        rslora: false,
        dora: false,
    };
    for dora in [false, true] {
        let spec = LoraSpec { dora, ..spec.clone() };
        let lora = Lora::new(&model, spec, &[3, 250], 5, &device).expect("adapter");
        lora.attach(&mut model, false).expect("attach");
        let after: Vec<f32> = logits(&model, &rows, &device).into_data().iter::<f32>().collect();
        assert_eq!(before, after, "step 0 must be the base model bit for bit");
    }
}

#[test]
fn peft_adapter_loads_and_survives_a_round_trip() {
    let device = devices::golden();
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
    lora.save(dir.path(), "base", &model.config, StoreType::F32)
        .expect("save");
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
    let device = devices::golden();
    let model = tiny_llama("tied", &device);
    let rows = ids(&json("tiny_llama.json")["input_ids"]);
    let spec = LoraSpec {
        r: 2,
        alpha: 4.0,
        dropout: 0.0,
        targets: vec!["q_proj".into()],
        rslora: false,
        dora: false,
    };
    let lora = Lora::new(&model, spec, &[rows[0][9], 257], 5, &device).expect("adapter");
    let all = vec![vec![7i64; 17]; 2];
    let batch = padded(&rows, &all, 258);
    let mut trainer = Trainer::new(model, Trained::from(lora), setup(1e-2, 0.0)).expect("trainer");
    for _ in 0..3 {
        trainer.step(std::slice::from_ref(&batch)).expect("step");
    }
    let Trained::Adapter(trained) = trainer.trained.clone() else {
        panic!("adapter expected")
    };
    let dir = tempfile::tempdir().expect("folder");
    trained
        .save(dir.path(), "base", &trainer.model.config, StoreType::F32)
        .expect("save");
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
