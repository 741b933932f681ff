//! Micro-batches computed in other ways give the same gradients: blocks computed again, the output head in pieces; and what is added
//! to the objective does what it says.

use burn::tensor::{Device, Tensor};
use burnish::adapter::{Lora, LoraSpec};
use burnish::model::Decoder;
use burnish::train::{Passes, Trained, Trainer, TrainerSetup};

use crate::devices::all;
use crate::golden_tiny_llama::setup;
use crate::train_devices::{batch, config};

fn spec(dropout: f64) -> LoraSpec {
    LoraSpec {
        r: 16,
        alpha: 32.0,
        dropout,
        targets: vec!["q_proj".into(), "down_proj".into()],
        rslora: false,
        dora: false,
    }
}

/// The loss, and gradients by name.
type Found = (f64, Vec<(String, Vec<f32>)>);

/// A trainer whose adapter is no longer the identity.
fn trainer(device: &Device, lora: bool, dropout: f64, passes: Passes) -> Trainer {
    let model = Decoder::random(config(2), 3, device).expect("model");
    let trained = match lora {
        true => {
            let mut lora = Lora::new(&model, spec(dropout), &[13], 4, device).expect("adapter");
            for pair in lora.pairs.values_mut() {
                pair.b = pair.a.clone().slice([0..1, 0..1]).expand(pair.b.dims()) * 0.5;
            }
            Trained::from(lora)
        }
        false => Trained::Full,
    };
    let setup = TrainerSetup {
        passes,
        ..setup(1e-2, 0.0)
    };
    Trainer::new(model, trained, setup).expect("trainer")
}

fn gradients(lora: bool, dropout: f64, passes: Passes) -> Found {
    gradients_on(&Device::flex(), lora, dropout, passes)
}

fn gradients_on(device: &Device, lora: bool, dropout: f64, passes: Passes) -> Found {
    let mut trainer = trainer(device, lora, dropout, passes);
    let (loss, grads) = trainer.gradients(&[batch(), batch()]).expect("gradients");
    let read = |t: Tensor<2>| t.into_data().try_into_vec().expect("values");
    let named = trainer.params.iter().map(|p| p.name.clone());
    (loss, named.zip(grads.into_iter().map(read)).collect())
}

fn same(a: &[(String, Vec<f32>)], b: &[(String, Vec<f32>)], tolerance: f32) {
    assert_eq!(a.len(), b.len());
    for ((name, a), (_, b)) in a.iter().zip(b) {
        assert!(
            a.iter().any(|v| *v != 0.0) || name.ends_with("token_rows"),
            "{name}: all zero"
        );
        let scale = a.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
        for (a, b) in a.iter().zip(b) {
            assert!(
                (a - b).abs() <= tolerance * scale,
                "{name}: {a} and {b}, largest {scale}"
            );
        }
    }
}

#[test]
fn blocks_computed_again_give_the_same_gradients() {
    for lora in [true, false] {
        let (loss, kept) = gradients(lora, 0.0, Passes::default());
        let again = Passes {
            checkpointing: true,
            ..Passes::default()
        };
        let (loss_again, anew) = gradients(lora, 0.0, again);
        assert_eq!(loss, loss_again, "lora {lora}");
        same(&kept, &anew, 1e-6);
    }
}

#[test]
fn every_device_gives_the_same_gradients() {
    let ways = [
        Passes::default(),
        Passes {
            checkpointing: true,
            kl: 0.5,
            ..Passes::default()
        },
    ];
    for passes in ways {
        for lora in [true, false] {
            let (_, expected) = gradients(lora, 0.0, passes);
            for (name, device) in all() {
                println!("{name}, lora {lora}, {passes:?}");
                let (_, found) = gradients_on(&device, lora, 0.0, passes);
                same(&expected, &found, 1e-4);
            }
        }
    }
}

#[test]
fn dropout_and_noise_change_what_is_learned() {
    let (plain, _) = gradients(true, 0.0, Passes::default());
    let (dropped, _) = gradients(true, 0.3, Passes::default());
    assert_ne!(plain, dropped);
    let noisy = Passes {
        neftune: 5.0,
        ..Passes::default()
    };
    let (noised, _) = gradients(true, 0.0, noisy);
    assert_ne!(plain, noised);
}

#[test]
fn the_output_head_in_pieces_gives_the_same_gradients() {
    for lora in [true, false] {
        let (loss, whole) = gradients(lora, 0.0, Passes::default());
        // Three positions at a time.
        let pieces = Passes {
            logit_bytes: 4 * config(2).vocab_size * 3,
            ..Passes::default()
        };
        let (loss_pieces, parts) = gradients(lora, 0.0, pieces);
        assert!((loss - loss_pieces).abs() < 1e-6, "{loss} and {loss_pieces}");
        same(&whole, &parts, 1e-5);
    }
}

#[test]
fn the_kl_penalty_pulls_the_model_back_to_its_base() {
    let far = |kl: f64| {
        let passes = Passes {
            kl,
            ..Passes::default()
        };
        let mut trainer = trainer(&Device::flex(), true, 0.0, passes);
        let reports: Vec<_> = (0..12).map(|_| trainer.step(&[batch()]).expect("step")).collect();
        (
            reports[0].divergence,
            reports[11].divergence.expect("measured"),
            reports[11].loss,
        )
    };
    let (first, weak, loss_weak) = far(1e-6);
    let (_, strong, loss_strong) = far(10.0);
    assert!(first.expect("measured") > 0.0, "the adapter is not the identity");
    assert!(strong < weak / 2.0, "{strong} against {weak}");
    assert!(loss_weak < loss_strong, "{loss_weak} against {loss_strong}");
    let mut without = trainer(&Device::flex(), true, 0.0, Passes::default());
    assert_eq!(without.step(&[batch()]).expect("step").divergence, None);
}

#[test]
fn a_fresh_adapter_is_no_distance_from_its_base() {
    let device = Device::flex();
    let model = Decoder::random(config(2), 3, &device).expect("model");
    let lora = Lora::new(&model, spec(0.0), &[], 4, &device).expect("adapter");
    let passes = Passes {
        kl: 1.0,
        ..Passes::default()
    };
    let setup = TrainerSetup {
        passes,
        ..setup(1e-2, 0.0)
    };
    let mut trainer = Trainer::new(model, Trained::from(lora), setup).expect("trainer");
    let report = trainer.step(&[batch()]).expect("step");
    assert!(report.divergence.expect("measured").abs() < 1e-7);
}
