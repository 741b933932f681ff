//! Grouped-query attention with rotary positions. Knows nothing of the block around it.

use burn::tensor::{Tensor, activation::softmax};

/// Rotates pairs `(i, i + d/2)` by the tabled angles (RoFormer, Su et al. 2021, eq. 34, half-split layout).
///
/// # Shapes
/// `x`: `[rows, heads, len, d]`, `cos` and `sin`: `[rows, 1, len, d]`
pub(super) fn rope(x: Tensor<4>, cos: &Tensor<4>, sin: &Tensor<4>) -> Tensor<4> {
    let half = x.dims()[3] / 2;
    let first = x.clone().narrow(3, 0, half);
    let second = x.clone().narrow(3, half, half);
    x * cos.clone() + Tensor::cat(vec![second.neg(), first], 3) * sin.clone()
}

/// `softmax(q k^T / sqrt(d) + mask) v`, each group of query heads sharing one key and value head.
///
/// # Shapes
/// `q`: `[rows, heads, len, d]`, `k` and `v`: `[rows, kv, past + len, d]`, `mask`: `[rows, 1, len, past + len]`
/// -> `[rows, heads, len, d]`
pub(super) fn attend(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, mask: Option<&Tensor<4>>) -> Tensor<4> {
    let [rows, heads, len, d] = q.dims();
    let [_, kv, all, _] = k.dims();
    // Query heads of one group stand side by side in the length axis, so that k and v are never repeated in memory.
    let grouped = q.reshape([rows, kv, heads / kv * len, d]);
    let scores = grouped.matmul(k.swap_dims(2, 3)) * (d as f64).powf(-0.5);
    let scores = scores.reshape([rows, heads, len, all]);
    let scores = match mask {
        Some(mask) => scores + mask.clone(),
        None => scores,
    };
    let weights = softmax(scores, 3).reshape([rows, kv, heads / kv * len, all]);
    weights.matmul(v).reshape([rows, heads, len, d])
}
