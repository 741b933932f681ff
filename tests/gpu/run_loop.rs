//! The loop of a run on a tiny model on the CPU: steps that are not finite, the way back to a good checkpoint, what is kept, patience.

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::wgpu::WgpuBackend;
use burn::tensor::{Device, DeviceKind, Tensor};
use burnish::adapter::{Lora, LoraSpec};
use burnish::batch::{Example, Packed, collate};
use burnish::formats::checkpoint;
use burnish::formats::config::ModelConfig;
use burnish::formats::weights::HostTensor;
use burnish::model::{Decoder, Storage};
use burnish::recipe::Schedule;
use burnish::train::{
    Best, EvalReport, LoopPlan, LrSchedule, Observer, OptimizerConfig, Passes, RunEnd, StepReport, TrainError, Trained,
    Trainer, TrainerSetup, TrainerState, Wish, run,
};

const SIDE: usize = 16;
/// The token whose embedding is not a number.
const POISON: u32 = 15;

fn model(device: &Device) -> Decoder {
    let config = serde_json::json!({
        "model_type": "llama", "hidden_size": SIDE, "intermediate_size": SIDE, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": SIDE, "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5, "rope_theta": 10_000.0, "tie_word_embeddings": false
    });
    let config = ModelConfig::from_value(&config).expect("config");
    let mut state = 7_u32;
    Decoder::from_source(config, Storage::F32, device, |name, shape| {
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1_u32 << 24) as f32 - 0.5
        };
        let mut values: Vec<f32> = (0..shape.iter().product()).map(|_| random()).collect();
        if name.contains("embed_tokens") {
            let first = POISON as usize * SIDE;
            values[first..first + SIDE].fill(f32::NAN);
        }
        Ok(HostTensor {
            shape: shape.to_vec(),
            values,
        })
    })
    .expect("model")
}

fn trainer(lr: f64) -> Trainer {
    trainer_on(&Device::flex(), lr)
}

fn trainer_on(device: &Device, lr: f64) -> Trainer {
    let model = model(device);
    let spec = LoraSpec {
        r: SIDE,
        alpha: 32.0,
        // Tests that run beside this one share the generator of the device.
        dropout: 0.0,
        targets: vec!["q_proj".into(), "down_proj".into()],
        rslora: false,
        dora: false,
    };
    let lora = Lora::new(&model, spec, &[], 4, device).expect("adapter");
    let schedule = LrSchedule {
        kind: Schedule::Linear,
        peak: lr,
        warmup: 0,
        total: 12,
        decay: 0,
    };
    let setup = TrainerSetup {
        optimizer: OptimizerConfig::default(),
        passes: Passes::default(),
        schedule,
        clip: 1.0,
        seed: 1,
    };
    Trainer::new(model, Trained::from(lora), setup).expect("trainer")
}

fn batch(first: u32, number: usize) -> Packed {
    // As many tokens as everything else has columns: lavapipe spends seconds on every new shape.
    let ids = vec![first, 5, 9, 2, 7, 11, 3, 1, 4, 6, 8, 10, 12, 13, 14, 0];
    let example = Example {
        mask: vec![true; ids.len()],
        ids,
        row: number,
    };
    let mut batch = collate(&[example], &[vec![0]], 0);
    batch.sources = vec![number];
    batch
}

/// The batch of a step, from 0; poisoned in some.
fn batches(poisoned: &[usize]) -> impl FnMut(usize) -> Vec<Packed> {
    let poisoned = poisoned.to_vec();
    move |step| {
        let first = if poisoned.contains(&step) {
            POISON
        } else {
            (step % 7) as u32
        };
        vec![batch(first, step)]
    }
}

fn plan(run_dir: &Path, total_steps: usize) -> LoopPlan {
    LoopPlan {
        total_steps,
        steps_per_epoch: 4.0,
        eval_every: 0,
        patience: 0,
        save_every: 2,
        keep: 2,
        keep_best: false,
        run_dir: run_dir.into(),
        base_model: "tiny".into(),
        seed: 1,
    }
}

/// Writes down what it is told.
#[derive(Default)]
struct Notes {
    losses: Vec<(usize, u64)>,
    skipped: Vec<usize>,
    evals: Vec<(usize, f64)>,
    best: Vec<usize>,
    held: bool,
    /// Asked for at this step.
    wish: Option<(usize, Wish)>,
}

impl Observer for Notes {
    fn stepped(&mut self, report: &StepReport, _epoch: f64, rows: &[usize]) {
        assert_eq!(rows, [report.step - 1], "the rows of the step");
        self.losses.push((report.step, report.loss.to_bits()));
    }
    fn skipped(&mut self, reason: &TrainError) {
        let TrainError::NotFinite { step, rows, .. } = reason else {
            panic!("{reason}")
        };
        assert_eq!(rows, &[step - 1], "the rows of the step");
        self.skipped.push(*step);
    }
    fn evaluated(&mut self, trainer: &mut Trainer, report: &EvalReport) {
        self.evals.push((trainer.steps(), report.loss));
    }
    fn saved(&mut self, _step: usize, path: &Path) {
        checkpoint::check(path).expect("a checkpoint is whole");
    }
    fn best(&mut self, best: Best, path: &Path) {
        checkpoint::check(path).expect("the best checkpoint is whole");
        self.best.push(best.step);
    }
    fn save_failed(&mut self, _step: usize, _error: &TrainError) {}
    fn wish(&mut self, step: usize) -> Wish {
        match self.wish {
            Some((at, wish)) if at == step && !self.held => wish,
            _ => Wish::GoOn,
        }
    }
    fn hold(&mut self) {
        self.held = true;
    }
}

fn weights(trainer: &Trainer) -> Vec<Vec<u32>> {
    let bits = |t: &Tensor<2>| t.to_data().iter::<f32>().map(f32::to_bits).collect();
    trainer.params.iter().map(|p| bits(&p.value)).collect()
}

fn course(plan: &LoopPlan, poisoned: &[usize], notes: &mut Notes) -> (Trainer, Result<RunEnd, TrainError>) {
    let mut trainer = trainer(1e-2);
    let state = match checkpoint::newest(&plan.run_dir).0 {
        Some((_, dir)) => trainer.resume(&dir).expect("resume"),
        None => TrainerState::default(),
    };
    let end = run(&mut trainer, plan, state, &mut batches(poisoned), &[batch(1, 0)], notes);
    (trainer, end)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("folder")
}

#[test]
fn a_step_that_is_not_finite_is_left_out_and_a_resumed_run_agrees() {
    let (whole, cut) = (folder(), folder());
    let mut notes = Notes::default();
    let (first, end) = course(&plan(whole.path(), 8), &[2], &mut notes);
    assert!(matches!(end, Ok(RunEnd::Finished)));
    assert_eq!(notes.skipped, [3]);
    assert_eq!(
        notes.losses.iter().map(|l| l.0).collect::<Vec<_>>(),
        [1, 2, 4, 5, 6, 7, 8]
    );
    assert_eq!((first.steps(), first.optimizer.step), (8, 7));

    let mut before = Notes {
        wish: Some((5, Wish::Suspend)),
        ..Notes::default()
    };
    let (_, end) = course(&plan(cut.path(), 8), &[2], &mut before);
    assert!(matches!(end, Ok(RunEnd::Suspended)));
    let mut after = Notes::default();
    let (second, end) = course(&plan(cut.path(), 8), &[2], &mut after);
    assert!(matches!(end, Ok(RunEnd::Finished)));
    assert_eq!([before.losses, after.losses].concat(), notes.losses, "bit for bit");
    assert_eq!(weights(&first), weights(&second));
    assert_eq!(second.optimizer.step, 7);
}

#[test]
fn after_three_steps_that_are_not_finite_the_last_good_checkpoint_is_back() {
    let dir = folder();
    let mut notes = Notes::default();
    let (trainer, end) = course(&plan(dir.path(), 12), &[5, 6, 7, 8], &mut notes);
    assert!(matches!(end, Err(TrainError::NotFinite { step: 8, .. })), "{end:?}");
    assert_eq!(notes.skipped, [6, 7, 8]);
    assert_eq!(trainer.steps(), 4, "the newest checkpoint is of step 4");
    assert!(trainer.is_finite());
}

#[test]
fn a_checkpoint_with_broken_numbers_is_passed_over_on_the_way_back() {
    let dir = folder();
    let plan = plan(dir.path(), 12);
    let mut broken = trainer(1e-2);
    let step = |trainer: &mut Trainer| trainer.step(&[batch(1, 0)]).expect("step").step;
    let state = |trainer: &Trainer, step| TrainerState {
        step,
        updates: trainer.optimizer.step,
        ..TrainerState::default()
    };
    let at = step(&mut broken);
    let good = weights(&broken);
    broken
        .save_checkpoint(&checkpoint::folder(dir.path(), at), "tiny", &state(&broken, at))
        .expect("saved");
    let at = step(&mut broken);
    let values = broken.params.iter().map(|p| p.value.clone() * f32::NAN).collect();
    broken.restore(values, at, None).expect("restored");
    let state = state(&broken, at);
    broken
        .save_checkpoint(&checkpoint::folder(dir.path(), at), "tiny", &state)
        .expect("saved");
    let mut all_bad = |_: usize| vec![batch(POISON, 0)];
    let end = run(&mut broken, &plan, state, &mut all_bad, &[], &mut Quiet(|_| ()));
    assert!(matches!(end, Err(TrainError::NotFinite { .. })));
    assert_eq!(broken.steps(), 1);
    assert_eq!(weights(&broken), good);
}

/// Takes no notes; does something when a checkpoint is written.
struct Quiet<F: FnMut(usize)>(F);

impl<F: FnMut(usize)> Observer for Quiet<F> {
    fn stepped(&mut self, _: &StepReport, _: f64, _: &[usize]) {}
    fn skipped(&mut self, _: &TrainError) {}
    fn evaluated(&mut self, _: &mut Trainer, _: &EvalReport) {}
    fn saved(&mut self, step: usize, _: &Path) {
        (self.0)(step);
    }
    fn best(&mut self, _: Best, _: &Path) {}
    fn save_failed(&mut self, _: usize, _: &TrainError) {}
    fn wish(&mut self, _: usize) -> Wish {
        Wish::GoOn
    }
    fn hold(&mut self) {}
}

#[test]
fn the_newest_and_the_best_checkpoints_are_kept() {
    let dir = folder();
    let plan = LoopPlan {
        eval_every: 1,
        save_every: 1,
        keep: 2,
        keep_best: true,
        ..plan(dir.path(), 12)
    };
    let mut notes = Notes::default();
    let (_, end) = course(&plan, &[], &mut notes);
    assert!(matches!(end, Ok(RunEnd::Finished)));
    let after_start = || notes.evals.iter().filter(|(step, _)| *step > 0);
    let (best, loss) = after_start().min_by(|a, b| a.1.total_cmp(&b.1)).expect("evaluations");
    assert_eq!(notes.best.last(), Some(best));
    let expected = BTreeSet::from([12, 11, *best]);
    let kept: BTreeSet<usize> = checkpoint::all(dir.path()).iter().map(|(step, _)| *step).collect();
    assert_eq!(kept, expected);
    let text = std::fs::read_to_string(dir.path().join("checkpoint-12/trainer_state.json")).expect("state");
    let state: TrainerState = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        state.best,
        Some(Best {
            step: *best,
            loss: *loss as f32
        })
    );
}

#[test]
fn a_loss_that_falls_no_more_ends_the_run_with_the_best_weights() {
    let dir = folder();
    let plan = LoopPlan {
        eval_every: 1,
        patience: 3,
        keep_best: true,
        ..plan(dir.path(), 12)
    };
    // Without a learning rate nothing changes: the first evaluation stays the best.
    let mut trainer = trainer(0.0);
    let mut notes = Notes::default();
    let state = TrainerState::default();
    let end = run(
        &mut trainer,
        &plan,
        state,
        &mut batches(&[]),
        &[batch(1, 0)],
        &mut notes,
    );
    assert!(matches!(end, Ok(RunEnd::NoGain)));
    assert_eq!((notes.losses.len(), trainer.steps()), (4, 1));
}

#[test]
fn a_run_that_cannot_be_saved_is_held_instead_of_suspended() {
    let dir = folder();
    // A file where the run folder should be stands for a disk that takes nothing.
    let blocked = dir.path().join("run");
    std::fs::write(&blocked, "in the way").expect("file");
    let plan = LoopPlan {
        save_every: 0,
        ..plan(&blocked, 3)
    };
    let mut notes = Notes {
        wish: Some((2, Wish::Suspend)),
        ..Notes::default()
    };
    let (_, end) = course(&plan, &[], &mut notes);
    assert!(notes.held && matches!(end, Ok(RunEnd::Finished)));
}

/// Where the process that loses its device writes its run.
const LOST: &str = "BURNISH_TEST_LOST_RUN";

#[test]
#[ignore = "run by the test below in a process of its own, whose device is of no use afterwards"]
fn loses_its_device() {
    let dir = std::env::var(LOST).expect("a run folder");
    let options = Device::wgpu_options()
        .graphics_api(WgpuBackend::Vulkan)
        .device_kind(DeviceKind::Cpu);
    let (device, setup) = options.init_with_setup().expect("lavapipe");
    let plan = plan(Path::new(&dir), 8);
    let state = TrainerState::default();
    let mut observer = Quiet(|step| {
        if step == 4 {
            setup.device.destroy();
        }
    });
    // Some reads of a device that is gone give an error, others panic; a worker takes both for its end.
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut trainer = trainer_on(&device, 1e-2);
        run(&mut trainer, &plan, state, &mut batches(&[2]), &[], &mut observer)
    }));
    assert!(matches!(end, Err(_) | Ok(Err(TrainError::Device(_)))), "{end:?}");
}

#[test]
fn a_run_that_lost_its_device_goes_on_within_the_noise_of_two_runs() {
    // The device that is lost is lavapipe, and the runs beside it are compared with what it computes.
    let Some(device) = crate::devices::gpu().filter(|_| crate::devices::chosen().is_none()) else {
        return;
    };
    let (lost, whole, again) = (folder(), folder(), folder());
    let program = std::env::current_exe().expect("this program");
    let child = std::process::Command::new(program)
        .args(["run_loop::loses_its_device", "--exact", "--ignored"])
        .env(LOST, lost.path())
        .output()
        .expect("started");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}");
    let losses = |dir: &Path| {
        let mut trainer = trainer_on(&device, 1e-2);
        let state = match checkpoint::newest(dir).0 {
            Some((step, newest)) => {
                assert_eq!(step, 4);
                trainer.resume(&newest).expect("resume")
            }
            None => TrainerState::default(),
        };
        let mut notes = Notes::default();
        let end = run(&mut trainer, &plan(dir, 8), state, &mut batches(&[2]), &[], &mut notes);
        assert!(matches!(end, Ok(RunEnd::Finished)));
        let last = &notes.losses[notes.losses.len() - 4..];
        last.iter().map(|(_, bits)| f64::from_bits(*bits)).collect::<Vec<f64>>()
    };
    let (first, second, resumed) = (losses(whole.path()), losses(again.path()), losses(lost.path()));
    let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let noise = apart(&first, &second);
    eprintln!(
        "two runs on lavapipe differ by {noise:e}, the resumed one by {:e}",
        apart(&first, &resumed)
    );
    assert!(apart(&first, &resumed) <= noise.max(1e-6), "{first:?} {resumed:?}");
}
