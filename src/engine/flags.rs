//! Stop and pause of one job, set from another thread. Knows nothing of jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::protocol::Control;

/// What the user wants of a job at this moment.
#[derive(Debug, Default)]
pub struct Flags {
    stop: AtomicBool,
    pause: AtomicBool,
    save: AtomicBool,
    suspend: AtomicBool,
    smooth: Arc<AtomicBool>,
}

impl Flags {
    /// Takes in a control. `Quit` concerns the worker, not the job.
    pub fn apply(&self, control: Control) {
        match control {
            Control::Stop => self.stop.store(true, Ordering::Relaxed),
            Control::Pause => self.pause.store(true, Ordering::Relaxed),
            Control::Resume => {
                self.pause.store(false, Ordering::Relaxed);
                self.suspend.store(false, Ordering::Relaxed);
            }
            Control::Save => self.save.store(true, Ordering::Relaxed),
            Control::Suspend => self.suspend.store(true, Ordering::Relaxed),
            Control::Smooth { on } => self.smooth.store(on, Ordering::Relaxed),
            Control::Quit => {}
        }
    }

    /// Should the job end?
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Should a checkpoint be written and the job end, to go on another time?
    pub fn suspended(&self) -> bool {
        self.suspend.load(Ordering::Relaxed)
    }

    /// Should a checkpoint be written now?
    pub fn wants_save(&self) -> bool {
        self.save.load(Ordering::Relaxed)
    }

    /// A checkpoint was written, or could not be.
    pub fn saved(&self) {
        self.save.store(false, Ordering::Relaxed);
    }

    /// Is the device to be left to other programs now and then? Shared with whoever works on it.
    pub fn smooth(&self) -> Arc<AtomicBool> {
        self.smooth.clone()
    }

    /// Nothing can be written: a job that was to be suspended is held instead, with all that it has in memory.
    pub fn hold(&self) {
        self.pause.store(true, Ordering::Relaxed);
        self.suspend.store(false, Ordering::Relaxed);
    }

    /// Should the job hold? A stop, a suspension and a checkpoint end or interrupt a pause.
    pub fn paused(&self) -> bool {
        self.pause.load(Ordering::Relaxed) && !self.stopped() && !self.suspended() && !self.wants_save()
    }

    /// Sleeps until the job may go on or should end.
    pub fn wait_while_paused(&self) {
        while self.paused() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
