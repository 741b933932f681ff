//! Lion (Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2): steps of one size by the sign of a mean
//! gradient. Knows one tensor.

use burn::tensor::Tensor;

use super::{Kept, Param, Read, Rule, TrainError, Update, numbers};

/// The mean gradient of one parameter.
#[derive(Debug)]
pub(super) struct Lion {
    mean: Tensor<2>,
}

impl Lion {
    pub fn new(param: &Param) -> Self {
        Self {
            mean: param.value.zeros_like(),
        }
    }
}

impl Rule for Lion {
    fn update(&mut self, param: &mut Param, grad: Tensor<2>, update: &Update<'_>) {
        let c = update.config;
        let direction = (self.mean.clone() * c.beta1 + grad.clone() * (1.0 - c.beta1)).sign();
        param.value = param.value.clone() * update.decay(param) - direction * update.lr;
        self.mean = self.mean.clone() * c.beta2 + grad * (1.0 - c.beta2);
    }

    fn state(&self) -> Vec<(&'static str, Kept)> {
        vec![("exp_avg", Kept::Numbers(self.mean.clone()))]
    }

    fn restore(&mut self, read: &mut Read<'_>) -> Result<(), TrainError> {
        self.mean = numbers(read, "exp_avg", &self.mean)?;
        Ok(())
    }
}
