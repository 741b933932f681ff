//! AdamW (Loshchilov and Hutter 2019, algorithm 2, as PyTorch computes it) and the global gradient norm.
//! Knows parameters as named tensors, not what they belong to.

use burn::tensor::Tensor;

use super::params::Param;

/// Constants of AdamW.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled weight decay, for parameters that take it.
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.01,
        }
    }
}

/// Both moments of one parameter.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Running mean of the gradient.
    pub first: Tensor<2>,
    /// Running mean of its square.
    pub second: Tensor<2>,
}

/// The optimizer's state.
#[derive(Clone, Debug)]
pub struct AdamW {
    /// Its constants.
    pub config: AdamWConfig,
    /// Moments in the order of the parameters; empty before the first step.
    pub moments: Vec<Moments>,
    /// Steps taken.
    pub step: usize,
}

impl AdamW {
    /// An optimizer that has not seen a gradient yet.
    pub fn new(config: AdamWConfig) -> Self {
        Self {
            config,
            moments: vec![],
            step: 0,
        }
    }

    /// One step: changes every parameter by its gradient times `grad_scale`, with learning rate `lr`.
    pub fn update(&mut self, params: &mut [Param], grads: &[Tensor<2>], grad_scale: f64, lr: f64) {
        if self.moments.is_empty() {
            self.moments = params
                .iter()
                .map(|p| Moments {
                    first: p.value.zeros_like(),
                    second: p.value.zeros_like(),
                })
                .collect();
        }
        self.step += 1;
        let c = self.config;
        let correction1 = 1.0 - c.beta1.powi(self.step as i32);
        let correction2 = (1.0 - c.beta2.powi(self.step as i32)).sqrt();
        for ((param, grad), moments) in params.iter_mut().zip(grads).zip(&mut self.moments) {
            let grad = if grad_scale == 1.0 {
                grad.clone()
            } else {
                grad.clone() * grad_scale
            };
            moments.first = moments.first.clone() * c.beta1 + grad.clone() * (1.0 - c.beta1);
            moments.second = moments.second.clone() * c.beta2 + grad.clone() * grad * (1.0 - c.beta2);
            let root = moments.second.clone().sqrt() / correction2 + c.eps;
            let decay = if param.decay { 1.0 - lr * c.weight_decay } else { 1.0 };
            let change = moments.first.clone() / root * (lr / correction1);
            param.value = param.value.clone() * decay - change;
        }
    }
}

/// The Euclidean norm over all gradients together; reads back from the device.
pub fn global_norm(grads: &[Tensor<2>]) -> f64 {
    let squares: Vec<Tensor<1>> = grads.iter().map(|g| (g.clone() * g.clone()).sum()).collect();
    if squares.is_empty() {
        return 0.0;
    }
    let data = Tensor::cat(squares, 0).into_data().convert::<f32>();
    data.iter::<f32>().map(f64::from).sum::<f64>().sqrt()
}

/// The factor that brings a norm down to `limit`, as `torch.nn.utils.clip_grad_norm_`; 1 when `limit` is 0.
pub fn clip_factor(norm: f64, limit: f64) -> f64 {
    if limit > 0.0 {
        (limit / (norm + 1e-6)).min(1.0)
    } else {
        1.0
    }
}
