//! What stands in front of the first token of every row: learned embeddings (prompt tuning, Lester et al. 2021) or learned keys and
//! values in every block (prefix tuning, Li and Liang 2021). Knows nothing of how they are learned.

use burn::tensor::Tensor;

use crate::formats::config::ModelConfig;

/// Virtual tokens in front of every row. Real tokens stand at the positions behind them.
#[derive(Clone, Debug)]
pub enum Front {
    /// Rows of the residual stream before the first block, `[virtual, hidden]`.
    Embeddings(Tensor<2>),
    /// Keys and values of all blocks, `[virtual, blocks * 2 * kv_heads * head_dim]`: of each block the keys, then the values. They are
    /// used as they are, not turned by any position.
    KeysValues(Tensor<2>),
}

impl Front {
    /// Number of virtual tokens.
    pub fn tokens(&self) -> usize {
        let (Self::Embeddings(rows) | Self::KeysValues(rows)) = self;
        rows.dims()[0]
    }

    /// Tokens that are computed with the real ones; keys and values need not be.
    pub fn embedded(&self) -> usize {
        match self {
            Self::Embeddings(_) => self.tokens(),
            Self::KeysValues(_) => 0,
        }
    }

    /// Keys and values of a block, `[rows, kv_heads, virtual, head_dim]` each; `None` where there are embeddings instead.
    pub(super) fn keys_values(&self, block: usize, rows: usize, config: &ModelConfig) -> Option<[Tensor<4>; 2]> {
        let Self::KeysValues(all) = self else { return None };
        let (heads, d, count) = (config.num_key_value_heads, config.head_dim, self.tokens());
        Some([2 * block, 2 * block + 1].map(|part| {
            let one = all.clone().narrow(1, part * heads * d, heads * d);
            let one = one.reshape([1, count, heads, d]).swap_dims(1, 2);
            one.expand([rows, heads, count, d])
        }))
    }
}

/// Puts the same rows in front of each of `rows` runs of rows.
///
/// # Shapes
/// `front`: `[virtual, hidden]`, `x`: `[rows * len, hidden]` -> `[rows * (virtual + len), hidden]`
pub(super) fn put_in_front(front: &Tensor<2>, x: Tensor<2>, rows: usize) -> Tensor<2> {
    let ([count, hidden], [all, _]) = (front.dims(), x.dims());
    let len = all / rows;
    let front = front.clone().reshape([1, count, hidden]).expand([rows, count, hidden]);
    cat([front, x.reshape([rows, len, hidden])], 1).reshape([rows * (count + len), hidden])
}

/// Takes the first `count` rows out of each of `rows` runs.
///
/// # Shapes
/// `x`: `[rows * (count + len), hidden]` -> `[rows * len, hidden]`
pub(super) fn take_out(x: Tensor<2>, rows: usize, count: usize) -> Tensor<2> {
    let [all, hidden] = x.dims();
    let len = all / rows - count;
    x.reshape([rows, count + len, hidden])
        .narrow(1, count, len)
        .reshape([rows * len, hidden])
}

/// Side by side along `dim`, where only one of both may carry gradients.
pub(super) fn cat<const D: usize>(mut parts: [Tensor<D>; 2], dim: usize) -> Tensor<D> {
    if parts.iter().any(Tensor::is_autodiff) {
        parts = parts.map(Tensor::autodiff);
    }
    Tensor::cat(parts.into(), dim)
}
