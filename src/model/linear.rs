//! A linear layer, with the seam for a low-rank delta. Knows nothing of where the delta comes from.

use burn::tensor::{Distribution, Int, Tensor};

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

/// W, `[out, in]`, as most checkpoints store it.
#[derive(Clone, Debug)]
pub enum Weight {
    /// Never trained: kept in its packed layout, gradients only pass through.
    Frozen(Box<PackedWeight>),
    /// A plain tensor, which training may replace by a leaf of the autodiff graph.
    Dense(Box<Tensor<2>>),
}

impl Weight {
    /// `x W^T`.
    ///
    /// # Shapes
    /// `x`: `[n, in]` -> `[n, out]`
    pub fn apply(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Frozen(packed) => packed_linear(x, packed),
            Self::Dense(tensor) => x.matmul(tensor.as_ref().clone().transpose()),
        }
    }

    /// Some rows of W, as an embedding is looked up.
    ///
    /// # Shapes
    /// `ids`: `[n]` -> `[n, in]`
    pub fn rows(&self, ids: Tensor<1, Int>) -> Tensor<2> {
        match self {
            Self::Frozen(packed) => packed.rows(ids),
            Self::Dense(tensor) => tensor.as_ref().clone().select(0, ids),
        }
    }

    /// Its layout in memory, and bytes.
    pub fn stored(&self) -> (&'static str, u64) {
        match self {
            Self::Frozen(packed) => (packed.packing().layout.name(), packed.bytes() as u64),
            Self::Dense(tensor) => ("F32", 4 * tensor.dims().iter().product::<usize>() as u64),
        }
    }

    /// W as an f32 tensor.
    pub fn matrix(&self) -> Tensor<2> {
        match self {
            Self::Frozen(packed) => packed.unpack(),
            Self::Dense(tensor) => tensor.as_ref().clone(),
        }
    }
}

impl From<Tensor<2>> for Weight {
    fn from(tensor: Tensor<2>) -> Self {
        Self::Dense(Box::new(tensor))
    }
}

/// `y = x W^T (+ bias) (+ delta)`.
#[derive(Clone, Debug)]
pub struct Linear {
    /// W.
    pub weight: Weight,
    /// Added to every row, `[out]`.
    pub bias: Option<Tensor<1>>,
    /// What an adapter adds.
    pub delta: Option<LowRank>,
    /// Do checkpoints of this model store W as `[in, out]`?
    pub transposed: bool,
}

impl Linear {
    /// # Shapes
    /// `x`: `[n, in]` -> `[n, out]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let mut y = self.weight.apply(x.clone());
        if let Some(bias) = &self.bias {
            y = y + bias.clone().unsqueeze();
        }
        match &self.delta {
            Some(delta) => y + delta.forward(x),
            None => y,
        }
    }

    /// W as an f32 tensor, `[out, in]`.
    pub fn matrix(&self) -> Tensor<2> {
        self.weight.matrix()
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
