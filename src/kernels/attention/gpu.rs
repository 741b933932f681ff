//! Attention on the GPU: the backend's matrix products around two shaders that know which keys each query sees. Knows nothing of
//! gradients' bookkeeping.
use crate::kernels::gpu::{self, WORKGROUP};
use crate::kernels::shader::{Shader, shader};
use burn::backend::ops::{FloatTensorOps, IntTensorOps};
use burn::tensor::{IntDType, Shape};
use burn_wgpu::{CubeBackend, CubeTensor, into_contiguous};

/// Operands with the query heads of a group side by side, `[b, kv, heads / kv * s, d]`, so that k and v serve all of them.
pub(super) struct Inputs {
    q: CubeTensor,
    k: CubeTensor,
    v: CubeTensor,
    starts: CubeTensor,
    rows: usize,
    heads: usize,
    queries: usize,
}

impl Inputs {
    /// Shapes as in [`super::causal_attention`].
    pub(super) fn new(q: CubeTensor, k: CubeTensor, v: CubeTensor, starts: CubeTensor) -> Self {
        let [rows, heads, queries, _] = q.meta.shape().dims();
        Self {
            q: grouped(q, &k),
            k,
            v,
            starts: into_contiguous(CubeBackend::int_cast(starts, IntDType::I32)),
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
pub(super) fn forward(inputs: Inputs) -> (CubeTensor, CubeTensor) {
    let scores = inputs.scores();
    let sizes = inputs.sizes();
    let weights = gpu::empty(&scores, scores.meta.shape().clone());
    let lse = gpu::empty(&scores, Shape::from([inputs.rows, inputs.heads, inputs.queries]));
    let tensors = [&scores, &inputs.starts, &weights, &lse];
    gpu::launch(softmax_shader(), sizes[0], &tensors, &sizes);
    let out = CubeBackend::float_matmul(weights, inputs.v.clone());
    (inputs.apart(out), lse)
}

/// Gradients for q, k and v; shapes as in [`super::AttentionOps::causal_attention_backward`].
pub(super) fn backward(inputs: Inputs, lse: CubeTensor, grad: CubeTensor) -> (CubeTensor, CubeTensor, CubeTensor) {
    let transposed = |x: CubeTensor| CubeBackend::float_swap_dims(x, 2, 3);
    let grad = grouped(grad, &inputs.k);
    let scores = inputs.scores();
    let dweights = CubeBackend::float_matmul(grad.clone(), transposed(inputs.v.clone()));
    let (lse, dweights) = (into_contiguous(lse), into_contiguous(dweights));
    let sizes = inputs.sizes();
    let weights = gpu::empty(&scores, scores.meta.shape().clone());
    let dscores = gpu::empty(&scores, scores.meta.shape().clone());
    let tensors = [&scores, &inputs.starts, &lse, &dweights, &weights, &dscores];
    gpu::launch(softmax_backward_shader(), sizes[0], &tensors, &sizes);
    let dv = CubeBackend::float_matmul(transposed(weights), grad);
    let dk = CubeBackend::float_matmul(transposed(dscores.clone()), inputs.q.clone());
    let dq = CubeBackend::float_matmul(dscores, inputs.k.clone());
    (inputs.apart(dq), dk, dv)
}
