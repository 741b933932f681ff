//! The learning-rate range test: how the rate rises from step to step, when a test has seen enough, and which rate it speaks for.
//! Knows losses, no model.
//!
//! L. N. Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), section 3.3, with a geometric rise; the smoothing, the end at
//! four times the best loss and both suggestions are those of fastai's `lr_find` (`minimum` and `steep` in `callback/schedule.py`). Unlike
//! there the slope is that of a straight line through several losses: the difference of two neighbours is mostly the luck of one batch.

/// Weight of the past in the smoothed loss, for tests of about a hundred steps.
const SMOOTHING: f64 = 0.9;
/// A smoothed loss that is so many times the best one ends the test.
const TOO_HIGH: f64 = 4.0;
/// Share of the steps at the beginning whose smoothed losses are means of too few batches to count.
const SETTLING: usize = 10;
/// Losses on either side of a step that its slope is found over, as a part of the planned steps.
const REACH: usize = 20;
/// The least fall of the smoothed loss, as a share of what it began with, that counts as learning. It has to be more than what the losses
/// of two batches usually differ by, too: a smoothed loss wanders by about a quarter of that even where nothing is learned.
const LEAST_FALL: f64 = 0.01;

/// The losses of a test so far.
#[derive(Clone, Debug)]
pub struct RangeTest {
    low: f64,
    high: f64,
    steps: usize,
    /// Sum of the losses, weighted by how long they are ago.
    weighted: f64,
    raw: Vec<f64>,
    smoothed: Vec<f64>,
}

/// What the losses speak for; rates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Suggestion {
    /// Where the smoothed loss falls fastest over the logarithm of the rate.
    pub steepest: f64,
    /// Where the smoothed loss is lowest.
    pub lowest: f64,
    /// Was the loss still at its lowest when the test ended?
    pub still_falling: bool,
}

impl Suggestion {
    /// The rate to take: the smaller of the steepest place and one tenth of the rate of the lowest loss, with two digits.
    pub fn rate(&self) -> f64 {
        two_digits(self.steepest.min(self.lowest / 10.0))
    }
}

impl RangeTest {
    /// A test from `low` to `high` in `steps` steps.
    pub fn new(low: f64, high: f64, steps: usize) -> Self {
        Self {
            low,
            high,
            steps,
            weighted: 0.0,
            raw: vec![],
            smoothed: vec![],
        }
    }

    /// The rate of a step, from 0: each is the same number of times the one before.
    pub fn rate(&self, step: usize) -> f64 {
        let part = step as f64 / (self.steps.max(2) - 1) as f64;
        self.low * (self.high / self.low).powf(part)
    }

    /// Takes in the loss of the next step; gives the smoothed one: a mean that weighs older losses less and is corrected for its short
    /// memory at the beginning.
    pub fn add(&mut self, loss: f64) -> f64 {
        self.weighted = SMOOTHING * self.weighted + (1.0 - SMOOTHING) * loss;
        let count = self.smoothed.len() as i32 + 1;
        let smoothed = self.weighted / (1.0 - SMOOTHING.powi(count));
        self.raw.push(loss);
        self.smoothed.push(smoothed);
        smoothed
    }

    /// Is the smoothed loss not finite, or far above the best?
    pub fn diverged(&self) -> bool {
        let best = self.smoothed.iter().copied().fold(f64::INFINITY, f64::min);
        self.smoothed
            .last()
            .is_some_and(|last| !last.is_finite() || *last > TOO_HIGH * best)
    }

    /// What the losses speak for; `None` where they are too few or did not fall.
    pub fn suggestion(&self) -> Option<Suggestion> {
        let first = self.steps / SETTLING;
        let losses = self.smoothed.get(first..)?;
        let finite = losses.iter().take_while(|loss| loss.is_finite()).count();
        let losses = losses.get(..finite).filter(|losses| losses.len() > 2)?;
        let lowest = place_of_least(losses.iter().copied())?;
        let reach = (self.steps / REACH).max(1);
        // What comes after the lowest loss does not fall any more.
        let falling = &losses[..=lowest];
        let steepest = place_of_least((0..falling.len()).map(|at| slope(falling, at, reach)))?;
        let least = (LEAST_FALL * losses[0].abs()).max(self.scatter());
        (losses[0] - losses[lowest] > least).then(|| Suggestion {
            steepest: self.rate(first + steepest),
            lowest: self.rate(first + lowest),
            still_falling: lowest + 1 == losses.len(),
        })
    }

    /// What the losses of two neighbouring steps differ by on average, at the low rates of the first quarter.
    fn scatter(&self) -> f64 {
        let calm = &self.raw[..self.raw.len().min(self.steps / 4)];
        let apart: f64 = calm.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
        apart / calm.len().saturating_sub(1).max(1) as f64
    }
}

/// The slope of the straight line (least squares) through the losses around a place, a step.
fn slope(losses: &[f64], at: usize, reach: usize) -> f64 {
    let from = at.saturating_sub(reach);
    let part = &losses[from..losses.len().min(at + reach + 1)];
    let count = part.len() as f64;
    if part.len() < 2 {
        return 0.0;
    }
    let (middle, mean) = ((count - 1.0) / 2.0, part.iter().sum::<f64>() / count);
    let sides = |at: usize| at as f64 - middle;
    let along: f64 = part
        .iter()
        .enumerate()
        .map(|(at, loss)| sides(at) * (loss - mean))
        .sum();
    along / (0..part.len()).map(|at| sides(at).powi(2)).sum::<f64>()
}

/// The first place of the least value.
fn place_of_least(values: impl Iterator<Item = f64>) -> Option<usize> {
    let least = values.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    least.map(|(place, _)| place)
}

/// Rounded to two digits.
fn two_digits(rate: f64) -> f64 {
    format!("{rate:.1e}").parse().unwrap_or(rate)
}
