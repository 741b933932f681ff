//! The numbers of a run step by step, ready to be drawn. Knows no drawing.

/// Weight of the past in the smoothed loss.
const MEMORY: f64 = 0.9;
/// Steps whose mean pace tells the time left.
const PACE: usize = 20;

/// One optimizer step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepPoint {
    pub step: usize,
    /// Mean loss over the step's supervised tokens.
    pub loss: f64,
    /// Moving average of the loss, without the bias of its start.
    pub smoothed: f64,
    pub lr: f64,
    pub grad_norm: f64,
    pub tokens_per_second: f64,
    pub seconds: f64,
    pub epoch: f64,
}

/// All steps and evaluations so far.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    pub steps: Vec<StepPoint>,
    /// Step and loss on the held-out rows.
    pub evals: Vec<(usize, f64)>,
    average: f64,
    weight: f64,
}

impl Curves {
    /// Adds a step; `point.smoothed` is worked out here. A step that was made before (after going on from a
    /// checkpoint) replaces what followed it.
    pub fn add(&mut self, mut point: StepPoint) {
        if self.steps.last().is_some_and(|last| last.step >= point.step) {
            self.cut_at(point.step);
        }
        if point.loss.is_finite() {
            self.average = MEMORY * self.average + (1.0 - MEMORY) * point.loss;
            self.weight = MEMORY * self.weight + (1.0 - MEMORY);
        }
        point.smoothed = if self.weight > 0.0 {
            self.average / self.weight
        } else {
            point.loss
        };
        self.steps.push(point);
    }

    /// Adds an evaluation.
    pub fn add_eval(&mut self, step: usize, loss: f64) {
        self.evals.retain(|(s, _)| *s < step);
        self.evals.push((step, loss));
    }

    /// Forgets what came after a step: it is done again.
    pub fn cut_after(&mut self, step: usize) {
        self.cut_at(step + 1);
    }

    fn cut_at(&mut self, step: usize) {
        self.steps.retain(|s| s.step < step);
        self.evals.retain(|(s, _)| *s < step);
        let kept = std::mem::take(&mut self.steps);
        (self.average, self.weight) = (0.0, 0.0);
        for point in kept {
            self.add(point);
        }
    }

    /// Mean seconds of the last steps; `None` before three steps.
    pub fn seconds_per_step(&self) -> Option<f64> {
        let last = &self.steps[self.steps.len().saturating_sub(PACE)..];
        (last.len() >= 3).then(|| last.iter().map(|s| s.seconds).sum::<f64>() / last.len() as f64)
    }

    /// Mean tokens per second of the last steps; 0 before the first.
    pub fn tokens_per_second(&self) -> f64 {
        let last = &self.steps[self.steps.len().saturating_sub(PACE)..];
        last.iter().map(|s| s.tokens_per_second).sum::<f64>() / last.len().max(1) as f64
    }

    /// The numbers as comma-separated values with a header, one line a step.
    pub fn to_csv(&self) -> String {
        let mut text = String::from("step,epoch,loss,smoothed,eval_loss,lr,grad_norm,tokens_per_second,seconds\n");
        for s in &self.steps {
            let eval = self.evals.iter().find(|(step, _)| *step == s.step);
            let eval = eval.map(|(_, loss)| loss.to_string()).unwrap_or_default();
            text += &format!(
                "{},{},{},{},{eval},{},{},{},{}\n",
                s.step, s.epoch, s.loss, s.smoothed, s.lr, s.grad_norm, s.tokens_per_second, s.seconds
            );
        }
        text
    }
}
