//! Gradient descent with momentum and L2 weight decay, as `torch.optim.SGD` computes it. Knows one tensor.

use burn::tensor::Tensor;

use super::{Kept, Param, Read, Rule, TrainError, Update, numbers};

/// The momentum of one parameter: zeros before the first step.
#[derive(Debug)]
pub(super) struct Sgd {
    momentum: Tensor<2>,
}

impl Sgd {
    pub fn new(param: &Param) -> Self {
        Self {
            momentum: param.value.zeros_like(),
        }
    }
}

impl Rule for Sgd {
    fn update(&mut self, param: &mut Param, grad: Tensor<2>, update: &Update<'_>) {
        let c = update.config;
        // Decay is a part of the gradient here, not a step of its own.
        let grad = if param.decay && c.weight_decay > 0.0 {
            grad + param.value.clone() * c.weight_decay
        } else {
            grad
        };
        self.momentum = self.momentum.clone() * c.beta1 + grad;
        param.value = param.value.clone() - self.momentum.clone() * update.lr;
    }

    fn state(&self) -> Vec<(&'static str, Kept)> {
        vec![("momentum_buffer", Kept::Numbers(self.momentum.clone()))]
    }

    fn restore(&mut self, read: &mut Read<'_>) -> Result<(), TrainError> {
        self.momentum = numbers(read, "momentum_buffer", &self.momentum)?;
        Ok(())
    }
}
