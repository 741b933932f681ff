//! The numbers of a run as comma-separated values. Knows no files.

use super::curves::Curves;
use super::measures::Measure;

impl Curves {
    /// The numbers as comma-separated values with a header, one line a step.
    pub fn to_csv(&self) -> String {
        let mut text = String::from(
            "step,epoch,loss,smoothed,eval_loss,lr,grad_norm,tokens,supervised_tokens,tokens_per_second,seconds,memory",
        );
        let groups = self.groups().len();
        for group in self.groups() {
            text += &format!(",grad_norm_{}", group.replace([',', ' ', '"'], "_"));
        }
        text.push('\n');
        let number = |value: f64| {
            if value.is_finite() {
                value.to_string()
            } else {
                String::new()
            }
        };
        for (at, s) in self.steps.iter().enumerate() {
            let eval = self.evals.binary_search_by_key(&s.step, |e| e.step).ok();
            let eval = eval.map(|i| self.evals[i].loss.to_string()).unwrap_or_default();
            let memory = if s.memory > 0 {
                s.memory.to_string()
            } else {
                String::new()
            };
            text += &format!(
                "{},{},{},{},{eval},{},{},{},{},{},{},{memory}",
                s.step,
                number(s.epoch),
                number(s.loss),
                number(s.smoothed),
                number(s.lr),
                number(s.grad_norm),
                s.tokens,
                s.supervised,
                number(s.speed()),
                s.seconds
            );
            for group in 0..groups {
                let norm = self.value(Measure::GroupNorm(group), at);
                text += &format!(",{}", number(norm.unwrap_or(f64::NAN)));
            }
            text.push('\n');
        }
        text
    }
}
