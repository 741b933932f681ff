//! A linear layer without bias, with the seam for a low-rank delta. Knows nothing of where the delta comes from.

use burn::tensor::{Distribution, Tensor};

use crate::kernels::{PackedWeight, packed_linear};

/// A low-rank change of a linear layer: `scale * B (A x)` (LoRA, Hu et al. 2021, eq. 3).
#[derive(Clone, Debug)]
pub struct LowRank {
    /// A, `[r, in]`.
    pub a: Tensor<2>,
    /// B, `[out, r]`.
    pub b: Tensor<2>,
    /// alpha / r, or alpha / sqrt(r).
    pub scale: f64,
    /// Share of inputs zeroed before A; 0 outside training.
    pub dropout: f64,
}

/// W, `[out, in]`, as checkpoints store it.
#[derive(Clone, Debug)]
pub enum Weight {
    /// Never trained: kept in its packed layout, gradients only pass through.
    Frozen(Box<PackedWeight>),
    /// A plain tensor, which training may replace by a leaf of the autodiff graph.
    Dense(Box<Tensor<2>>),
}

/// `y = x W^T (+ delta)`.
#[derive(Clone, Debug)]
pub struct Linear {
    /// W.
    pub weight: Weight,
    /// What an adapter adds.
    pub delta: Option<LowRank>,
}

impl Linear {
    /// A layer without a delta.
    pub fn new(weight: Weight) -> Self {
        Self { weight, delta: None }
    }

    /// # Shapes
    /// `x`: `[n, in]` -> `[n, out]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let base = match &self.weight {
            Weight::Frozen(packed) => packed_linear(x.clone(), packed),
            Weight::Dense(tensor) => x.clone().matmul(tensor.as_ref().clone().transpose()),
        };
        match &self.delta {
            Some(delta) => base + delta.forward(x),
            None => base,
        }
    }

    /// W as an f32 tensor.
    pub fn matrix(&self) -> Tensor<2> {
        match &self.weight {
            Weight::Frozen(packed) => packed.unpack(),
            Weight::Dense(tensor) => tensor.as_ref().clone(),
        }
    }
}

impl LowRank {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = if self.dropout > 0.0 {
            drop_out(x, self.dropout)
        } else {
            x
        };
        x.matmul(self.a.clone().transpose()).matmul(self.b.clone().transpose()) * self.scale
    }
}

/// Zeroes a share `p` of the values and scales the rest by 1 / (1 - p).
fn drop_out(x: Tensor<2>, p: f64) -> Tensor<2> {
    let keep = Tensor::<2>::random(x.dims(), Distribution::Bernoulli(1.0 - p), &x.device().inner());
    x * (keep / (1.0 - p))
}
