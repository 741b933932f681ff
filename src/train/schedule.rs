//! Learning-rate schedules, with transformers' formulas (`optimization.py`, get_scheduler). Knows nothing of optimizers.

use std::f64::consts::PI;

use crate::recipe::Schedule;

/// The shape of the learning rate over a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LrSchedule {
    /// What follows the warm-up.
    pub kind: Schedule,
    /// Peak learning rate.
    pub peak: f64,
    /// Steps of linear warm-up; step 0 of a warm-up uses 0.
    pub warmup: usize,
    /// Steps of the whole run.
    pub total: usize,
    /// Steps of WSD's fall at the end.
    pub decay: usize,
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
            Schedule::Cosine => half_wave((step - self.warmup) as f64 / rest),
            Schedule::InverseSqrt => {
                // A run without warm-up takes transformers' usual time scale.
                let scale = if self.warmup > 0 { self.warmup as f64 } else { 10_000.0 };
                let shift = scale - self.warmup as f64;
                1.0 / ((step as f64 + shift) / scale).sqrt()
            }
            Schedule::Wsd => {
                let stable = self.total.saturating_sub(self.warmup + self.decay);
                match step.checked_sub(self.warmup + stable) {
                    None => 1.0,
                    Some(fallen) if fallen < self.decay => half_wave(fallen as f64 / self.decay as f64),
                    Some(_) => 0.0,
                }
            }
        }
    }
}

/// From 1 down to 0 by half a cosine wave.
fn half_wave(progress: f64) -> f64 {
    (0.5 * (1.0 + (PI * progress).cos())).max(0.0)
}

/// Warm-up (or decay) steps from the recipe's number: at least 1 means steps, below 1 a share of the run (rounded up).
pub fn warmup_steps(warmup: f64, total: usize) -> usize {
    if warmup >= 1.0 {
        warmup.round() as usize
    } else {
        (warmup.max(0.0) * total as f64).ceil() as usize
    }
}
