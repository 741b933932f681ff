//! Gradient norms: of all trained tensors together, and of each kind of layer. Knows names of parameters only.

use burn::tensor::Tensor;

use super::{Param, TrainError};
use crate::train::backward::read;

/// The Euclidean norms of a step's gradients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Norms {
    /// Over all gradients together.
    pub all: f64,
    /// Of each group that is trained, by name.
    pub groups: Vec<(&'static str, f64)>,
}

impl Norms {
    /// All of them, divided.
    pub fn divided(mut self, by: f64) -> Self {
        self.all /= by;
        self.groups.iter_mut().for_each(|(_, norm)| *norm /= by);
        self
    }
}

/// Parts of names, and the group that they tell. The first that is found counts.
const GROUPS: [(&str, &str); 14] = [
    ("token_rows", "embedding"),
    ("embed", "embedding"),
    ("wte", "embedding"),
    ("wpe", "embedding"),
    ("prompt", "prompt"),
    ("prefix", "prefix"),
    ("bottleneck", "bottleneck"),
    ("lm_head", "head"),
    ("norm", "norms"),
    ("ln_", "norms"),
    ("attn", "attention"),
    ("attention", "attention"),
    ("mlp", "feed-forward"),
    ("", "other"),
];

fn group(name: &str) -> &'static str {
    let found = GROUPS.iter().find(|(part, _)| name.contains(part));
    found.map_or("other", |(_, group)| group)
}

/// Norms of gradients in the order of the parameters; reads back from the device.
///
/// # Errors
/// The device failed.
pub fn norms(params: &[Param], grads: &[Tensor<2>]) -> Result<Norms, TrainError> {
    let squares: Vec<Tensor<1>> = grads.iter().map(|g| (g.clone() * g.clone()).sum()).collect();
    let mut groups: Vec<(&'static str, f64)> = vec![];
    let mut all = 0.0;
    for (param, square) in params.iter().zip(read(squares)?) {
        let name = group(&param.name);
        all += square;
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += square,
            None => groups.push((name, square)),
        }
    }
    for (_, sum) in &mut groups {
        *sum = sum.sqrt();
    }
    Ok(Norms {
        all: all.sqrt(),
        groups,
    })
}

/// The factor that brings a norm down to `limit`, as `torch.nn.utils.clip_grad_norm_`; 1 when `limit` is 0.
pub fn clip_factor(norm: f64, limit: f64) -> f64 {
    if limit > 0.0 {
        (limit / (norm + 1e-6)).min(1.0)
    } else {
        1.0
    }
}
