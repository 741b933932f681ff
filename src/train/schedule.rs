//! Learning-rate schedules, with transformers' formulas (`optimization.py`, get_scheduler). Knows nothing of optimizers.

use std::f64::consts::PI;

use crate::recipe::Schedule;

/// The shape of the learning rate over a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LrSchedule {
    /// Constant, linear or cosine after the warm-up.
    pub kind: Schedule,
    /// Peak learning rate.
    pub peak: f64,
    /// Steps of linear warm-up; step 0 of a warm-up uses 0.
    pub warmup: usize,
    /// Steps of the whole run.
    pub total: usize,
}

impl LrSchedule {
    /// Learning rate of optimizer step `step`, from 0.
    pub fn at(&self, step: usize) -> f64 {
        self.peak * self.factor(step)
    }

    fn factor(&self, step: usize) -> f64 {
        if step < self.warmup {
            return step as f64 / self.warmup.max(1) as f64;
        }
        let rest = self.total.saturating_sub(self.warmup).max(1) as f64;
        match self.kind {
            Schedule::Constant => 1.0,
            Schedule::Linear => (self.total.saturating_sub(step) as f64 / rest).max(0.0),
            Schedule::Cosine => {
                let progress = (step - self.warmup) as f64 / rest;
                (0.5 * (1.0 + (PI * progress).cos())).max(0.0)
            }
        }
    }
}

/// Warm-up steps from the recipe's number: at least 1 means steps, below 1 a share of the run (rounded up).
pub fn warmup_steps(warmup: f64, total: usize) -> usize {
    if warmup >= 1.0 {
        warmup.round() as usize
    } else {
        (warmup.max(0.0) * total as f64).ceil() as usize
    }
}
