//! Choosing the next token from its scores: repetition penalty, temperature, top-k, top-p, min-p, in this order, which is that of
//! Hugging Face transformers. Plain vectors, no tensors.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};

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
    /// Only tokens at least this likely, as a share of the likeliest one's probability; 0 = all (Nguyen et al. 2024).
    pub min_p: f32,
    /// Scores of ids in the prompt and the answer are divided by this where positive, multiplied where negative; 1 = off
    /// (Keskar et al. 2019).
    pub repetition_penalty: f32,
    /// Same seed, same text on the same device.
    pub seed: u64,
}

impl Default for Sampling {
    /// The most likely token, nothing changed.
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: 0,
        }
    }
}

/// A sampler with its random state and the ids that it has seen.
pub struct Sampler {
    sampling: Sampling,
    rng: ChaCha8Rng,
    seen: HashSet<u32>,
}

impl Sampler {
    /// A sampler at the start of its random sequence, after `prompt`.
    pub fn new(sampling: Sampling, prompt: &[u32]) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(sampling.seed);
        Self {
            sampling,
            rng,
            seen: prompt.iter().copied().collect(),
        }
    }

    /// Chooses from one row of scores; `None` when a score is not a number or none is finite.
    pub fn pick(&mut self, logits: &[f32]) -> Option<u32> {
        let penalised = self.penalised(logits);
        let scores = penalised.as_deref().unwrap_or(logits);
        let best = arg_max(scores)?;
        let id = if self.sampling.temperature <= 0.0 {
            best as u32
        } else {
            self.draw(scores).unwrap_or(best as u32)
        };
        self.seen.insert(id);
        Some(id)
    }

    /// The ids that can be drawn with their probabilities: the likeliest first where top-p cuts, else in any order.
    /// At temperature 0 that is one id.
    pub fn candidates(&self, logits: &[f32]) -> Vec<(u32, f64)> {
        let penalised = self.penalised(logits);
        let scores = penalised.as_deref().unwrap_or(logits);
        if self.sampling.temperature <= 0.0 {
            return arg_max(scores).map(|best| (best as u32, 1.0)).into_iter().collect();
        }
        let mut kept = self.kept(scores);
        let total: f64 = kept.iter().map(|(_, w)| w).sum();
        kept.iter_mut().for_each(|(_, w)| *w /= total);
        kept
    }

    fn penalised(&self, logits: &[f32]) -> Option<Vec<f32>> {
        let penalty = self.sampling.repetition_penalty;
        if penalty == 1.0 || penalty <= 0.0 {
            return None;
        }
        let mut scores = logits.to_vec();
        for id in &self.seen {
            if let Some(score) = scores.get_mut(*id as usize) {
                *score = if *score < 0.0 {
                    *score * penalty
                } else {
                    *score / penalty
                };
            }
        }
        Some(scores)
    }

    fn draw(&mut self, scores: &[f32]) -> Option<u32> {
        let kept = self.kept(scores);
        let total: f64 = kept.iter().map(|(_, w)| w).sum();
        let mut left = self.rng.random::<f64>() * total;
        for (id, weight) in &kept {
            if left < *weight {
                return Some(*id);
            }
            left -= weight;
        }
        // Rounding can leave a crumb after the last one.
        kept.last().map(|(id, _)| *id)
    }

    /// Ids that survive the cuts with weights that are relative to the likeliest one's.
    fn kept(&self, scores: &[f32]) -> Vec<(u32, f64)> {
        let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let temperature = f64::from(self.sampling.temperature);
        let mut kept = best_scores(scores, self.sampling.top_k);
        kept.iter_mut()
            .for_each(|(_, x)| *x = ((*x - f64::from(max)) / temperature).exp());
        kept.retain(|(_, weight)| *weight > 0.0);
        if self.sampling.top_p < 1.0 {
            kept = nucleus(kept, f64::from(self.sampling.top_p));
        }
        // The likeliest one has weight 1 and always stays.
        let least = f64::from(self.sampling.min_p).min(1.0);
        kept.retain(|(_, weight)| *weight >= least);
        kept
    }
}

/// The `k` best ids with their scores, the lower id first among equals; all of them for 0.
fn best_scores(scores: &[f32], k: usize) -> Vec<(u32, f64)> {
    let mut all: Vec<(u32, f64)> = (0u32..).zip(scores.iter().map(|x| f64::from(*x))).collect();
    if k > 0 && k < all.len() {
        all.select_nth_unstable_by(k - 1, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(k);
        // The order within the cut is not defined by the selection, but the same seed must give the same text.
        all.sort_unstable_by_key(|(id, _)| *id);
    }
    all
}

/// The fewest of the likeliest whose share reaches `p`, at least one, the likeliest first. A heap, because few are needed of many.
fn nucleus(all: Vec<(u32, f64)>, p: f64) -> Vec<(u32, f64)> {
    let enough = p * all.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut heap: BinaryHeap<Ranked> = all.into_iter().map(|(id, weight)| Ranked { id, weight }).collect();
    let (mut kept, mut seen) = (Vec::new(), 0.0);
    while let Some(Ranked { id, weight }) = heap.pop() {
        kept.push((id, weight));
        seen += weight;
        if seen >= enough {
            break;
        }
    }
    kept
}

/// An id in a heap: the larger weight is greater, the lower id among equals.
struct Ranked {
    id: u32,
    weight: f64,
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.weight.total_cmp(&other.weight).then(other.id.cmp(&self.id))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

/// The index of the largest score, the first among equals; `None` when one is not a number or the largest is not finite.
fn arg_max(scores: &[f32]) -> Option<usize> {
    let mut best = 0;
    for (i, x) in scores.iter().enumerate() {
        if x.is_nan() {
            return None;
        }
        if *x > scores[best] {
            best = i;
        }
    }
    scores.get(best).filter(|x| x.is_finite()).map(|_| best)
}
