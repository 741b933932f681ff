//! The loop of a run: steps, evaluations, checkpoints, pause and stop. Knows no files' contents and no clock but the trainer's.

use std::path::{Path, PathBuf};

use super::checkpoint::{Best, TrainerState};
use super::keep::{back_to_good, save};
use super::{EvalReport, StepReport, TrainError, Trainer};
use crate::batch::Packed;
use crate::formats::checkpoint;

/// Steps in a row that may be skipped before the run gives up.
const PATIENCE: usize = 3;

/// What the outside wants right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Take the next step.
    GoOn,
    /// Write a checkpoint, then ask again.
    Save,
    /// Stop after this step and keep what there is.
    Stop,
    /// Write a checkpoint and end, to go on another time.
    Suspend,
}

/// Told what happens; may block in `wish` to pause.
pub trait Observer {
    /// A step was taken; `epoch` is the share of passes done, `rows` its examples.
    fn stepped(&mut self, report: &StepReport, epoch: f64, rows: &[usize]);
    /// A step was left out for the reason given.
    fn skipped(&mut self, reason: &TrainError);
    /// An evaluation of the held-out rows; the model may be used for samples.
    fn evaluated(&mut self, trainer: &mut Trainer, report: &EvalReport);
    /// A whole checkpoint was written.
    fn saved(&mut self, step: usize, path: &Path);
    /// The checkpoint just written has the lowest held-out loss so far.
    fn best(&mut self, best: Best, path: &Path);
    /// A checkpoint could not be written; the run goes on.
    fn save_failed(&mut self, step: usize, error: &TrainError);
    /// Asked before each step.
    fn wish(&mut self, step: usize) -> Wish;
    /// The run was to be suspended, but could not be saved: it must be held instead.
    fn hold(&mut self);
}

/// When the loop does what. Steps count from 1.
#[derive(Clone, Debug)]
pub struct LoopPlan {
    /// Steps of the whole run.
    pub total_steps: usize,
    /// Steps in one pass over the data (may be fractional at the end of a pass).
    pub steps_per_epoch: f64,
    /// Steps between evaluations; 0 = never.
    pub eval_every: usize,
    /// Evaluations without a better loss before the run ends; 0 = any number.
    pub patience: usize,
    /// Steps between checkpoints; 0 = never.
    pub save_every: usize,
    /// Newest checkpoints kept.
    pub keep: usize,
    /// Keep the one with the best held-out loss too.
    pub keep_best: bool,
    /// The run folder.
    pub run_dir: PathBuf,
    /// What adapters name as their base.
    pub base_model: String,
    /// Seed of the run, stored in checkpoints.
    pub seed: u64,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// All steps are taken.
    Finished,
    /// By the user's wish.
    Stopped,
    /// By the user's wish, to go on another time; a checkpoint holds everything.
    Suspended,
    /// The held-out loss no longer falls.
    NoGain,
}

/// One run of the loop.
struct Course<'a> {
    trainer: &'a mut Trainer,
    plan: &'a LoopPlan,
    state: TrainerState,
    observer: &'a mut dyn Observer,
    /// The step of the newest checkpoint.
    saved: usize,
}

/// Runs from the trainer's current step to the end of the plan. `batches(step)` gives the micro-batches of a step, from
/// 0; it must give the same for the same step, so that a resumed run continues exactly. `state` is what
/// [`Trainer::resume`] returned, or the default. Evaluates before the first step; a stop writes a checkpoint too.
///
/// # Errors
/// Losses that are not finite three steps in a row (the trainer then holds the last good checkpoint), a failing device. Failing to
/// write a checkpoint is reported and does not end the run.
pub fn run(
    trainer: &mut Trainer,
    plan: &LoopPlan,
    state: TrainerState,
    batches: &mut dyn FnMut(usize) -> Vec<Packed>,
    eval: &[Packed],
    observer: &mut dyn Observer,
) -> Result<RunEnd, TrainError> {
    let saved = state.step;
    let mut course = Course {
        trainer,
        plan,
        state: TrainerState {
            seed: plan.seed,
            ..state
        },
        observer,
        saved,
    };
    if course.trainer.steps() == 0 || course.state.owes_evaluation {
        let best = course.evaluate(eval)?;
        course.save_best(best);
    }
    while course.trainer.steps() < plan.total_steps {
        match course.observer.wish(course.trainer.steps()) {
            Wish::GoOn => course.step(batches, eval)?,
            Wish::Save => _ = course.save_as(None),
            Wish::Stop => {
                course.save();
                return Ok(RunEnd::Stopped);
            }
            Wish::Suspend if course.save() => return Ok(RunEnd::Suspended),
            Wish::Suspend => course.observer.hold(),
        }
        if plan.patience > 0 && course.state.evals_without_gain >= plan.patience {
            course.back_to_best()?;
            return Ok(RunEnd::NoGain);
        }
    }
    if plan.patience > 0 {
        course.back_to_best()?;
    }
    Ok(RunEnd::Finished)
}

impl Course<'_> {
    /// One step with what is due after it.
    fn step(&mut self, batches: &mut dyn FnMut(usize) -> Vec<Packed>, eval: &[Packed]) -> Result<(), TrainError> {
        let micro_batches = batches(self.trainer.steps());
        match self.trainer.step(&micro_batches) {
            Ok(report) => self.took(&report, &micro_batches),
            Err(error @ TrainError::NotFinite { .. }) => self.skip(error)?,
            Err(error) => return Err(error),
        }
        let step = self.state.step;
        let last = step == self.plan.total_steps;
        let sound = self.state.skipped_in_a_row == 0;
        // First the evaluation, so that a checkpoint knows it and a resumed run need not repeat it.
        let best = match due(step, self.plan.eval_every) || last {
            true => self.evaluate(eval)?,
            false => None,
        };
        if sound && due(step, self.plan.save_every) || last {
            self.save_as(best);
        } else {
            self.save_best(best);
        }
        Ok(())
    }

    fn took(&mut self, report: &StepReport, micro_batches: &[Packed]) {
        let state = &mut self.state;
        state.step = report.step;
        state.updates = self.trainer.optimizer.step;
        state.skipped_in_a_row = 0;
        state.epoch = self.plan.epochs(report.step);
        state.log_history.push((report.step, report.loss, report.lr));
        let rows: Vec<usize> = micro_batches.iter().flat_map(|b| b.sources.iter().copied()).collect();
        self.observer.stepped(report, state.epoch, &rows);
    }

    fn skip(&mut self, reason: TrainError) -> Result<(), TrainError> {
        self.trainer.skip()?;
        self.state.step = self.trainer.steps();
        self.state.epoch = self.plan.epochs(self.state.step);
        self.state.skipped_in_a_row += 1;
        self.observer.skipped(&reason);
        if self.state.skipped_in_a_row < PATIENCE {
            return Ok(());
        }
        back_to_good(self.trainer, self.plan)?;
        Err(reason)
    }

    /// Evaluates; `Some` when the loss is the lowest so far and its checkpoint is to be kept.
    fn evaluate(&mut self, eval: &[Packed]) -> Result<Option<Best>, TrainError> {
        if self.plan.eval_every == 0 || eval.is_empty() {
            return Ok(None);
        }
        let (step, observer) = (self.trainer.steps(), &mut *self.observer);
        let go_on = &mut || !matches!(observer.wish(step), Wish::Stop | Wish::Suspend);
        let report = self.trainer.eval(eval, go_on)?;
        // A stop in the middle leaves a partial mean, which would mislead.
        self.state.owes_evaluation = report.rows != eval.iter().map(|b| b.sources.len()).sum::<usize>();
        if self.state.owes_evaluation {
            return Ok(None);
        }
        self.observer.evaluated(self.trainer, &report);
        let loss = report.loss as f32;
        if step == 0 {
            return Ok(None);
        }
        if !loss.is_finite() || self.state.best.is_some_and(|best| loss >= best.loss) {
            self.state.evals_without_gain += 1;
            return Ok(None);
        }
        self.state.evals_without_gain = 0;
        let best = Some(Best { step, loss });
        if self.plan.keep_best {
            return Ok(best);
        }
        self.state.best = best;
        Ok(None)
    }

    /// A run that watches its held-out loss ends with the weights of the best checkpoint, where it was kept.
    fn back_to_best(&mut self) -> Result<(), TrainError> {
        let best = self.state.best.filter(|_| self.plan.keep_best);
        let folder = best.map(|best| checkpoint::folder(&self.plan.run_dir, best.step));
        if let Some(dir) = folder.filter(|dir| checkpoint::check(dir).is_ok()) {
            self.trainer.resume(&dir)?;
        }
        Ok(())
    }

    /// Writes a checkpoint that is the best so far.
    fn save_best(&mut self, best: Option<Best>) {
        if best.is_some() {
            self.save_as(best);
        }
    }

    /// Writes a checkpoint of where the run stands, unless the newest one is of this step.
    fn save(&mut self) -> bool {
        self.saved == self.state.step || self.save_as(None)
    }

    /// Writes a checkpoint, which may be the best one so far.
    fn save_as(&mut self, best: Option<Best>) -> bool {
        let before = self.state.best;
        self.state.best = best.or(before);
        let saved = save(self.trainer, self.plan, &self.state, self.observer);
        match best {
            // The one before is still there.
            _ if !saved => self.state.best = before,
            Some(best) => {
                self.observer
                    .best(best, &checkpoint::folder(&self.plan.run_dir, best.step));
            }
            None => {}
        }
        if saved {
            self.saved = self.state.step;
        }
        saved
    }
}

impl LoopPlan {
    /// Passes over the data after so many steps.
    fn epochs(&self, step: usize) -> f64 {
        step as f64 / self.steps_per_epoch.max(f64::MIN_POSITIVE)
    }
}

fn due(step: usize, every: usize) -> bool {
    every > 0 && step.is_multiple_of(every)
}
