//! Choosing the next token from its scores: greedy, temperature, top-k, top-p. Plain vectors, no tensors.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How to choose.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// 0 = always the most likely token.
    pub temperature: f32,
    /// Only the k most likely tokens; 0 = all.
    pub top_k: usize,
    /// Only the most likely tokens that together reach this probability; 1 = all (Holtzman et al. 2020).
    pub top_p: f32,
    /// Same seed, same text on the same device.
    pub seed: u64,
}

/// A sampler with its random state.
pub struct Sampler {
    sampling: Sampling,
    rng: ChaCha8Rng,
}

/// The chosen id and its probability under the model (temperature 1, nothing cut).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Picked {
    /// The id.
    pub id: u32,
    /// Its probability.
    pub probability: f32,
}

impl Sampler {
    /// A sampler at the start of its random sequence.
    pub fn new(sampling: Sampling) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(sampling.seed);
        Self { sampling, rng }
    }

    /// Chooses from one row of scores; `None` when a score is not a number or none is finite.
    pub fn pick(&mut self, logits: &[f32]) -> Option<Picked> {
        if logits.iter().any(|x| x.is_nan()) {
            return None;
        }
        let best = arg_max(logits).filter(|i| logits[*i].is_finite())?;
        let id = if self.sampling.temperature <= 0.0 {
            best
        } else {
            self.draw(logits, logits[best])
        };
        Some(Picked {
            id: id as u32,
            probability: probability_of(logits, id),
        })
    }

    fn draw(&mut self, logits: &[f32], max: f32) -> usize {
        let weight = |x: f32| f64::from((x - max) / self.sampling.temperature).exp();
        let mut all: Vec<(usize, f64)> = logits.iter().enumerate().map(|(i, x)| (i, weight(*x))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if self.sampling.top_k > 0 {
            all.truncate(self.sampling.top_k);
        }
        cut_top_p(&mut all, f64::from(self.sampling.top_p));
        let total: f64 = all.iter().map(|(_, w)| w).sum();
        let mut left = self.rng.random::<f64>() * total;
        for (id, w) in &all {
            left -= w;
            if left <= 0.0 {
                return *id;
            }
        }
        all[all.len() - 1].0
    }
}

/// Keeps the shortest prefix whose share reaches `p`, and at least one entry.
fn cut_top_p(sorted: &mut Vec<(usize, f64)>, p: f64) {
    if p >= 1.0 {
        return;
    }
    let total: f64 = sorted.iter().map(|(_, w)| w).sum();
    let mut seen = 0.0;
    let keep = sorted.iter().position(|(_, w)| {
        seen += w;
        seen >= p * total
    });
    sorted.truncate(keep.map_or(sorted.len(), |k| k + 1).max(1));
}

/// The index of the largest score, the first among equals.
fn arg_max(logits: &[f32]) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (i, x) in logits.iter().enumerate() {
        if best.is_none_or(|b| *x > logits[b]) {
            best = Some(i);
        }
    }
    best
}

/// The softmax probability of one id.
pub(super) fn probability_of(logits: &[f32], id: usize) -> f32 {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|x| f64::from(x - max).exp()).sum();
    (f64::from(logits[id] - max).exp() / total) as f32
}
