//! A small network after a sublayer (Houlsby et al. 2019, "Parameter-efficient transfer learning for NLP", figure 2). Knows nothing of
//! which sublayer.

use burn::tensor::activation::gelu;
use burn::tensor::{DType, Tensor};

use crate::kernels::product;

/// `y + up(gelu(down(y)))`, each with a bias.
#[derive(Clone, Debug)]
pub struct Bottleneck {
    /// `[width, hidden]`
    pub down: Tensor<2>,
    /// `[1, width]`
    pub down_bias: Tensor<2>,
    /// `[hidden, width]`
    pub up: Tensor<2>,
    /// `[1, hidden]`
    pub up_bias: Tensor<2>,
}

impl Bottleneck {
    /// Products are computed in the type given; the output is `f32`.
    ///
    /// # Shapes
    /// `y`: `[n, hidden]` -> the same
    pub fn forward(&self, y: Tensor<2>, compute: DType) -> Tensor<2> {
        let inner = product(y.clone().cast(compute), self.down.clone()) + self.down_bias.clone();
        y + product(gelu(inner).cast(compute), self.up.clone()) + self.up_bias.clone()
    }
}
