//! A linear layer, with the seams for a low-rank delta and for a bottleneck after it. Knows nothing of where they come from.

use burn::tensor::{Distribution, Int, Tensor};

use super::Bottleneck;
use crate::kernels::{PackedWeight, packed_linear, product};

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
    /// Makes the sum of W and the change a direction with a length of its own.
    pub magnitude: Option<Magnitude>,
}

/// The lengths of the rows of a changed matrix (DoRA, Liu et al. 2024, eq. 5): `m (W + change) / |W + change|`, row by row.
#[derive(Clone, Debug)]
pub struct Magnitude {
    /// m, `[1, out]`.
    pub lengths: Tensor<2>,
    /// Squared lengths of the rows of W alone, `[1, out]`.
    pub squares: Tensor<2>,
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
    /// `x W^T` as `f32`, computed in the type of `x`.
    ///
    /// # Shapes
    /// `x`: `[n, in]` -> `[n, out]`
    pub fn apply(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Frozen(packed) => packed_linear(x, packed),
            Self::Dense(tensor) => product(x, tensor.as_ref().clone()),
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

    /// `[out, in]`.
    pub fn shape(&self) -> [usize; 2] {
        match self {
            Self::Frozen(packed) => packed.shape(),
            Self::Dense(tensor) => tensor.dims(),
        }
    }

    /// Its layout in memory, and bytes.
    pub fn stored(&self) -> (&'static str, u64) {
        match self {
            Self::Frozen(packed) => (packed.packing().layout.name(), packed.bytes() as u64),
            Self::Dense(tensor) => ("F32", 4 * tensor.dims().iter().product::<usize>() as u64),
        }
    }

    /// Squared lengths of the rows of W, `[1, out]`.
    pub fn row_squares(&self) -> Tensor<2> {
        let matrix = self.matrix().inner();
        flipped((matrix.clone() * matrix).sum_dim(1))
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

/// `y = x W^T (+ bias) (+ delta)`, and what a bottleneck makes of it.
#[derive(Clone, Debug)]
pub struct Linear {
    /// W.
    pub weight: Weight,
    /// Added to every row, `[out]`.
    pub bias: Option<Tensor<1>>,
    /// What an adapter adds.
    pub delta: Option<LowRank>,
    /// What an adapter makes of the output.
    pub after: Option<Bottleneck>,
    /// Do checkpoints of this model store W as `[in, out]`?
    pub transposed: bool,
    /// Squared lengths of the rows of W, `[1, out]`, once they were needed.
    pub row_squares: Option<Tensor<2>>,
}

impl Linear {
    /// Computed in the type of `x`; the output is `f32`.
    ///
    /// # Shapes
    /// `x`: `[n, in]` -> `[n, out]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let compute = x.dtype();
        let base = self.weight.apply(x.clone());
        let y = match &self.delta {
            Some(delta) => delta.add_to(base, x, &self.weight),
            None => base,
        };
        let y = match &self.bias {
            Some(bias) => y + bias.clone().unsqueeze(),
            None => y,
        };
        match &self.after {
            Some(after) => after.forward(y, compute),
            None => y,
        }
    }

    /// Squared lengths of the rows of W, `[1, out]`; found at the first call, from one unpacked matrix at a time.
    pub fn squares(&mut self) -> Tensor<2> {
        self.row_squares
            .get_or_insert_with(|| self.weight.row_squares())
            .clone()
    }

    /// W as an f32 tensor, `[out, in]`.
    pub fn matrix(&self) -> Tensor<2> {
        self.weight.matrix()
    }
}

impl LowRank {
    /// The layer's output without bias, given the base's own.
    fn add_to(&self, base: Tensor<2>, x: Tensor<2>, weight: &Weight) -> Tensor<2> {
        let dropped = if self.dropout > 0.0 {
            drop_out(x, self.dropout)
        } else {
            x
        };
        let change = self.change(dropped.clone());
        let Some(magnitude) = &self.magnitude else {
            return base + change;
        };
        let factor = magnitude.lengths.clone() / self.row_lengths(&magnitude.squares, weight);
        if self.dropout > 0.0 {
            // As PEFT has it: what the change of length does to the base sees the dropped inputs too.
            let dropped_base = weight.apply(dropped);
            return base + dropped_base * (factor.clone() - 1.0) + change * factor;
        }
        (base + change) * factor
    }

    fn change(&self, x: Tensor<2>) -> Tensor<2> {
        let compute = x.dtype();
        let inner = product(x, self.a.clone()).cast(compute);
        product(inner, self.b.clone()) * self.scale
    }

    /// Lengths of the rows of `W + scale B A`, `[1, out]`, as constants (DoRA's section 4.3), by
    /// `|w + s c|^2 = |w|^2 + 2 s (w c) + s^2 |c|^2`: W need not be unpacked.
    pub fn row_lengths(&self, squares: &Tensor<2>, weight: &Weight) -> Tensor<2> {
        let (a, b) = (self.a.clone().detach(), self.b.clone().detach());
        let crossed = (weight.apply(a.clone()) * b.clone().transpose()).sum_dim(0);
        let own = (b.clone().matmul(a.clone().matmul(a.transpose())) * b)
            .sum_dim(1)
            .transpose();
        (squares.clone() + crossed * (2.0 * self.scale) + own * (self.scale * self.scale)).sqrt()
    }
}

/// The transpose, as a tensor that lies in memory as it reads where it is a single row or column: burn 0.22's fused operations on a GPU
/// misread the strides of such a view.
fn flipped(matrix: Tensor<2>) -> Tensor<2> {
    let [rows, columns] = matrix.dims();
    match rows == 1 || columns == 1 {
        true => matrix.reshape([columns, rows]),
        false => matrix.transpose(),
    }
}

/// Zeroes a share `p` of the values and scales the rest by 1 / (1 - p).
fn drop_out(x: Tensor<2>, p: f64) -> Tensor<2> {
    let keep = Tensor::<2>::random(x.dims(), Distribution::Bernoulli(1.0 - p), &x.device().inner());
    let dtype = x.dtype();
    x * (keep / (1.0 - p)).cast(dtype)
}
