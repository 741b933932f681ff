//! Optimizers: a rule for every trained tensor, each with a state of its own that checkpoints keep. Knows parameters as named tensors,
//! not what they belong to.

mod adafactor;
mod adamw;
mod adamw8bit;
mod kept;
mod lion;
mod norm;
mod sgd;

pub use kept::Kept;
pub use norm::{Norms, clip_factor, norms};

use std::fmt::Debug;

use burn::tensor::Tensor;

use super::TrainError;
use super::params::Param;
use crate::formats::weights::{HostTensor, StoreType};
use crate::model::to_device;
use crate::recipe::{OptimPart, OptimizerKind};

/// Which optimizer, and its constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptimizerConfig {
    /// The rule.
    pub kind: OptimizerKind,
    /// Decay of the mean gradient; SGD's momentum.
    pub beta1: f64,
    /// Decay of the mean squared gradient; of Lion's mean.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Pull towards 0, for parameters that take it.
    pub weight_decay: f64,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::AdamW,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.01,
        }
    }
}

impl From<&OptimPart> for OptimizerConfig {
    fn from(optim: &OptimPart) -> Self {
        Self {
            kind: optim.name,
            beta1: optim.beta1,
            beta2: optim.beta2,
            eps: 1e-8,
            weight_decay: optim.weight_decay,
        }
    }
}

/// One update of one tensor.
pub(super) struct Update<'a> {
    pub config: &'a OptimizerConfig,
    /// Number of this step, from 1.
    pub step: usize,
    /// Learning rate.
    pub lr: f64,
}

impl Update<'_> {
    /// The factor of decoupled weight decay.
    fn decay(&self, param: &Param) -> f64 {
        if param.decay {
            1.0 - self.lr * self.config.weight_decay
        } else {
            1.0
        }
    }
}

/// Reads a named tensor of a state, of the given shape and as it was stored.
pub(super) type Read<'a> = dyn FnMut(&str, [usize; 2], StoreType) -> Result<HostTensor, TrainError> + 'a;

/// A tensor of a state in the shape and place of the one that it takes the place of.
fn numbers(read: &mut Read<'_>, name: &str, like: &Tensor<2>) -> Result<Tensor<2>, TrainError> {
    Ok(to_device(read(name, like.dims(), StoreType::F32)?, &like.device()))
}

/// How one tensor learns, with what it remembers of earlier steps.
pub(super) trait Rule: Debug + Send {
    /// Changes the value by its gradient.
    fn update(&mut self, param: &mut Param, grad: Tensor<2>, update: &Update<'_>);

    /// What it remembers, by the name that checkpoints give it.
    fn state(&self) -> Vec<(&'static str, Kept)>;

    /// Takes up what a checkpoint kept.
    fn restore(&mut self, read: &mut Read<'_>) -> Result<(), TrainError>;
}

/// The optimizer of a run.
#[derive(Debug)]
pub struct Optimizer {
    /// Its constants.
    pub config: OptimizerConfig,
    /// Steps taken.
    pub step: usize,
    /// In the order of the parameters.
    rules: Vec<Box<dyn Rule>>,
}

impl Optimizer {
    /// An optimizer that has not seen a gradient yet.
    pub fn new(config: OptimizerConfig, params: &[Param]) -> Self {
        let rule = |param: &Param| -> Box<dyn Rule> {
            match config.kind {
                OptimizerKind::AdamW8bit if adamw8bit::is_large(param) => Box::new(adamw8bit::AdamW8bit::new(param)),
                OptimizerKind::AdamW | OptimizerKind::AdamW8bit => Box::new(adamw::AdamW::new(param)),
                OptimizerKind::Adafactor => Box::new(adafactor::Adafactor::new(param)),
                OptimizerKind::Lion => Box::new(lion::Lion::new(param)),
                OptimizerKind::Sgd => Box::new(sgd::Sgd::new(param)),
            }
        };
        Self {
            config,
            step: 0,
            rules: params.iter().map(rule).collect(),
        }
    }

    /// One step: changes every parameter by its gradient times `grad_scale`, with learning rate `lr`.
    pub fn update(&mut self, params: &mut [Param], grads: Vec<Tensor<2>>, grad_scale: f64, lr: f64) {
        self.step += 1;
        let update = Update {
            config: &self.config,
            step: self.step,
            lr,
        };
        for ((param, grad), rule) in params.iter_mut().zip(grads).zip(&mut self.rules) {
            let grad = if grad_scale == 1.0 { grad } else { grad * grad_scale };
            rule.update(param, grad, &update);
        }
    }

    /// What checkpoints keep, as `parameter.state`.
    pub fn state(&self, params: &[Param]) -> Vec<(String, Kept)> {
        let mut all = vec![];
        for (param, rule) in params.iter().zip(&self.rules) {
            let named = |(kind, kept)| (format!("{}.{kind}", param.name), kept);
            all.extend(rule.state().into_iter().map(named));
        }
        all
    }

    /// Takes up what a checkpoint kept after `step` steps; `read` gives a tensor by name, shape and
    /// how it is stored.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn restore(&mut self, params: &[Param], step: usize, read: &mut Read<'_>) -> Result<(), TrainError> {
        self.step = step;
        for (param, rule) in params.iter().zip(&mut self.rules) {
            rule.restore(&mut |kind, shape, store| read(&format!("{}.{kind}", param.name), shape, store))?;
        }
        Ok(())
    }
}
