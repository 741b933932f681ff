//! What is said of a search for a learning rate: the rates to try, a rate that was tried, what came out. Knows no model.

use serde::{Deserialize, Serialize};

/// The rates to try: each step has the same number of times the rate of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateRange {
    /// Of the first step.
    pub low: f64,
    /// Of the last step.
    pub high: f64,
    /// Optimizer steps.
    pub steps: usize,
}

/// Fewer steps tell nothing.
const LEAST_STEPS: usize = 20;
/// More steps are a run.
const MOST_STEPS: usize = 10_000;

impl Default for RateRange {
    fn default() -> Self {
        Self {
            low: 1e-6,
            high: 1.0,
            steps: 100,
        }
    }
}

impl RateRange {
    /// What is wrong with it, in words; `None` where it can be used.
    pub fn refused(&self) -> Option<String> {
        if !(self.low > 0.0 && self.high.is_finite() && self.low * 10.0 <= self.high) {
            return Some("The lowest rate must be above 0 and at most a tenth of the highest.".into());
        }
        let usable = (LEAST_STEPS..=MOST_STEPS).contains(&self.steps);
        (!usable).then(|| format!("The steps must be from {LEAST_STEPS} to {MOST_STEPS}."))
    }
}

/// A step with one of the rates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateTried {
    /// From 1.
    pub step: usize,
    pub lr: f64,
    /// Mean loss per supervised token, in nats, before the step's update.
    pub loss: f64,
    /// Smoothed over the steps so far.
    pub smoothed: f64,
    pub seconds: f64,
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateEnd {
    /// All rates were tried.
    AllTried,
    /// The loss rose far above the best one, or was not finite.
    Diverged,
    /// By the user.
    Stopped,
}

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateFound {
    /// The rate to take; `None` where the loss did not fall.
    pub suggested: Option<f64>,
    /// Where the loss fell fastest.
    pub steepest: Option<f64>,
    /// Where the loss was lowest.
    pub lowest: Option<f64>,
    /// Was the loss still falling when the search ended?
    pub still_falling: bool,
    pub end: RateEnd,
    /// The last rate that was tried.
    pub last: f64,
}

impl RateFound {
    /// What it means, and what to do.
    pub fn in_words(&self) -> String {
        let rate = |rate: f64| format!("{rate:.1e}");
        let end = match self.end {
            RateEnd::AllTried => format!("The loss stayed sound up to the highest rate, {}.", rate(self.last)),
            RateEnd::Diverged => format!("The loss broke away at {}.", rate(self.last)),
            RateEnd::Stopped => format!("You stopped at {}.", rate(self.last)),
        };
        let (Some(suggested), Some(steepest), Some(lowest)) = (self.suggested, self.steepest, self.lowest) else {
            return format!(
                "The loss fell at no rate by more than it differs from batch to batch, so there is nothing to suggest. {end} Try more steps \
                 or larger batches, or look at what is learned in the Template room."
            );
        };
        let more = if self.still_falling {
            " It was still falling at the end: higher rates may be as good."
        } else {
            ""
        };
        format!(
            "A rate of {} is a good beginning: the loss fell fastest at {} and was lowest at {}. {end}{more}",
            rate(suggested),
            rate(steepest),
            rate(lowest)
        )
    }
}
