//! The same binary as a child process: spawning it, talking to it in lines of `protocol`, noticing its end. The parent side knows
//! only `protocol`; the child side (`child`) hands jobs to `engine`.

mod child;
mod control;
mod desktop;
mod exit;
mod frames;
mod handle;
mod log;
mod process;
pub mod queue;
mod record;
mod runs;
mod short;
mod supervise;
mod supervisor;
mod tail;

pub use child::main as child_main;
pub use control::send as control_run;
pub use exit::{ExitHow, OUT_OF_MEMORY, WorkerExit, last_exit};
pub use handle::WorkerHandle;
pub use process::use_program;
pub use runs::{RunHandle, is_alive, make_run_dir, newest_checkpoint};
pub use short::count_kills;
pub use supervise::{SecondTry, second_try};
pub use supervisor::main as supervisor_main;

use std::path::PathBuf;
use std::sync::Arc;

use crate::protocol::Frame;

/// The hidden argument that makes the program a worker.
pub const WORKER_ARGUMENT: &str = "--worker";

/// The hidden argument that makes the program the supervisor of a training worker.
pub const SUPERVISOR_ARGUMENT: &str = "--supervisor";

/// Called (from another thread) when news are waiting, so that a window can draw.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// What a worker has to say.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// An event of a job.
    Frame(Frame),
    /// The process is over; nothing follows.
    Exit(WorkerExit),
    /// Something between parent and worker failed; the worker may still be at work.
    Problem(String),
}

/// Why a worker could not be started or reached.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The process could not be started.
    #[error("Could not start a worker process ({program}): {source}. Close other programs and try again.")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the run folder could not be written or read.
    #[error(
        "Could not use {path}: {source}. Check that the folder exists, may be written and that the disk is not full."
    )]
    RunFolder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Somebody trains in this folder already.
    #[error("Another worker is training in {0}. Wait for it, stop it, or choose another run folder.")]
    Busy(PathBuf),
    /// A run folder without a run.
    #[error("{0} holds no run: there is no events.jsonl in it.")]
    NoRun(PathBuf),
    /// A run that was started and did not come to its first word.
    #[error("The run in {0} did not begin; worker.log there tells more. Start it again.")]
    NotBegun(PathBuf),
    /// Only training has a run folder.
    #[error("Only a training job has a run folder.")]
    NotTraining,
}
