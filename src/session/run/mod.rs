//! The run that goes on or was the last, built from its events alone: what the Train room and the status bar show.
//! Knows no files and no processes.
mod commands;
mod csv;
mod curves;
mod events;
mod measures;
mod pyramid;
mod spikes;

use std::path::PathBuf;

pub use commands::{TrainCommand, apply, missing};
pub(super) use commands::{dir_made, found, go_on, start_now};
pub use curves::Curves;
pub(super) use events::{on_event, on_gone};
pub use measures::{Along, EvalPoint, Measure, SkippedStep, StepPoint};
pub use pyramid::Pyramid;
pub use spikes::{Spike, Spikes};

use crate::recipe::Recipe;

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RunPhase {
    /// There is none.
    #[default]
    None,
    /// The worker starts, loads and tokenises.
    Preparing,
    /// Steps are made.
    Training,
    /// Held before the next step.
    Paused,
    /// Held with its memory free: no worker is at work, and a checkpoint has everything.
    Suspended,
    /// Stop was asked for; the step ends and the result is written.
    Stopping,
    /// Over; the result is at `RunState::result`.
    Finished,
    /// The worker failed or was ended from outside: what happened, in plain words.
    Broken(String),
}

/// What was known when training began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunStart {
    pub device: String,
    pub steps: usize,
    pub epochs: f64,
    pub train_rows: usize,
    pub eval_rows: usize,
    pub skipped_rows: usize,
    pub trainable: u64,
    pub total_params: u64,
    pub template: String,
}

/// What came out of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// The adapter or model folder.
    pub path: PathBuf,
    /// The last step.
    pub step: usize,
    /// Did the user stop it early?
    pub stopped: bool,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Most memory used, in bytes.
    pub peak_memory: u64,
}

/// A sample generation at an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub step: usize,
    pub prompt: String,
    pub text: String,
}

/// A line of the event log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// The step at which it happened, where there is one.
    pub step: Option<usize>,
    pub text: String,
    /// Should the user look at it?
    pub warning: bool,
}

/// A run as its events tell it.
#[derive(Clone, Debug, Default)]
pub struct RunState {
    pub phase: RunPhase,
    /// Name of the run, without date and time.
    pub name: String,
    /// The run folder.
    pub dir: Option<PathBuf>,
    /// The job that the events belong to.
    pub job: u64,
    /// The recipe that it was started with.
    pub recipe: Option<Box<Recipe>>,
    /// The stage that goes on before the first step: its name, done and total (0 = unknown).
    pub stage: Option<(String, u64, u64)>,
    /// Set when training began.
    pub start: Option<RunStart>,
    pub curves: Curves,
    pub samples: Vec<Sample>,
    pub log: Vec<LogLine>,
    /// The newest whole checkpoint.
    pub checkpoint: Option<(usize, PathBuf)>,
    /// Set when the run is over.
    pub result: Option<RunResult>,
}

impl RunState {
    /// Does a worker work on it?
    pub fn is_active(&self) -> bool {
        use RunPhase::{Paused, Preparing, Stopping, Training};
        matches!(self.phase, Preparing | Training | Paused | Stopping)
    }

    /// The base model that it trains.
    pub fn base(&self) -> Option<String> {
        self.recipe.as_ref().map(|r| r.model.path.clone())
    }

    /// The last step that was made.
    pub fn step(&self) -> usize {
        self.curves.steps.last().map_or(0, |s| s.step)
    }

    /// All steps of the run, once known.
    pub fn steps(&self) -> usize {
        self.start.as_ref().map_or(0, |s| s.steps)
    }

    /// Takes in an event of the past; nothing follows from it but what is shown.
    pub(super) fn replay(&mut self, event: crate::protocol::Event) {
        events::take(self, event);
    }

    /// Share done, 0 to 1; `None` when it cannot be told yet.
    pub fn progress(&self) -> Option<f32> {
        match (&self.stage, self.steps()) {
            (Some((_, done, total)), 0) if *total > 0 => Some(*done as f32 / *total as f32),
            (_, 0) => None,
            (_, steps) => Some(self.step() as f32 / steps as f32),
        }
    }

    /// Seconds to go by the pace of the last steps; `None` before three steps.
    pub fn seconds_left(&self) -> Option<f64> {
        let pace = self.curves.seconds_per_step()?;
        let left = self.steps().saturating_sub(self.step());
        Some(pace * left as f64)
    }
}
