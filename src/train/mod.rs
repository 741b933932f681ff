//! Training: the optimizer step, the loop, schedules, optimizers, checkpoints and guards.
//! Knows batches of ids, not where they come from; tells an observer what happens, prints nothing.

mod backward;
mod checkpoint;
mod keep;
mod optim;
mod params;
mod range;
mod run;
mod scaling;
mod schedule;
mod trainer;

pub use backward::Passes;
pub use checkpoint::{Best, TrainerState};
pub use optim::{Kept, Norms, Optimizer, OptimizerConfig, clip_factor, norms};
pub use params::{Param, Trained};
pub use range::{RangeTest, Suggestion};
pub use run::{LoopPlan, Observer, RunEnd, Wish, run};
pub use scaling::LossScale;
pub use schedule::{LrSchedule, warmup_steps};
pub use trainer::{EvalReport, StepReport, Trainer, TrainerSetup};

use std::path::PathBuf;

use crate::adapter::AdapterError;
use crate::formats::FormatError;
use crate::model::ModelError;

/// Why training stopped.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The model could not be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The adapter could not be used or written.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// A file could not be read or written.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The loss or the gradient became infinite or not a number; the weights are those before this step.
    #[error("The loss became {loss} (gradient norm {grad_norm}) at step {step}.")]
    NotFinite {
        /// The step that failed, from 1.
        step: usize,
        /// The loss seen.
        loss: f64,
        /// The gradient norm seen.
        grad_norm: f64,
        /// Examples in the step (their indices among the training examples).
        rows: Vec<usize>,
    },
    /// The device failed (out of memory, lost).
    #[error(
        "The device failed while training ({}). Its driver may have been reset; the run can be resumed from its last checkpoint.",
        brief(.0)
    )]
    Device(String),
    /// A checkpoint folder is not whole or belongs to another run.
    #[error("{path}: {message}")]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

/// The first line of what a driver says, which otherwise may be pages.
fn brief(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_end_matches([':', '.'])
}
