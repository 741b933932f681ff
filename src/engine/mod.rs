//! Takes a job, gives events: the one place where data, templates, tokens, models and training meet. Runs in worker processes; knows
//! no window and no terminal.

pub mod devices;
mod flags;
mod memory;

pub use flags::Flags;

use crate::protocol::{Event, Job};

/// Where events go.
pub type Sink<'a> = &'a dyn Fn(Event);

/// Why a job failed; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] devices::DeviceError),
}

/// Does jobs in turn and keeps the loaded model between them.
pub struct Engine {}

impl Engine {
    /// An engine with nothing loaded.
    pub fn new() -> Self {
        Self {}
    }

    /// Does a job; events go to `sink` as they happen, `flags` interrupt it.
    ///
    /// # Errors
    /// What went wrong and what to do, for the user.
    pub fn run(&mut self, job: Job, sink: Sink<'_>, _flags: &Flags) -> Result<(), EngineError> {
        match job {
            Job::Devices { check: _ } => sink(Event::Devices {
                devices: devices::list(),
            }),
            _ => {}
        }
        Ok(())
    }
}
