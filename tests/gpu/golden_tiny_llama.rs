//! The tiny Llama against PyTorch: logits, per-token loss, every gradient, accumulation, three AdamW steps, greedy ids.

use burn::tensor::{Device, Tensor};
use burnish::infer::{Request, Sampling, generate};
use burnish::model::{Decoder, Inputs};
use burnish::objective::token_losses;
use burnish::recipe::Schedule;
use burnish::train::{LrSchedule, OptimizerConfig, Passes, Trained, Trainer, TrainerSetup};
use serde_json::Value;

use crate::devices;
use crate::golden::{
    close, close_loss, deviation, deviation_after_adam, floats, ids, json, padded, tiny_llama, weights,
};

const PAD: u32 = 258;

pub fn setup(lr: f64, clip: f64) -> TrainerSetup {
    let schedule = LrSchedule {
        kind: Schedule::Constant,
        peak: lr,
        warmup: 0,
        total: 3,
        decay: 0,
    };
    TrainerSetup {
        optimizer: OptimizerConfig::default(),
        schedule,
        clip,
        seed: 1,
        passes: Passes::default(),
    }
}

fn labels(value: &Value) -> Vec<Vec<i64>> {
    serde_json::from_value(value.clone()).expect("labels")
}

fn logits(model: &Decoder, rows: &[Vec<u32>], device: &Device) -> Tensor<2> {
    let len = rows[0].len();
    let flat = rows.concat();
    let positions: Vec<u32> = (0..rows.len()).flat_map(|_| 0..len as u32).collect();
    let inputs = Inputs::packed(model, &flat, &positions, &vec![1; flat.len()], rows.len(), device).expect("inputs");
    model.logits(model.hidden(&inputs, None))
}

fn check(case: &str, logit_tolerance: f64, grad_tolerance: f64) {
    let device = devices::golden();
    let (j, file) = (json("tiny_llama.json"), weights("tiny_llama.safetensors"));
    let (rows, labels, case_json) = (ids(&j["input_ids"]), labels(&j["labels"]), &j["cases"][case]);
    let model = tiny_llama(case, &device);
    close(
        &format!("tiny_llama {case} logits"),
        deviation(logits(&model, &rows, &device), &file, &format!("{case}.logits")),
        logit_tolerance,
    );

    let batch = padded(&rows, &labels, PAD);
    let each = token_losses(&model, &batch, &device)
        .expect("losses")
        .expect("supervised");
    let found: Vec<f32> = each.into_data().iter::<f32>().collect();
    let expected: Vec<f64> = case_json["per_token_loss_shifted"]
        .as_array()
        .expect("rows")
        .iter()
        .flat_map(floats)
        .filter(|x| *x != 0.0)
        .collect();
    assert_eq!(found.len(), expected.len());
    let worst = found
        .iter()
        .zip(&expected)
        .map(|(a, b)| (f64::from(*a) - b).abs() / b.abs())
        .fold(0.0, f64::max);
    close(&format!("tiny_llama {case} per-token loss (relative)"), worst, 5e-6);

    let mut trainer = Trainer::new(model, Trained::Full, setup(1e-3, 0.0)).expect("trainer");
    let (loss, grads) = trainer.gradients(std::slice::from_ref(&batch)).expect("gradients");
    close_loss(&format!("tiny_llama {case}"), loss, &case_json["loss"]);
    for (param, grad) in trainer.params.clone().iter().zip(grads) {
        let name = format!("{case}.grad.{}", param.name);
        close(&name, deviation(grad, &file, &name), grad_tolerance);
    }
    accumulate(case, &rows, &labels, &mut trainer, loss);
    three_steps(case, case_json, &batch, &device);
    greedy(case, case_json, &rows, &device);
}

/// Two micro-batches give the loss and gradients of one.
fn accumulate(case: &str, rows: &[Vec<u32>], labels: &[Vec<i64>], trainer: &mut Trainer, whole: f64) {
    let micro: Vec<_> = (0..2).map(|i| padded(&rows[i..=i], &labels[i..=i], PAD)).collect();
    let (loss, grads) = trainer.gradients(&micro).expect("gradients");
    close(
        &format!("tiny_llama {case} accumulated loss"),
        (loss - whole).abs() / whole,
        2e-6,
    );
    let file = weights("tiny_llama.safetensors");
    let worst = trainer
        .params
        .iter()
        .zip(grads)
        .map(|(p, g)| deviation(g, &file, &format!("{case}.grad.{}", p.name)));
    close(
        &format!("tiny_llama {case} accumulated gradients"),
        worst.fold(0.0, f64::max),
        1e-5,
    );
}

fn three_steps(case: &str, case_json: &Value, batch: &burnish::batch::Packed, device: &Device) {
    let mut trainer = Trainer::new(tiny_llama(case, device), Trained::Full, setup(1e-3, 0.0)).expect("trainer");
    for param in &mut trainer.params {
        // The golden run uses one parameter group: everything decays.
        param.decay = true;
    }
    let (losses, norms) = (
        floats(&case_json["adamw3"]["losses"]),
        floats(&case_json["adamw3"]["grad_norms"]),
    );
    let (_, grads) = trainer.gradients(std::slice::from_ref(batch)).expect("gradients");
    for (loss, norm) in losses.iter().zip(&norms) {
        let report = trainer.step(std::slice::from_ref(batch)).expect("step");
        close(
            &format!("tiny_llama {case} step {} loss", report.step),
            (report.loss - loss).abs() / loss,
            1e-5,
        );
        close(
            &format!("tiny_llama {case} step {} norm", report.step),
            (report.grad_norm - norm).abs() / norm,
            1e-5,
        );
    }
    let file = weights("tiny_llama.safetensors");
    let worst = trainer
        .params
        .iter()
        .zip(&grads)
        .map(|(p, g)| deviation_after_adam(&p.value, g, &file, &format!("{case}.adamw3.{}", p.name)));
    close(
        &format!("tiny_llama {case} weights after three steps"),
        worst.fold(0.0, f64::max),
        5e-6,
    );
    let after = trainer
        .eval(std::slice::from_ref(batch), &mut || true)
        .expect("eval")
        .loss;
    let expected = case_json["adamw3"]["loss_after"].as_f64().expect("loss");
    close(
        &format!("tiny_llama {case} loss after three steps"),
        (after - expected).abs() / expected,
        1e-5,
    );
}

fn greedy(case: &str, case_json: &Value, rows: &[Vec<u32>], device: &Device) {
    let model = tiny_llama(case, device);
    for (row, expected) in rows.iter().zip(ids(&case_json["greedy_from_first_8_ids_12_tokens"])) {
        let request = Request {
            prompt: &row[..8],
            sampling: Sampling::default(),
            max_tokens: 12,
            stop_ids: &[],
            alternatives: 0,
        };
        assert_eq!(
            generate(&model, &request, &mut |_| true).expect("generation").ids,
            expected,
            "{case} greedy ids"
        );
    }
}

#[test]
fn untied_matches_pytorch() {
    check("untied", 2e-5, 2e-6);
}

#[test]
fn tied_matches_pytorch() {
    check("tied", 1e-4, 1e-5);
}

#[test]
fn cached_decoding_gives_the_logits_of_one_pass() {
    let device = devices::golden();
    let model = tiny_llama("untied", &device);
    let row = &ids(&json("tiny_llama.json")["input_ids"])[0];
    let whole: Vec<f32> = logits(&model, std::slice::from_ref(row), &device)
        .into_data()
        .iter::<f32>()
        .collect();
    let mut cache = burnish::model::Cache::new(model.blocks.len());
    for (part, at) in [(&row[..5], 0), (&row[5..6], 5), (&row[6..], 6)] {
        let inputs = Inputs::following(&model, part, at, &device).expect("inputs");
        let found: Vec<f32> = model
            .logits(model.hidden(&inputs, Some(&mut cache)))
            .into_data()
            .iter::<f32>()
            .collect();
        let expected = &whole[at * 259..][..found.len()];
        let worst = found
            .iter()
            .zip(expected)
            .map(|(a, b)| f64::from((a - b).abs()))
            .fold(0.0, f64::max);
        close("cached logits", worst, 1e-4);
    }
    assert_eq!(cache.len(), row.len());
}

#[test]
fn a_packed_row_gives_the_losses_of_its_parts() {
    let device = devices::golden();
    let model = tiny_llama("untied", &device);
    let e = &json("packing.json")["example"];
    let rows: Vec<Vec<u32>> = [&e["seq_a"], &e["seq_b"]]
        .map(|v| serde_json::from_value(v.clone()).expect("ids"))
        .to_vec();
    let labels: Vec<Vec<i64>> = [&e["labels_a"], &e["labels_b"]]
        .map(|v| serde_json::from_value(v.clone()).expect("labels"))
        .to_vec();
    let examples = crate::golden::examples(&rows, &labels);
    let packed = burnish::batch::collate(&examples, &[vec![0, 1]], PAD);
    let positions: Vec<u32> = serde_json::from_value(e["position_ids"].clone()).expect("positions");
    assert_eq!(packed.positions, positions);
    let found: Vec<f32> = token_losses(&model, &packed, &device)
        .expect("losses")
        .expect("supervised")
        .into_data()
        .iter::<f32>()
        .collect();
    for key in [
        "per_token_loss_a_alone_shifted(len 8)",
        "per_token_loss_b_alone_shifted(len 12)",
    ] {
        assert!(e.get(key).is_some(), "{key}");
    }
    let expected: Vec<f64> = floats(&e["per_token_loss_packed_shifted(len 21; index 8 is the boundary, label masked)"])
        .into_iter()
        .filter(|x| *x != 0.0)
        .collect();
    assert_eq!(found.len(), expected.len());
    let worst = found
        .iter()
        .zip(&expected)
        .map(|(a, b)| (f64::from(*a) - b).abs())
        .fold(0.0, f64::max);
    close("packed losses", worst, 5e-6);
    let alone: Vec<f32> = (0..2)
        .flat_map(|i| {
            let one = burnish::batch::collate(&examples, &[vec![i]], PAD);
            token_losses(&model, &one, &device)
                .expect("losses")
                .expect("supervised")
                .into_data()
                .iter::<f32>()
                .collect::<Vec<_>>()
        })
        .collect();
    let worst = found
        .iter()
        .zip(&alone)
        .map(|(a, b)| f64::from((a - b).abs()))
        .fold(0.0, f64::max);
    close("packed against alone", worst, 5e-6);
}

#[test]
fn an_id_outside_the_vocabulary_is_named() {
    let device = devices::golden();
    let model = tiny_llama("untied", &device);
    let error = Inputs::following(&model, &[1, 2, 259], 0, &device).expect_err("must refuse");
    assert_eq!(
        error.to_string(),
        "Token id 259 at position 2 is outside the vocabulary of 259. The tokenizer does not fit this model."
    );
}
