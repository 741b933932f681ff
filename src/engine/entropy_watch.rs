//! Watches whether training still teaches: when the held-out loss falls no more while predictions get surer, further steps only sharpen
//! what the model would have said anyway. Knows two numbers of each evaluation.

/// Evaluations without a better loss before anything is said.
const PATIENCE: usize = 2;
/// Share by which the entropy must have fallen since the best loss.
const FALLEN: f64 = 0.1;

/// What an evaluation told.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    step: usize,
    loss: f64,
    entropy: f64,
}

/// Looks at evaluations in turn; speaks once.
#[derive(Clone, Debug, Default)]
pub struct EntropyWatch {
    best: Option<Seen>,
    worse: usize,
    told: bool,
}

impl EntropyWatch {
    /// Takes an evaluation in: the step, the mean held-out loss and the mean entropy of the predictions, both in nats. A sentence for the
    /// user when the run has turned to sharpening.
    pub fn see(&mut self, step: usize, loss: f64, entropy: f64) -> Option<String> {
        let now = Seen { step, loss, entropy };
        let best = *self.best.get_or_insert(now);
        if loss < best.loss {
            (self.best, self.worse) = (Some(now), 0);
            return None;
        }
        self.worse += usize::from(step > best.step);
        let sharper = entropy < best.entropy * (1.0 - FALLEN);
        if self.told || self.worse < PATIENCE || !sharper {
            return None;
        }
        self.told = true;
        Some(format!(
            "Since step {} the held-out loss falls no more ({:.3}, now {loss:.3}), but predictions get surer (entropy {:.3}, now {entropy:.3}): \
             more steps only sharpen what the model says anyway. Stop here and take the best checkpoint, or train on more varied rows.",
            best.step, best.loss, best.entropy
        ))
    }
}
