//! A small network after a sublayer (Houlsby et al. 2019, "Parameter-efficient transfer learning for NLP", figure 2). Knows nothing of
//! which sublayer.

use burn::tensor::Tensor;
use burn::tensor::activation::gelu;

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
    /// # Shapes
    /// `y`: `[n, hidden]` -> the same
    pub fn forward(&self, y: Tensor<2>) -> Tensor<2> {
        let inner = gelu(y.clone().matmul(self.down.clone().transpose()) + self.down_bias.clone());
        y + inner.matmul(self.up.clone().transpose()) + self.up_bias.clone()
    }
}
