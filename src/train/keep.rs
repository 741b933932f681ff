//! Which checkpoints a run writes and keeps, and the way back to the last good one. Knows folders and the trainer, not when a step ends.

use std::path::PathBuf;

use super::{Best, LoopPlan, Observer, TrainError, Trainer, TrainerState};
use crate::formats::checkpoint;

/// Writes a checkpoint of the state and removes those that are not to be kept. A failure is told; false then.
pub fn save(trainer: &mut Trainer, plan: &LoopPlan, state: &TrainerState, observer: &mut dyn Observer) -> bool {
    let dir = checkpoint::folder(&plan.run_dir, state.step);
    match trainer.save_checkpoint(&dir, &plan.base_model, state) {
        Ok(()) => {
            prune(plan, state.best);
            observer.saved(state.step, &dir);
            true
        }
        Err(error) => {
            observer.save_failed(state.step, &error);
            false
        }
    }
}

/// Removes all but the newest checkpoints and the best one.
fn prune(plan: &LoopPlan, best: Option<Best>) {
    let best = best.map(|b| b.step);
    for (step, path) in checkpoint::all(&plan.run_dir).into_iter().skip(plan.keep.max(1)) {
        if Some(step) != best {
            // A checkpoint that cannot be removed only costs space.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

/// Puts the trainer back to the newest checkpoint that is whole and holds only finite numbers; `None` when there is none, and the
/// trainer is as it was.
pub fn back_to_good(trainer: &mut Trainer, plan: &LoopPlan) -> Result<Option<PathBuf>, TrainError> {
    for (_, dir) in checkpoint::all(&plan.run_dir) {
        if checkpoint::check(&dir).is_ok() {
            trainer.resume(&dir)?;
            if trainer.is_finite() {
                return Ok(Some(dir));
            }
        }
    }
    Ok(None)
}
