//! Activations of feed-forward layers. Knows nothing of the linear layers around them.

use burn::tensor::Tensor;
use burn::tensor::activation::{gelu, relu, silu};

use crate::formats::config::Activation;
use crate::kernels::swiglu;

/// `activation(gate) * up` (Shazeer 2020, "GLU variants improve transformer").
///
/// # Shapes
/// `gate`, `up`: `[n, inner]` -> the same
pub(super) fn gated(activation: Activation, gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    match activation {
        Activation::Silu => swiglu(gate, up),
        other => activate(other, gate) * up,
    }
}

/// The activation of each number.
pub(super) fn activate(activation: Activation, x: Tensor<2>) -> Tensor<2> {
    match activation {
        Activation::Silu => silu(x),
        Activation::Gelu => gelu(x),
        Activation::GeluTanh => gelu_tanh(x),
        Activation::Relu => relu(x),
    }
}

/// `x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))` (Hendrycks and Gimpel 2016). The cube is a product: a power of a
/// negative number is not defined in shaders.
fn gelu_tanh(x: Tensor<2>) -> Tensor<2> {
    let cube = x.clone() * x.clone() * x.clone();
    let inner = (x.clone() + cube * 0.044715) * (2.0 / std::f64::consts::PI).sqrt();
    x * 0.5 * (inner.tanh() + 1.0)
}
