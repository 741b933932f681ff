//! What is known of a step and of an evaluation, and what of it is drawn along which axis. Knows one step at a time.

use super::pyramid::Pyramid;

/// One optimizer step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepPoint {
    pub step: usize,
    /// Mean loss over the step's supervised tokens.
    pub loss: f64,
    /// Moving average of the loss, without the bias of its start; worked out when the step is added.
    pub smoothed: f64,
    pub lr: f64,
    /// Of all gradients together; not a number where it is not known.
    pub grad_norm: f64,
    /// Tokens of the step.
    pub tokens: usize,
    /// Of these, learned.
    pub supervised: usize,
    pub seconds: f64,
    pub epoch: f64,
    /// Bytes in use; 0 = unknown.
    pub memory: u64,
    /// What the loss was multiplied by; 0 where products are in single precision.
    pub loss_scale: f64,
    /// Tokens of the run up to here; worked out when the step is added.
    pub tokens_so_far: u64,
    /// Seconds of the run's steps up to here; worked out when the step is added.
    pub seconds_so_far: f64,
}

impl StepPoint {
    /// Tokens per second; not a number where the time is not known.
    pub fn speed(&self) -> f64 {
        if self.seconds > 0.0 {
            self.tokens as f64 / self.seconds
        } else {
            f64::NAN
        }
    }

    /// Share of the tokens that is learned, in percent; not a number where it is not known.
    pub fn share(&self) -> f64 {
        if self.tokens > 0 {
            100.0 * self.supervised as f64 / self.tokens as f64
        } else {
            f64::NAN
        }
    }

    /// Bytes in use; not a number where they are not known.
    fn memory_drawn(&self) -> f64 {
        if self.memory > 0 { self.memory as f64 } else { f64::NAN }
    }
}

/// One evaluation on the held-out rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EvalPoint {
    pub step: usize,
    pub loss: f64,
    /// Mean entropy of the predictions over supervised tokens, in nats.
    pub entropy: Option<f64>,
}

/// A step whose loss or gradient was not finite: its update was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedStep {
    pub step: usize,
    pub reason: String,
    /// Number of the file in the recipe, row in the file.
    pub rows: Vec<(usize, usize)>,
}

/// What is drawn of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Loss,
    Smoothed,
    Rate,
    Norm,
    /// Gradient norm of one of [`Curves::groups`](super::Curves::groups).
    GroupNorm(usize),
    Speed,
    Share,
    Memory,
}

/// What stands along the axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Along {
    #[default]
    Steps,
    Tokens,
    Time,
}

/// The measures that every step has, for drawing.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracks {
    pub(super) loss: Pyramid,
    pub(super) smoothed: Pyramid,
    pub(super) rate: Pyramid,
    pub(super) norm: Pyramid,
    pub(super) speed: Pyramid,
    pub(super) share: Pyramid,
    pub(super) memory: Pyramid,
}

impl Tracks {
    /// Adds a step.
    pub(super) fn push(&mut self, point: &StepPoint) {
        self.loss.push(point.loss);
        self.smoothed.push(point.smoothed);
        self.rate.push(point.lr);
        self.norm.push(point.grad_norm);
        self.speed.push(point.speed());
        self.share.push(point.share());
        self.memory.push(point.memory_drawn());
    }
}

/// Where a step stands along an axis: its number, tokens so far, or seconds so far.
pub(super) fn position(along: Along, point: &StepPoint) -> f64 {
    match along {
        Along::Steps => point.step as f64,
        Along::Tokens => point.tokens_so_far as f64,
        Along::Time => point.seconds_so_far,
    }
}
