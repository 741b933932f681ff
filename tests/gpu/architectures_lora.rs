//! LoRA and full training on architectures with fused, transposed or biased layers: PEFT's own adapters and gradients, files
//! there and back, merging.

use burnish::adapter::{ALL_LINEAR, Lora, LoraSpec, merge};
use burnish::formats::source::TensorSource;
use burnish::formats::weights::{StoreType, WeightFile};
use burnish::model::{Decoder, Inputs, Storage};
use burnish::train::{Trained, Trainer};

use crate::architectures::{CASES, copy_config, decoder, folder, ids, values};
use crate::devices;
use crate::golden::{close, deviation, gap, padded};
use crate::golden_tiny_llama::setup;

const ADAPTED: [&str; 5] = ["gpt2", "gpt_neox", "phi3", "gemma3", "qwen2"];

fn logits(model: &Decoder, row: &[u32]) -> Vec<f32> {
    let inputs = Inputs::following(model, row, 0, &model.device()).expect("inputs");
    values(model.logits(model.hidden(&inputs, None)))
}

#[test]
fn adapters_and_gradients_are_those_of_peft() {
    let device = devices::golden();
    for case in ADAPTED {
        let file = WeightFile::open(&folder(case).join("adapter/golden.safetensors")).expect("golden values");
        let base = decoder(case, &device);
        let row = ids(case, "ids.0");
        let lora = Lora::load(&folder(case).join("adapter"), &base.config, &device).expect(case);
        let mut model = base.clone();
        lora.attach(&mut model, false).expect("attach");
        let inputs = Inputs::following(&model, &row, 0, &device).expect("inputs");
        let found = model.logits(model.hidden(&inputs, None));
        close(
            &format!("{case} adapted logits"),
            deviation(found, &file, "logits"),
            3e-5,
        );

        let labels: Vec<i64> = row.iter().map(|id| i64::from(*id)).collect();
        let batch = padded(&[row], &[labels], 0);
        let trained = Trained::from(lora);
        let mut trainer = Trainer::new(base, trained, setup(1e-3, 0.0)).expect("trainer");
        let (loss, grads) = trainer.gradients(&[batch]).expect("gradients");
        let expected = f64::from(file.read("loss").expect("loss").values[0]);
        close(
            &format!("{case} loss (relative)"),
            (loss - expected).abs() / expected,
            2e-6,
        );
        for (param, grad) in trainer.params.clone().iter().zip(grads) {
            let name = format!("grad.base_model.model.{}.weight", param.name);
            close(&format!("{case} {name}"), deviation(grad, &file, &name), 1e-5);
        }
    }
}

#[test]
fn adapters_survive_their_files_and_merging() {
    let device = devices::golden();
    for case in CASES {
        let base = decoder(case, &device);
        let row = ids(case, "ids.0");
        let spec = LoraSpec {
            r: 2,
            alpha: 4.0,
            dropout: 0.0,
            targets: vec![ALL_LINEAR.into()],
            rslora: false,
            dora: false,
        };
        let lora = Lora::new(&base, spec, &[row[3], (row[3] + 1) % 99], 5, &device).expect(case);
        assert_eq!(lora.pairs.len(), base.config.linears().len(), "{case}");
        let labels: Vec<i64> = row.iter().map(|id| i64::from(*id)).collect();
        let batch = padded(std::slice::from_ref(&row), &[labels], 0);
        let trained = Trained::from(lora);
        let mut trainer = Trainer::new(base.clone(), trained, setup(2e-2, 0.0)).expect("trainer");
        let losses: Vec<f64> = (0..4)
            .map(|_| trainer.step(std::slice::from_ref(&batch)).expect("step").loss)
            .collect();
        assert!(losses[3] < losses[0], "{case}: {losses:?}");
        let Trained::Adapter(trained) = trainer.trained.clone() else {
            panic!("adapter expected")
        };
        let dir = tempfile::tempdir().expect("folder");
        trained
            .save(dir.path(), "base", &base.config, StoreType::F32)
            .expect("save");
        let loaded = Lora::load(dir.path(), &base.config, &device).expect("load");
        let mut adapted = base.clone();
        loaded.attach(&mut adapted, false).expect("attach");
        let merged = merge(&base, &loaded).expect("merge");
        let (a, m, b) = (logits(&adapted, &row), logits(&merged, &row), logits(&base, &row));
        close(&format!("{case} merged"), gap(&a, &m), 1e-4);
        assert!(gap(&a, &b) > 1e-2, "{case}: training must change the answers");
    }
}

#[test]
fn whole_models_are_saved_as_their_checkpoints_are() {
    let device = devices::golden();
    for case in CASES {
        let base = decoder(case, &device);
        let row = ids(case, "ids.0");
        let labels: Vec<i64> = row.iter().map(|id| i64::from(*id)).collect();
        let batch = padded(std::slice::from_ref(&row), &[labels], 0);
        let mut trainer = Trainer::new(base, Trained::Full, setup(1e-3, 0.0)).expect("trainer");
        let first = trainer.step(std::slice::from_ref(&batch)).expect("step").loss;
        let second = trainer.step(std::slice::from_ref(&batch)).expect("step").loss;
        assert!(second < first, "{case}: {first} then {second}");
        let temp = tempfile::tempdir().expect("folder");
        let dir = temp.path().join("final");
        trainer
            .save_folder(&dir, "base", StoreType::F32, &mut |_, _| Ok(()))
            .expect("save");
        copy_config(case, &dir);
        let saved = WeightFile::open(&dir).expect("weights");
        let asked = trainer.model.config.weights();
        assert_eq!(saved.names().count(), asked.len(), "{case}");
        let again = Decoder::load(&dir, Storage::F32, &device, &mut |_, _| true).expect(case);
        let loss = trainer.eval(&[batch], &mut || true).expect("eval").loss;
        let (_, grads) = Trainer::new(again, Trained::Full, setup(1e-3, 0.0))
            .expect("trainer")
            .gradients(&[padded(
                std::slice::from_ref(&row),
                &[row.iter().map(|id| i64::from(*id)).collect()],
                0,
            )])
            .map(|(again, grads)| {
                close(&format!("{case} loss after saving"), (again - loss).abs(), 1e-6);
                (again, grads)
            })
            .expect("gradients");
        assert_eq!(grads.len(), asked.len(), "{case}");
    }
}

#[test]
fn a_target_of_another_architecture_is_named() {
    let device = devices::golden();
    let base = decoder("gpt2", &device);
    let spec = LoraSpec {
        r: 2,
        alpha: 4.0,
        dropout: 0.0,
        targets: vec!["q_proj".into()],
        rslora: false,
        dora: false,
    };
    let error = Lora::new(&base, spec, &[], 5, &device).expect_err("must refuse");
    assert_eq!(
        error.to_string(),
        "The target \"q_proj\" matches no layer of this model. Targets: c_attn, c_proj, c_fc."
    );
}
