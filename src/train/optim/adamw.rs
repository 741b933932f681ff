//! AdamW (Loshchilov and Hutter 2019, algorithm 2, as PyTorch computes it). Knows one tensor.

use burn::tensor::Tensor;

use super::{Kept, Param, Read, Rule, TrainError, Update, numbers};

/// Both moments of one parameter, in f32.
#[derive(Debug)]
pub(super) struct AdamW {
    /// Running mean of the gradient.
    first: Tensor<2>,
    /// Running mean of its square.
    second: Tensor<2>,
}

impl AdamW {
    pub fn new(param: &Param) -> Self {
        Self {
            first: param.value.zeros_like(),
            second: param.value.zeros_like(),
        }
    }
}

/// New moments, and the value after the step.
pub(super) fn step(
    param: &Param,
    grad: Tensor<2>,
    moments: (Tensor<2>, Tensor<2>),
    update: &Update<'_>,
) -> (Tensor<2>, Tensor<2>, Tensor<2>) {
    let c = update.config;
    let correction1 = 1.0 - c.beta1.powi(update.step as i32);
    let correction2 = (1.0 - c.beta2.powi(update.step as i32)).sqrt();
    let first = moments.0 * c.beta1 + grad.clone() * (1.0 - c.beta1);
    let second = moments.1 * c.beta2 + grad.clone() * grad * (1.0 - c.beta2);
    let root = second.clone().sqrt() / correction2 + c.eps;
    let change = first.clone() / root * (update.lr / correction1);
    let value = param.value.clone() * update.decay(param) - change;
    (first, second, value)
}

impl Rule for AdamW {
    fn update(&mut self, param: &mut Param, grad: Tensor<2>, update: &Update<'_>) {
        let moments = (self.first.clone(), self.second.clone());
        (self.first, self.second, param.value) = step(param, grad, moments, update);
    }

    fn state(&self) -> Vec<(&'static str, Kept)> {
        vec![
            ("exp_avg", Kept::Numbers(self.first.clone())),
            ("exp_avg_sq", Kept::Numbers(self.second.clone())),
        ]
    }

    fn restore(&mut self, read: &mut Read<'_>) -> Result<(), TrainError> {
        self.first = numbers(read, "exp_avg", &self.first)?;
        self.second = numbers(read, "exp_avg_sq", &self.second)?;
        Ok(())
    }
}
