//! The loop of a run: steps, evaluations, checkpoints, pause and stop. Knows no files' contents and no clock but the trainer's.

use std::path::{Path, PathBuf};

use super::checkpoint::TrainerState;
use super::{EvalReport, StepReport, TrainError, Trainer};
use crate::batch::Packed;

/// What the outside wants right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Take the next step.
    GoOn,
    /// Stop after this step and keep what there is.
    Stop,
}

/// Told what happens; may block in `wish` to pause.
pub trait Observer {
    /// A step was taken; `epoch` is the share of passes done.
    fn stepped(&mut self, report: &StepReport, epoch: f64);
    /// An evaluation of the held-out rows; the model may be used for samples.
    fn evaluated(&mut self, trainer: &mut Trainer, report: &EvalReport);
    /// A whole checkpoint was written.
    fn saved(&mut self, step: usize, path: &Path);
    /// A checkpoint could not be written; the run goes on.
    fn save_failed(&mut self, step: usize, error: &TrainError);
    /// Asked before each step.
    fn wish(&mut self, step: usize) -> Wish;
}

/// When the loop does what. Steps count from 1.
#[derive(Clone, Debug)]
pub struct LoopPlan {
    /// Optimizer steps of the whole run.
    pub total_steps: usize,
    /// Optimizer steps in one pass over the data (may be fractional at the end of a pass).
    pub steps_per_epoch: f64,
    /// Steps between evaluations; 0 = never.
    pub eval_every: usize,
    /// Steps between checkpoints; 0 = never.
    pub save_every: usize,
    /// Newest checkpoints kept.
    pub keep: usize,
    /// The run folder.
    pub run_dir: PathBuf,
    /// What adapters name as their base.
    pub base_model: String,
    /// Seed of the run, stored in checkpoints.
    pub seed: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEnd {
    /// Last step taken.
    pub step: usize,
    /// Ended early by the user's wish.
    pub stopped: bool,
}

/// Runs from the trainer's current step to the end of the plan. `batches(step)` gives the micro-batches of a step, from
/// 0; it must give the same for the same step, so that a resumed run continues exactly. `state` is what
/// [`Trainer::resume`] returned, or the default. Evaluates before the first step; a stop writes a checkpoint too.
///
/// # Errors
/// A loss that is not finite, a failing device. Failing to write a checkpoint is reported and does not end the run.
pub fn run(
    trainer: &mut Trainer,
    plan: &LoopPlan,
    mut state: TrainerState,
    batches: &mut dyn FnMut(usize) -> Vec<Packed>,
    eval: &[Packed],
    observer: &mut dyn Observer,
) -> Result<RunEnd, TrainError> {
    state.seed = plan.seed;
    if trainer.steps() == 0 {
        evaluate(trainer, plan, eval, observer)?;
    }
    while trainer.steps() < plan.total_steps {
        if observer.wish(trainer.steps()) == Wish::Stop {
            return Ok(RunEnd {
                step: trainer.steps(),
                stopped: true,
            });
        }
        let report = trainer.step(&batches(trainer.steps()))?;
        state.step = report.step;
        state.epoch = report.step as f64 / plan.steps_per_epoch.max(f64::MIN_POSITIVE);
        state.log_history.push((report.step, report.loss, report.lr));
        observer.stepped(&report, state.epoch);
        let last = report.step == plan.total_steps;
        if due(report.step, plan.save_every) || last {
            save(trainer, plan, &state, observer);
        }
        if due(report.step, plan.eval_every) || last {
            evaluate(trainer, plan, eval, observer)?;
        }
    }
    Ok(RunEnd {
        step: trainer.steps(),
        stopped: false,
    })
}

fn due(step: usize, every: usize) -> bool {
    every > 0 && step.is_multiple_of(every)
}

fn evaluate(
    trainer: &mut Trainer,
    plan: &LoopPlan,
    eval: &[Packed],
    observer: &mut dyn Observer,
) -> Result<(), TrainError> {
    if plan.eval_every == 0 || eval.is_empty() {
        return Ok(());
    }
    let step = trainer.steps();
    let report = trainer.eval(eval, &mut || observer.wish(step) == Wish::GoOn)?;
    // A stop in the middle leaves a partial mean, which would mislead.
    if report.rows == eval.iter().map(|b| b.sources.len()).sum::<usize>() {
        observer.evaluated(trainer, &report);
    }
    Ok(())
}

fn save(trainer: &mut Trainer, plan: &LoopPlan, state: &TrainerState, observer: &mut dyn Observer) {
    let dir = plan.run_dir.join(format!("checkpoint-{}", state.step));
    match trainer.save_checkpoint(&dir, &plan.base_model, state) {
        Ok(()) => {
            prune(&plan.run_dir, plan.keep);
            observer.saved(state.step, &dir);
        }
        Err(error) => observer.save_failed(state.step, &error),
    }
}

/// Removes all but the newest `keep` checkpoints.
fn prune(run_dir: &Path, keep: usize) {
    let Ok(entries) = std::fs::read_dir(run_dir) else {
        return;
    };
    let mut all: Vec<(usize, PathBuf)> = entries
        .flatten()
        .filter_map(|e| {
            Some((
                e.file_name().to_str()?.strip_prefix("checkpoint-")?.parse().ok()?,
                e.path(),
            ))
        })
        .collect();
    all.sort();
    for (_, path) in all.iter().rev().skip(keep.max(1)) {
        // A checkpoint that cannot be removed only costs space.
        let _ = std::fs::remove_dir_all(path);
    }
}
