//! Norms of the residual stream and of heads. Knows nothing of where in a block they stand.

use burn::tensor::Tensor;

use crate::formats::config::NormKind;
use crate::kernels::rms_norm;

/// A norm with its weights.
#[derive(Clone, Debug)]
pub struct Norm {
    /// Factor of each column, `[width]`.
    pub weight: Tensor<1>,
    /// Added to each column, `[width]`, in layer norms.
    pub bias: Option<Tensor<1>>,
    /// Which one.
    pub kind: NormKind,
    /// Keeps the root away from zero.
    pub eps: f64,
}

impl Norm {
    /// # Shapes
    /// `x`: `[n, width]` -> the same
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let weight = self.weight.clone();
        match self.kind {
            NormKind::Rms => rms_norm(x, weight, self.eps),
            NormKind::RmsPlusOne => rms_norm(x, weight + 1.0, self.eps),
            NormKind::Layer => {
                // (x - mean) / sqrt(variance + eps) * weight + bias (Ba et al. 2016, eq. 4)
                let centred = x.clone() - x.mean_dim(1);
                let variance = (centred.clone() * centred.clone()).mean_dim(1);
                let y = centred / (variance + self.eps).sqrt() * weight.unsqueeze();
                match &self.bias {
                    Some(bias) => y + bias.clone().unsqueeze(),
                    None => y,
                }
            }
        }
    }

    /// Normalises every head by itself.
    ///
    /// # Shapes
    /// `x`: `[n, heads * width]` -> the same
    pub fn per_head(&self, x: Tensor<2>) -> Tensor<2> {
        let [n, all] = x.dims();
        let width = self.weight.dims()[0];
        self.forward(x.reshape([n * (all / width), width])).reshape([n, all])
    }
}
