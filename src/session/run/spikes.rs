//! Steps whose loss is far above what is usual at that time of the run. Knows losses, not rows.

/// Steps before anything is called unusual.
const WARM: usize = 20;
/// Weight of the past in the usual spread.
const MEMORY: f64 = 0.95;
/// Spreads above the usual loss that make a spike.
const FAR: f64 = 4.0;
/// Least share above the usual loss: a very calm run has no spikes for that alone.
const LEAST: f64 = 0.1;
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
        let weight = if at == 0 { 1.0 } else { 1.0 - MEMORY };
        self.variance = (1.0 - weight) * self.variance + weight * above * above;
    }
}
