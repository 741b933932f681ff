//! Attention on the GPU: the backend's matrix products around two shaders that know which keys each query sees, for so many rows and heads
//! at a time as scores may take. Knows nothing of gradients' bookkeeping.
use crate::kernels::gpu::{self, WORKGROUP};
use crate::kernels::shader::{Shader, shader};
use burn::backend::ops::{FloatTensorOps, IntTensorOps};
use burn::tensor::{DType, IntDType, Shape, Slice};
use burn_wgpu::{CubeBackend, CubeTensor, into_contiguous};

/// Operands, with shapes as in [`super::causal_attention`].
pub(super) struct Inputs {
    q: CubeTensor,
    k: CubeTensor,
    v: CubeTensor,
    starts: CubeTensor,
}

impl Inputs {
    pub(super) fn new(q: CubeTensor, k: CubeTensor, v: CubeTensor, starts: CubeTensor) -> Self {
        Self { q, k, v, starts }
    }

    /// The middle of the rows, or of the key heads of one row, where the scores of all would take more than `at_once` bytes.
    fn cut(&self, at_once: usize) -> Option<Cut> {
        let [rows, heads, queries, _] = self.q.meta.shape().dims();
        let [_, kv, keys, _] = self.k.meta.shape().dims();
        let scores = rows * heads * queries * keys * DType::F32.size();
        let (dim, whole) = if rows > 1 { (0, rows) } else { (1, kv) };
        (scores > at_once && whole > 1).then_some(Cut { dim, whole })
    }

    fn side(&self, cut: &Cut, side: usize) -> Self {
        Self {
            q: cut.side(&self.q, side),
            k: cut.side(&self.k, side),
            v: cut.side(&self.v, side),
            starts: match cut.dim {
                0 => CubeBackend::int_slice(self.starts.clone(), &cut.slices(&self.starts, side)),
                // All heads of a row see the same keys.
                _ => self.starts.clone(),
            },
        }
    }
}

/// Where tensors are cut in two: the dimension, and how many rows or key heads it holds.
struct Cut {
    dim: usize,
    whole: usize,
}

impl Cut {
    /// Side 0 or 1 of a tensor whose dimension holds rows, or a multiple of the key heads.
    fn side(&self, x: &CubeTensor, side: usize) -> CubeTensor {
        CubeBackend::float_slice(x.clone(), &self.slices(x, side))
    }

    fn slices(&self, x: &CubeTensor, side: usize) -> Vec<Slice> {
        let shape = x.meta.shape();
        let (end, each) = (shape[self.dim], shape[self.dim] / self.whole);
        let middle = each * (self.whole / 2);
        let mut slices: Vec<Slice> = (0..shape.num_dims()).map(|dim| Slice::from(0..shape[dim])).collect();
        slices[self.dim] = Slice::from([0..middle, middle..end][side].clone());
        slices
    }

    fn together(&self, first: CubeTensor, second: CubeTensor) -> CubeTensor {
        CubeBackend::float_cat(vec![first, second], self.dim)
    }
}

/// Operands of one piece, with the query heads of a group side by side, `[b, kv, heads / kv * s, d]`, so that k and v serve all of them.
struct Piece {
    q: CubeTensor,
    k: CubeTensor,
    v: CubeTensor,
    starts: CubeTensor,
    rows: usize,
    heads: usize,
    queries: usize,
}

impl Piece {
    fn new(inputs: Inputs) -> Self {
        let [rows, heads, queries, _] = inputs.q.meta.shape().dims();
        Self {
            q: grouped(inputs.q, &inputs.k),
            k: inputs.k,
            v: inputs.v,
            starts: into_contiguous(CubeBackend::int_cast(inputs.starts, IntDType::I32)),
            rows,
            heads,
            queries,
        }
    }

    fn width(&self) -> usize {
        self.k.meta.shape()[3]
    }

    /// `q k^T`, `[b, kv, heads / kv * s, keys]`.
    fn scores(&self) -> CubeTensor {
        let k = CubeBackend::float_swap_dims(self.k.clone(), 2, 3);
        into_contiguous(CubeBackend::float_matmul(self.q.clone(), k))
    }

    /// Rows of scores, and the sizes that the shaders read.
    fn sizes(&self) -> [usize; 5] {
        let scale = (self.width() as f64).powf(-0.5) as f32;
        [
            self.rows * self.heads * self.queries,
            self.heads,
            self.queries,
            self.k.meta.shape()[2],
            scale.to_bits() as usize,
        ]
    }

    /// Back to one head beside the other, `[b, heads, s, d]`.
    fn apart(&self, x: CubeTensor) -> CubeTensor {
        let shape = Shape::from([self.rows, self.heads, self.queries, self.width()]);
        CubeBackend::float_reshape(x, shape)
    }
}

/// `[b, heads, s, d]` as `[b, kv, heads / kv * s, d]`.
fn grouped(x: CubeTensor, k: &CubeTensor) -> CubeTensor {
    let [rows, heads, queries, width] = x.meta.shape().dims();
    let kv = k.meta.shape()[1];
    let shape = Shape::from([rows, kv, heads / kv * queries, width]);
    CubeBackend::float_reshape(into_contiguous(x), shape)
}

fn softmax_shader() -> Shader {
    shader!("attention_softmax.wgsl", "workgroup" = WORKGROUP)
}

fn softmax_backward_shader() -> Shader {
    shader!("attention_softmax_backward.wgsl", "workgroup" = WORKGROUP)
}

/// The shaders of this operation.
pub(crate) fn shaders() -> [Shader; 2] {
    [softmax_shader(), softmax_backward_shader()]
}

/// Attention and the logsumexp of each query; shapes as in [`super::AttentionOps::causal_attention`].
pub(super) fn forward(inputs: Inputs, at_once: usize) -> (CubeTensor, CubeTensor) {
    let Some(cut) = inputs.cut(at_once) else {
        return forward_piece(&Piece::new(inputs));
    };
    let [first, second] = [0, 1].map(|side| forward(inputs.side(&cut, side), at_once));
    (cut.together(first.0, second.0), cut.together(first.1, second.1))
}

fn forward_piece(piece: &Piece) -> (CubeTensor, CubeTensor) {
    let scores = piece.scores();
    let sizes = piece.sizes();
    let lse = gpu::empty(&scores, Shape::from([piece.rows, piece.heads, piece.queries]));
    gpu::launch(softmax_shader(), sizes[0], &[&scores, &piece.starts, &lse], &sizes);
    let weights = scores;
    let out = CubeBackend::float_matmul(weights, piece.v.clone());
    (piece.apart(out), lse)
}

/// Gradients for q, k and v; shapes as in [`super::AttentionOps::causal_attention_backward`].
pub(super) fn backward(inputs: Inputs, lse: CubeTensor, grad: CubeTensor, at_once: usize) -> [CubeTensor; 3] {
    let Some(cut) = inputs.cut(at_once) else {
        return backward_piece(&Piece::new(inputs), lse, grad);
    };
    let [first, second] = [0, 1].map(|side| {
        let (lse, grad) = (cut.side(&lse, side), cut.side(&grad, side));
        backward(inputs.side(&cut, side), lse, grad, at_once)
    });
    let ([q, k, v], [more_q, more_k, more_v]) = (first, second);
    [(q, more_q), (k, more_k), (v, more_v)].map(|(first, second)| cut.together(first, second))
}

fn backward_piece(piece: &Piece, lse: CubeTensor, grad: CubeTensor) -> [CubeTensor; 3] {
    let transposed = |x: CubeTensor| CubeBackend::float_swap_dims(x, 2, 3);
    let grad = grouped(grad, &piece.k);
    let scores = piece.scores();
    let dweights = into_contiguous(CubeBackend::float_matmul(grad.clone(), transposed(piece.v.clone())));
    let sizes = piece.sizes();
    let tensors = [&scores, &piece.starts, &into_contiguous(lse), &dweights];
    gpu::launch(softmax_backward_shader(), sizes[0], &tensors, &sizes);
    let (weights, dscores) = (scores, dweights);
    let dv = CubeBackend::float_matmul(transposed(weights), grad);
    let dk = CubeBackend::float_matmul(transposed(dscores.clone()), piece.q.clone());
    let dq = CubeBackend::float_matmul(dscores, piece.k.clone());
    [piece.apart(dq), dk, dv]
}
