//! Rotary positions. Knows the rotation; knows nothing of how the angles are scaled for long contexts.
//!
//! Half-split layout: `out = x * cos + rotate(x) * sin` with `rotate([a, b]) = [-b, a]` (RoFormer, Su et al. 2021, eq. 34, as
//! transformers' `apply_rotary_pos_emb`). Backward is the transposed rotation: the same angles backwards.
use super::gpu::{self, WORKGROUP};
use super::shader::{Shader, shader};
use super::{crew, host, math};
use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{FloatDType, Tensor};
use burn_wgpu::{CubeBackend, into_contiguous};

/// Rotation by position on one backend. Call [`rope`] instead.
#[backend_extension(Autodiff, Cube, Fusion: cfg(feature = "fusion"), Flex)]
pub trait RopeOps: Backend {
    /// `x [b, heads, s, d]` rotated by the angles of `cos` and `sin` (`[b or 1, 1, s, d]`), or by their transpose.
    #[fusion(dtype = x, shape = x)]
    fn rope(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        transposed: bool,
    ) -> FloatTensor<Self>;
}

/// Rotates the pairs `(i, i + d/2)` of each head by the tabled angles, in `f32`. Angles get no gradient.
///
/// On the CPU the result lies in memory as `[b, s, heads, d]`, whatever the order of `x`, so that a projection's output can be
/// viewed as heads and back without a copy.
///
/// # Shapes
/// - `x` and output: `[b, heads, s, d]`, `d` even
/// - `cos`, `sin`: `[b, 1, s, d]` or `[1, 1, s, d]`
///
/// # Panics
/// If the shapes do not fit.
pub fn rope(x: Tensor<4>, cos: Tensor<4>, sin: Tensor<4>) -> Tensor<4> {
    let [b, _, s, d] = x.dims();
    assert!(d.is_multiple_of(2), "rope: the head size {d} is odd");
    for table in [&cos, &sin] {
        let dims = table.dims();
        assert!(
            dims == [b, 1, s, d] || dims == [1, 1, s, d],
            "rope: angles {dims:?} for {:?}",
            x.dims()
        );
    }
    let out = Dispatch::rope(
        x.cast(FloatDType::F32).into_dispatch(),
        cos.cast(FloatDType::F32).into_dispatch(),
        sin.cast(FloatDType::F32).into_dispatch(),
        false,
    );
    Tensor::from_dispatch(out)
}

/// [`rope`] in plain tensor operations, for tests and comparison. Same shapes.
pub fn rope_reference(x: Tensor<4>, cos: Tensor<4>, sin: Tensor<4>) -> Tensor<4> {
    let half = x.dims()[3] / 2;
    let first = x.clone().narrow(3, 0, half);
    let second = x.clone().narrow(3, half, half);
    x * cos + Tensor::cat(vec![second.neg(), first], 3) * sin
}

/// Rotates one head.
#[inline(always)]
fn rotate(out: &mut [f32], x: &[f32], cos: &[f32], sin: &[f32], transposed: bool) {
    let half = out.len() / 2;
    let (out_a, out_b) = out.split_at_mut(half);
    let (a, b) = x.split_at(half);
    let ((cos_a, cos_b), (sin_a, sin_b)) = (cos.split_at(half), sin.split_at(half));
    // The transpose exchanges the two sines and their signs; with equal halves that is the negative angle.
    let (sign, sin_a, sin_b) = if transposed {
        (-1.0, sin_b, sin_a)
    } else {
        (1.0, sin_a, sin_b)
    };
    for i in 0..half {
        out_a[i] = a[i] * cos_a[i] - sign * b[i] * sin_a[i];
        out_b[i] = b[i] * cos_b[i] + sign * a[i] * sin_b[i];
    }
}

impl RopeOps for Flex {
    fn rope(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        transposed: bool,
    ) -> FloatTensor<Self> {
        let (x, cos, sin) = (host::unit_stride(x), host::dense(cos), host::dense(sin));
        let [_, heads, s, d] = x.layout().shape().dims();
        let shared = cos.layout().shape()[0] == 1;
        let mut out = host::heads_inside(x.layout().shape());
        let source = host::Rows::new(&x);
        let (cos, sin) = (cos.storage::<f32>(), sin.storage::<f32>());
        let width = (heads * d).max(1);
        crew::share_chunks(out.storage_mut::<f32>(), 16 * width, |task, out| {
            for (i, out) in out.chunks_exact_mut(width).enumerate() {
                let token = 16 * task + i;
                let (row, position) = (token / s, token % s);
                let angle = if shared { position } else { token } * d;
                let (cos, sin) = (&cos[angle..angle + d], &sin[angle..angle + d]);
                math::wide(
                    #[inline(always)]
                    || {
                        for (head, out) in out.chunks_exact_mut(d).enumerate() {
                            rotate(out, source.row(row, head, position), cos, sin, transposed);
                        }
                    },
                );
            }
        });
        out
    }
}

fn rope_shader() -> Shader {
    shader!("rope.wgsl", "workgroup" = WORKGROUP)
}

/// The shaders of this operation.
pub(super) fn shaders() -> [Shader; 1] {
    [rope_shader()]
}

impl RopeOps for CubeBackend {
    fn rope(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        transposed: bool,
    ) -> FloatTensor<Self> {
        let (x, cos, sin) = (into_contiguous(x), into_contiguous(cos), into_contiguous(sin));
        let shape = x.meta.shape().clone();
        let [_, heads, s, d] = shape.dims();
        let pairs = shape.num_elements() / 2;
        let out = gpu::empty(&x, shape);
        let shared = usize::from(cos.meta.shape()[0] == 1);
        let sizes = [heads, s, d, shared, usize::from(transposed)];
        gpu::launch_each(rope_shader(), pairs, &[&x, &cos, &sin, &out], &sizes);
        out
    }
}

#[derive(Debug)]
struct RopeBackward;

impl<B: RopeOps> Backward<B, 1> for RopeBackward {
    type State = (FloatTensor<B>, FloatTensor<B>, bool);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (cos, sin, transposed) = ops.state;
        if let Some(node) = parent {
            grads.register::<B>(node.id, B::rope(grad, cos, sin, !transposed));
        }
    }
}

impl<B: RopeOps, C: CheckpointStrategy> RopeOps for Autodiff<B, C> {
    fn rope(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        transposed: bool,
    ) -> FloatTensor<Self> {
        let prep = RopeBackward.prepare::<C>([x.node()]);
        let (x, cos, sin) = (x.into_primitive(), cos.into_primitive(), sin.into_primitive());
        match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let out = B::rope(x, cos.clone(), sin.clone(), transposed);
                prep.finish((cos, sin, transposed), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::rope(x, cos, sin, transposed)),
        }
    }
}
