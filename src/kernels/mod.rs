//! kernels
use burn::tensor::{Int, Tensor, activation::log_softmax};
pub fn masked_cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>, weights: Tensor<1>) -> Tensor<1> {
    let n = targets.dims()[0];
    let logp = log_softmax(logits, 1).gather(1, targets.reshape([n, 1])).reshape([n]);
    logp.neg() * weights
}
