//! Whole training steps against TRL's SFTTrainer: padded full fine-tuning and padded LoRA, accumulation 2, clipping,
//! linear schedule with warm-up.

use burn::tensor::Device;
use burnish::batch::Packed;
use burnish::formats::source::TensorSource;
use burnish::recipe::Schedule;
use burnish::train::{LrSchedule, OptimizerConfig, Passes, Trained, Trainer, TrainerSetup};
use serde_json::Value;

use crate::devices;
use crate::golden::{close, deviation, json, padded, tiny_llama, weights};
use crate::golden_lora::golden_lora;

fn micro_batches(j: &Value) -> Vec<Packed> {
    let rows: Vec<(Vec<u32>, Vec<i64>)> = j["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|r| {
            (
                serde_json::from_value(r["input_ids"].clone()).expect("ids"),
                serde_json::from_value(r["labels"].clone()).expect("labels"),
            )
        })
        .collect();
    rows.chunks(2)
        .map(|pair| {
            let (ids, labels): (Vec<_>, Vec<_>) = pair.iter().cloned().unzip();
            padded(&ids, &labels, 2)
        })
        .collect()
}

fn check(run: &str, trained: impl Fn(&Device) -> Trained, name_of: impl Fn(&str) -> String) {
    let device = devices::golden();
    let j = json("sft_trainer.json");
    let schedule = LrSchedule {
        kind: Schedule::Linear,
        peak: 1e-3,
        warmup: 1,
        total: 4,
        decay: 0,
    };
    let setup = TrainerSetup {
        optimizer: OptimizerConfig::default(),
        schedule,
        clip: 1.0,
        seed: 0,
        passes: Passes::default(),
    };
    let mut trainer = Trainer::new(tiny_llama("untied", &device), trained(&device), setup).expect("trainer");
    let batches = micro_batches(&j);
    let log = j["runs"][run]["log"].as_array().expect("log");
    for (i, expected) in log.iter().enumerate() {
        let micro = &batches[i * 2..i * 2 + 2];
        let items = &j["runs"][run]["micro_batches"][i * 2]["num_items_in_batch"];
        let report = trainer.step(micro).expect("step");
        assert_eq!(Some(report.supervised_tokens as u64), items.as_u64());
        let number = |key: &str| expected[key].as_f64().expect("number");
        close(
            &format!("{run} step {i} loss"),
            (report.loss - number("loss")).abs(),
            1e-5,
        );
        close(
            &format!("{run} step {i} grad_norm"),
            (report.grad_norm - number("grad_norm")).abs(),
            1e-4,
        );
        close(
            &format!("{run} step {i} lr"),
            (report.lr - number("learning_rate")).abs(),
            1e-10,
        );
    }
    let file = weights("sft_trainer.safetensors");
    let mut compared = 0;
    for param in &trainer.params {
        let name = name_of(&param.name);
        if file.has(&name) {
            close(&name, deviation(param.value.clone(), &file, &name), 2e-5);
            compared += 1;
        }
    }
    assert!(compared >= 4, "only {compared} tensors compared");
}

#[test]
fn padded_full_matches_trl() {
    check("padded", |_| Trained::Full, |name| format!("padded.after.{name}"));
}

#[test]
fn padded_lora_matches_trl() {
    let lora = |device: &Device| Trained::from(golden_lora(&tiny_llama("untied", device), false, device));
    check("lora_padded", lora, |name| {
        format!("lora_padded.after.base_model.model.{name}.weight")
    });
}
