//! Steps whose loss is far above what is usual at that time of the run. Knows losses, not rows.

/// Steps before anything is called unusual.
const WARM: usize = 20;
/// Weight of the past in the spread upwards.
const MEMORY: f64 = 0.95;
/// Spreads upwards that make a spike. For even noise this is about four standard deviations.
const FAR: f64 = 6.0;
/// Least share above the usual loss: a very calm run has no spikes for that alone.
const LEAST: f64 = 0.2;
/// Spikes that are kept; the newest.
const KEPT: usize = 500;

/// A loss far above the usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spike {
    /// Place of the step among all steps.
    pub at: usize,
    /// What was to be expected.
    pub usual: f64,
}

/// Finds spikes as the losses come.
#[derive(Clone, Debug, Default)]
pub struct Spikes {
    /// The newest last.
    pub list: Vec<Spike>,
    /// Mean square of what was above the usual. A loss that falls steeply is below it all the time, which says nothing of spikes.
    variance: f64,
}

impl Spikes {
    /// Looks at the loss of step number `at`; `usual` is the smoothed loss before it.
    pub fn look(&mut self, at: usize, loss: f64, usual: f64) {
        if !loss.is_finite() || !usual.is_finite() {
            return;
        }
        let above = loss - usual;
        let far = FAR * self.variance.sqrt();
        if at >= WARM && above > far && above > LEAST * usual.abs() {
            self.list.push(Spike { at, usual });
            if self.list.len() > KEPT {
                self.list.remove(0);
            }
            // A spike says little about the usual spread, but it must not be shut out for ever.
            let capped = far.max(LEAST * usual.abs());
            self.variance = MEMORY * self.variance + (1.0 - MEMORY) * capped * capped;
            return;
        }
        let above = above.max(0.0);
        self.variance = MEMORY * self.variance + (1.0 - MEMORY) * above * above;
    }
}
