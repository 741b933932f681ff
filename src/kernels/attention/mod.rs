//! Causal attention inside segments, query heads sharing key and value heads in groups. Knows nothing of positions or caches.
//!
//! `out = softmax(q k^T / sqrt(d)) v` over the keys that a query sees (Vaswani et al. 2017, eq. 1; grouped heads: Ainslie et al.
//! 2023). Keys and values are never repeated, masks never stored. Forward keeps the logsumexp of each query and backward computes the
//! weights `w` again from it: `dv = w^T grad`, `dw = grad v^T`, `ds = w (dw - sum(w dw))`, `dq = ds k`, `dk = ds^T q`
//! (FlashAttention, Dao et al. 2022, appendix B).
mod cpu;
mod gpu;

use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, AutodiffBackend, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{FloatDType, Int, Shape, Tensor, activation::softmax};
use burn_wgpu::CubeBackend;

pub(super) use gpu::shaders;

/// Bytes of scores that a GPU holds at a time, where one head of keys takes no more.
pub const SCORES_AT_ONCE: usize = 64 << 20;

/// Attention on one backend. Call [`causal_attention`] instead.
#[backend_extension(Autodiff, Cube, Fusion: cfg(feature = "fusion"), Flex)]
pub trait AttentionOps: Backend {
    /// `(out [b, heads, s, d], logsumexp [b, heads, s])`; the latter is not differentiable. A GPU computes `at_once` bytes of scores at a time.
    #[fusion(meta = |q, _k, _v, _starts, _at_once| {
        let mut lse = q.clone();
        lse.shape = Shape::from([q.shape[0], q.shape[1], q.shape[2]]);
        (q.clone(), lse)
    })]
    fn causal_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        starts: IntTensor<Self>,
        at_once: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients for q, k and v from `grad [b, heads, s, d]` and the logsumexp of the forward pass.
    #[fusion(meta = |q, k, v, _starts, _lse, _grad, _at_once| (q.clone(), k.clone(), v.clone()))]
    fn causal_attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        starts: IntTensor<Self>,
        lse: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        at_once: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// Attention of each query to the keys from its start to its own, in `f32`.
///
/// With `past = keys - s` (what a cache holds), query `i` of row `b` sees the keys `starts[b, i] ..= past + i`; a start is clamped
/// to that range, so that every query sees at least its own key. [`segment_starts`] makes the starts of packed rows; zeros are
/// plain causal attention.
///
/// On the CPU the result lies in memory as `[b, s, heads, d]`: swapping dimensions 1 and 2 and flattening copies nothing.
///
/// # Shapes
/// - `q` and output: `[b, heads, s, d]`
/// - `k`, `v`: `[b, kv, past + s, d]`, `heads` a multiple of `kv`
/// - `starts`: `[b, s]`
///
/// # Panics
/// If the shapes do not fit.
pub fn causal_attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, starts: Tensor<2, Int>) -> Tensor<4> {
    causal_attention_in_pieces(q, k, v, starts, SCORES_AT_ONCE)
}

/// [`causal_attention`] whose scores take at most `at_once` bytes at a time on a GPU, for so many rows and key heads as that holds, and one
/// head of keys at least. The backward pass holds twice as much. The CPU, which never holds them, has no use for it.
///
/// # Panics
/// If the shapes do not fit.
pub fn causal_attention_in_pieces(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    starts: Tensor<2, Int>,
    at_once: usize,
) -> Tensor<4> {
    check(&q, &k, &v, &starts);
    let (out, _lse) = Dispatch::causal_attention(
        q.cast(FloatDType::F32).into_dispatch(),
        k.cast(FloatDType::F32).into_dispatch(),
        v.cast(FloatDType::F32).into_dispatch(),
        starts.into_dispatch(),
        at_once,
    );
    Tensor::from_dispatch(out)
}

fn check(q: &Tensor<4>, k: &Tensor<4>, v: &Tensor<4>, starts: &Tensor<2, Int>) {
    let [b, heads, s, d] = q.dims();
    let [rows, kv, keys, width] = k.dims();
    assert!(
        k.dims() == v.dims() && rows == b && width == d && keys >= s && starts.dims() == [b, s],
        "causal_attention: q {:?}, k {:?}, v {:?} and starts {:?} do not fit",
        q.dims(),
        k.dims(),
        v.dims(),
        starts.dims()
    );
    assert!(
        heads.is_multiple_of(kv),
        "causal_attention: {heads} heads cannot share {kv} key and value heads"
    );
}

/// The first key that each token of packed rows sees: the first token of its run of equal segment numbers.
///
/// `segments` holds rows of `len` numbers; the result is as long. Padding (segment 0) sees itself only.
pub fn segment_starts(segments: &[u32], len: usize) -> Vec<i32> {
    let mut starts = Vec::with_capacity(segments.len());
    for row in segments.chunks(len.max(1)) {
        let mut start = 0;
        for (i, segment) in row.iter().enumerate() {
            if i > 0 && (row[i - 1] != *segment || *segment == 0) {
                start = i;
            }
            starts.push(start as i32);
        }
    }
    starts
}

/// [`causal_attention`] in plain tensor operations, for tests and comparison. Same shapes.
pub fn causal_attention_reference(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, starts: Tensor<2, Int>) -> Tensor<4> {
    let [b, heads, s, d] = q.dims();
    let [_, kv, keys, _] = k.dims();
    let device = starts.device();
    let key = Tensor::<1, Int>::arange(0..keys as i64, &device).reshape([1, 1, keys]);
    let own = Tensor::<1, Int>::arange((keys - s) as i64..keys as i64, &device).reshape([1, s, 1]);
    let starts = starts.reshape([b, s, 1]).min_pair(own.clone().expand([b, s, 1]));
    let shape = [b, s, keys];
    let early = key.clone().expand(shape).lower(starts.expand(shape));
    let late = key.expand(shape).greater(own.expand(shape));
    let hidden = early.bool_or(late).unsqueeze_dim::<4>(1).expand([b, heads, s, keys]);
    let repeated = |x: Tensor<4>| {
        let shape = [b, kv, heads / kv, keys, d];
        x.unsqueeze_dim::<5>(2).expand(shape).reshape([b, heads, keys, d])
    };
    let scores = q.matmul(repeated(k).swap_dims(2, 3)) / (d as f64).sqrt();
    softmax(scores.mask_fill(hidden, f32::NEG_INFINITY), 3).matmul(repeated(v))
}

impl AttentionOps for Flex {
    fn causal_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        starts: IntTensor<Self>,
        _at_once: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        cpu::forward(&cpu::Inputs::new(q, k, v, starts))
    }

    fn causal_attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        starts: IntTensor<Self>,
        lse: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        _at_once: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        cpu::backward(&cpu::Inputs::new(q, k, v, starts), lse, grad)
    }
}

impl AttentionOps for CubeBackend {
    fn causal_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        starts: IntTensor<Self>,
        at_once: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        gpu::forward(gpu::Inputs::new(q, k, v, starts), at_once)
    }

    fn causal_attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        starts: IntTensor<Self>,
        lse: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        at_once: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let [dq, dk, dv] = gpu::backward(gpu::Inputs::new(q, k, v, starts), lse, grad, at_once);
        (dq, dk, dv)
    }
}

#[derive(Debug)]
struct AttentionBackward;

/// What backward needs: q, k, v and the logsumexp; the starts; bytes of scores at a time.
type Saved<B> = ([FloatTensor<B>; 4], IntTensor<B>, usize);

impl<B: AttentionOps> Backward<B, 3> for AttentionBackward {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let ([q, k, v, lse], starts, at_once) = ops.state;
        let (dq, dk, dv) = B::causal_attention_backward(q, k, v, starts, lse, grad, at_once);
        for (parent, grad) in ops.parents.into_iter().zip([dq, dk, dv]) {
            if let Some(node) = parent {
                grads.register::<B>(node.id, grad);
            }
        }
    }
}

impl<B: AttentionOps, C: CheckpointStrategy> AttentionOps for Autodiff<B, C> {
    fn causal_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        starts: IntTensor<Self>,
        at_once: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let prep = AttentionBackward.prepare::<C>([q.node(), k.node(), v.node()]);
        let (q, k, v) = (q.into_primitive(), k.into_primitive(), v.into_primitive());
        match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (out, lse) = B::causal_attention(q.clone(), k.clone(), v.clone(), starts.clone(), at_once);
                let saved = ([q, k, v, lse.clone()], starts, at_once);
                (prep.finish(saved, out), Self::from_inner(lse))
            }
            OpsKind::UnTracked(prep) => {
                let (out, lse) = B::causal_attention(q, k, v, starts, at_once);
                (prep.finish(out), Self::from_inner(lse))
            }
        }
    }

    fn causal_attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        starts: IntTensor<Self>,
        lse: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        at_once: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        // First order only: the gradients are constants of any outer graph.
        let (q, k, v) = (q.into_primitive(), k.into_primitive(), v.into_primitive());
        let (lse, grad) = (lse.into_primitive(), grad.into_primitive());
        let (dq, dk, dv) = B::causal_attention_backward(q, k, v, starts, lse, grad, at_once);
        (Self::from_inner(dq), Self::from_inner(dk), Self::from_inner(dv))
    }
}
