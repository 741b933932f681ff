//! Stop and pause of one job, set from another thread. Knows nothing of jobs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::protocol::Control;

/// What the user wants of a job at this moment.
#[derive(Debug, Default)]
pub struct Flags {
    stop: AtomicBool,
    pause: AtomicBool,
}

impl Flags {
    /// Takes in a control. `Quit` concerns the worker, not the job.
    pub fn apply(&self, control: Control) {
        match control {
            Control::Stop => self.stop.store(true, Ordering::Relaxed),
            Control::Pause => self.pause.store(true, Ordering::Relaxed),
            Control::Resume => self.pause.store(false, Ordering::Relaxed),
            Control::Quit => {}
        }
    }

    /// Should the job end?
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Should the job hold? A stop ends a pause.
    pub fn paused(&self) -> bool {
        self.pause.load(Ordering::Relaxed) && !self.stopped()
    }

    /// Sleeps until the job may go on or should end.
    pub fn wait_while_paused(&self) {
        while self.paused() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
