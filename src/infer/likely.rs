//! What the model held likely at one place: probabilities and the best ids. Plain vectors; knows nothing of how a token is chosen.

/// An id with the model's own opinion of it (temperature 1, nothing cut).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likely {
    /// The id.
    pub id: u32,
    /// Its score.
    pub logit: f32,
    /// Its share of the softmax.
    pub probability: f32,
}

/// The `count` likeliest ids, the lower id first among equals; `also` is added at the end where it is not among them.
pub fn likeliest(logits: &[f32], count: usize, also: Option<u32>) -> Vec<Likely> {
    if count == 0 {
        return Vec::new();
    }
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|x| f64::from((x - max).exp())).sum();
    let mut chosen = best(logits, count);
    if let Some(id) = also.filter(|id| !chosen.contains(id) && (*id as usize) < logits.len()) {
        chosen.push(id);
    }
    let one = |id: u32| {
        let logit = logits[id as usize];
        Likely {
            id,
            logit,
            probability: (f64::from(logit - max).exp() / total) as f32,
        }
    };
    chosen.into_iter().map(one).collect()
}

/// The best ids in order, found in one pass: `count` is small.
fn best(logits: &[f32], count: usize) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::with_capacity(count + 1);
    for (id, x) in (0u32..).zip(logits) {
        let full = found.len() == count;
        if full && found.last().is_some_and(|last| *x <= logits[*last as usize]) {
            continue;
        }
        let at = found.partition_point(|other| logits[*other as usize] >= *x);
        found.insert(at, id);
        found.truncate(count);
    }
    found
}
