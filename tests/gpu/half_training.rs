//! Training with products in half precision: close to single precision, scaled so that small gradients stay and large ones do not
//! overflow, and resumed exactly; adapters that the model reads in bf16.

use burn::tensor::{Device, Tensor};
use burnish::adapter::{Adapter, Lora, LoraSpec};
use burnish::formats::weights::{StoreType, WeightFile};
use burnish::kernels::Compute;
use burnish::model::Decoder;
use burnish::train::{LossScale, Passes, Trained, Trainer, TrainerSetup, TrainerState};
use half::bf16;

use crate::devices::{all, gpu};
use crate::golden_tiny_llama::setup;
use crate::train_devices::{batch, config};

/// A trainer of an adapter whose B is `b` times a part of A; `None` trains the whole model.
fn trainer(device: &Device, compute: Compute, b: Option<f64>, passes: Passes) -> Trainer {
    let mut model = Decoder::random(config(2), 3, device).expect("model");
    model.compute = compute;
    let trained = match b {
        Some(b) => {
            let spec = LoraSpec {
                r: 16,
                alpha: 32.0,
                dropout: 0.0,
                targets: vec!["q_proj".into(), "down_proj".into()],
                rslora: false,
                dora: false,
            };
            let mut lora = Lora::new(&model, spec, &[13], 4, device).expect("adapter");
            for pair in lora.pairs.values_mut() {
                pair.b = pair.a.clone().slice([0..1, 0..1]).expand(pair.b.dims()) * b;
            }
            Trained::from(lora)
        }
        None => Trained::Full,
    };
    let setup = TrainerSetup {
        passes,
        ..setup(1e-2, 0.0)
    };
    Trainer::new(model, trained, setup).expect("trainer")
}

fn values(tensor: &Tensor<2>) -> Vec<f32> {
    tensor.clone().into_data().try_into_vec().expect("values")
}

type Grads = Vec<(String, Vec<f32>)>;

fn gradients(trainer: &mut Trainer) -> (f64, Grads) {
    let (loss, grads) = trainer.gradients(&[batch(), batch()]).expect("gradients");
    let names = trainer.params.iter().map(|p| p.name.clone());
    (loss, names.zip(grads.iter().map(values)).collect())
}

/// The largest distance of two tensors of the same name, measured by the length of the first.
fn farthest(expected: &Grads, got: &Grads) -> f64 {
    let mut farthest = 0f64;
    for ((name, expected), (_, got)) in expected.iter().zip(got) {
        let length = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
        let whole = length(&mut expected.iter().map(|x| f64::from(*x)));
        let far = length(&mut expected.iter().zip(got).map(|(e, g)| f64::from(e - g)));
        assert!(got.iter().all(|x| x.is_finite()), "{name}");
        if whole > 0.0 {
            farthest = farthest.max(far / whole);
        }
    }
    farthest
}

#[test]
fn gradients_are_near_those_of_single_precision() {
    let cpu = Device::flex();
    for b in [Some(0.5), None] {
        for checkpointing in [false, true] {
            let passes = Passes {
                checkpointing,
                kl: if b.is_some() { 0.2 } else { 0.0 },
                ..Passes::default()
            };
            let (loss, exact) = gradients(&mut trainer(&cpu, Compute::F32, b, passes));
            for (compute, most) in [(Compute::F16, 4e-3), (Compute::Bf16, 3e-2)] {
                let (near, grads) = gradients(&mut trainer(&cpu, compute, b, passes));
                let far = farthest(&exact, &grads);
                assert!((loss - near).abs() < most, "{}: loss {loss} and {near}", compute.name());
                assert!(far < most, "{}: {far} from the gradients of f32", compute.name());
                assert!(far > 1e-5, "{}: nothing was rounded", compute.name());
            }
        }
    }
}

#[test]
fn a_gpu_gives_the_losses_and_gradients_of_the_cpu_in_f16() {
    let Some(device) = gpu() else { return };
    let expected = gradients(&mut trainer(
        &Device::flex(),
        Compute::F16,
        Some(0.5),
        Passes::default(),
    ));
    let got = gradients(&mut trainer(&device, Compute::F16, Some(0.5), Passes::default()));
    assert!((expected.0 - got.0).abs() < 1e-3, "{} and {}", expected.0, got.0);
    let far = farthest(&expected.1, &got.1);
    assert!(far < 4e-3, "gradients differ by {far}");
}

/// Unless the loss is scaled, these gradients of A are below the smallest number of f16.
#[test]
fn small_gradients_do_not_vanish() {
    for (name, device) in all() {
        let small = Some(3e-5);
        let (_, exact) = gradients(&mut trainer(&Device::flex(), Compute::F32, small, Passes::default()));
        let (_, grads) = gradients(&mut trainer(&device, Compute::F16, small, Passes::default()));
        let (parameter, smallest) = exact
            .iter()
            .map(|(name, g)| (name, g.iter().fold(0f32, |m, x| m.max(x.abs()))))
            .filter(|(name, _)| name.contains("lora_A"))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .expect("matrices");
        assert!(
            smallest < 6e-8,
            "{name}: {parameter} has a gradient of {smallest}, which needs no scale"
        );
        let far = farthest(&exact, &grads);
        assert!(far < 3e-2, "{name}: {far} from the gradients of f32");
    }
}

#[test]
fn a_scale_that_overflows_is_halved_and_the_step_made_again() {
    let large = Some(300.0);
    let cpu = Device::flex();
    let mut half = trainer(&cpu, Compute::F16, large, Passes::default());
    let first = LossScale::default().factor;
    assert_eq!(half.loss_scale().map(|s| s.factor), Some(first));
    let report = half.step(&[batch()]).expect("the step is made in the end");
    let scale = half.loss_scale().expect("scaled");
    assert!(scale.factor < first && scale.factor >= 2.0, "{}", scale.factor);
    assert_eq!(scale.sound, 1);
    assert_eq!(report.loss_scale, Some(scale.factor));
    let exact = trainer(&cpu, Compute::F32, large, Passes::default())
        .step(&[batch()])
        .expect("step");
    assert_eq!(exact.loss_scale, None);
    let far = (report.grad_norm / exact.grad_norm - 1.0).abs();
    assert!(far < 3e-2, "norms {} and {}", report.grad_norm, exact.grad_norm);
}

#[test]
fn bf16_needs_no_scale() {
    let mut trainer = trainer(&Device::flex(), Compute::Bf16, Some(0.5), Passes::default());
    assert_eq!(trainer.loss_scale(), None);
    assert_eq!(trainer.step(&[batch()]).expect("step").loss_scale, None);
}

#[test]
fn what_is_not_finite_at_any_scale_is_no_matter_of_the_scale() {
    let mut trainer = trainer(&Device::flex(), Compute::F16, Some(0.5), Passes::default());
    let broken = trainer.params.iter().map(|p| p.value.clone() * f32::NAN).collect();
    trainer.restore(broken, 0, None).expect("restored");
    trainer.step(&[batch()]).expect_err("the loss is not finite");
    assert_eq!(
        trainer.loss_scale(),
        Some(LossScale::default()),
        "the scale was not at fault"
    );
}

fn bf16_read() -> Passes {
    Passes {
        values: Compute::Bf16,
        ..Passes::default()
    }
}

fn is_bf16(value: f32) -> bool {
    bf16::from_f32(value).to_f32() == value
}

fn placed(trainer: &Trainer) -> Vec<Vec<f32>> {
    let mut model = trainer.model.clone();
    let adapter = match &trainer.trained {
        Trained::Adapter(adapter) => adapter.clone(),
        Trained::Full => panic!("an adapter is trained"),
    };
    adapter.attach(&mut model, false).expect("attached");
    let deltas = model
        .linears_mut()
        .into_iter()
        .filter_map(|(_, linear)| linear.delta.clone());
    deltas.flat_map(|d| [values(&d.a), values(&d.b)]).collect()
}

#[test]
fn an_adapter_in_bf16_is_rounded_for_the_model_and_fine_for_the_optimizer() {
    let mut trainer = trainer(&Device::flex(), Compute::F32, Some(0.5), bf16_read());
    for _ in 0..2 {
        trainer.step(&[batch()]).expect("step");
    }
    assert!(
        placed(&trainer).iter().flatten().all(|v| is_bf16(*v)),
        "the model reads others"
    );
    let fine = trainer.params.iter().flat_map(|p| values(&p.value));
    assert!(
        fine.filter(|v| !is_bf16(*v)).count() > 100,
        "the optimizer's own are rounded"
    );
}

#[test]
fn an_adapter_in_bf16_is_stored_so_and_goes_on_as_if_never_interrupted() {
    let folder = tempfile::tempdir().expect("folder");
    let device = Device::flex();
    let new = || trainer(&device, Compute::F16, Some(300.0), bf16_read());
    let losses = |trainer: &mut Trainer, steps| -> Vec<f64> {
        (0..steps)
            .map(|_| trainer.step(&[batch()]).expect("step").loss)
            .collect()
    };
    let mut whole = new();
    losses(&mut whole, 2);
    let (checkpoint, result) = (folder.path().join("checkpoint-2"), folder.path().join("final"));
    let state = TrainerState {
        step: 2,
        updates: 2,
        ..TrainerState::default()
    };
    whole.save_checkpoint(&checkpoint, "base", &state).expect("saved");
    assert!(
        placed(&whole).iter().flatten().all(|v| is_bf16(*v)),
        "saving left the model with other values"
    );
    let mut resumed = new();
    resumed.resume(&checkpoint).expect("resumed");
    assert_eq!(resumed.loss_scale(), whole.loss_scale());
    assert_eq!(losses(&mut resumed, 3), losses(&mut whole, 3));

    whole
        .save_folder(&result, "base", StoreType::Bf16, &mut |_, _| Ok(()))
        .expect("saved");
    let size = |dir: &std::path::Path| dir.join("adapter_model.safetensors").metadata().expect("file").len();
    assert!(
        size(&result) < size(&checkpoint),
        "{} and {}",
        size(&result),
        size(&checkpoint)
    );
    assert!(WeightFile::open(&result.join("adapter_model.safetensors")).is_ok());
    let again = Adapter::load(&result, &whole.model.config, &device).expect("loaded");
    let mut model = Decoder::random(config(2), 3, &device).expect("model");
    again.attach(&mut model, false).expect("attached");
    let deltas = model
        .linears_mut()
        .into_iter()
        .filter_map(|(_, linear)| linear.delta.clone());
    let read: Vec<Vec<f32>> = deltas.flat_map(|d| [values(&d.a), values(&d.b)]).collect();
    assert_eq!(read, placed(&whole));
}
