//! Root-mean-square normalisation of rows. Knows nothing of where in a block it stands.
//!
//! `out = x * r * weight` with `r = 1 / sqrt(mean(x^2) + eps)` (Zhang and Sennrich 2019, eq. 4). Backward, with
//! `g = grad * weight`: `d x = r g - x r^3 mean(g x)` and `d weight = sum over rows of grad * x * r`; `r` is computed again.
use super::gpu::{self, WORKGROUP};
use super::shader::{Shader, shader};
use super::{crew, host, math};
use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{FloatDType, Tensor};
use burn_wgpu::{CubeBackend, into_contiguous};
use rayon::prelude::*;

/// Rows that one task of the weight's gradient sums up; fixed, so that the result does not depend on the number of threads.
const ROWS: usize = 64;

/// RMS normalisation on one backend. Call [`rms_norm`] instead.
#[backend_extension(Autodiff, Cube, Fusion: cfg(feature = "fusion"), Flex)]
pub trait RmsNormOps: Backend {
    /// `x [n, width]` normalised row by row, times `weight [width]`.
    #[fusion(dtype = x, shape = x)]
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f64) -> FloatTensor<Self>;

    /// Gradient `[n, width]` for `x`.
    #[fusion(dtype = x, shape = x)]
    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self>;

    /// Gradient `[width]` for the weight, which is passed for its shape.
    #[fusion(dtype = weight, shape = weight)]
    fn rms_norm_weight_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self>;
}

/// Rows divided by their root mean square, times `weight`, in `f32`.
///
/// # Shapes
/// - `x` and output: `[n, width]`
/// - `weight`: `[width]`
///
/// # Panics
/// If the widths differ.
pub fn rms_norm(x: Tensor<2>, weight: Tensor<1>, eps: f64) -> Tensor<2> {
    assert_eq!(
        x.dims()[1],
        weight.dims()[0],
        "rms_norm: x and weight must be equally wide"
    );
    let x = x.cast(FloatDType::F32).into_dispatch();
    let weight = weight.cast(FloatDType::F32).into_dispatch();
    Tensor::from_dispatch(Dispatch::rms_norm(x, weight, eps))
}

/// [`rms_norm`] in plain tensor operations, for tests and comparison. Same shapes.
pub fn rms_norm_reference(x: Tensor<2>, weight: Tensor<1>, eps: f64) -> Tensor<2> {
    let mean = (x.clone() * x.clone()).mean_dim(1) + eps;
    x * mean.sqrt().recip() * weight.unsqueeze()
}

/// `1 / sqrt(mean(row^2) + eps)`.
#[inline(always)]
fn scale(row: &[f32], eps: f64) -> f32 {
    let squares = math::sum_of(
        row,
        #[inline(always)]
        |x| x * x,
    );
    (squares / row.len() as f64 + eps).sqrt().recip() as f32
}

impl RmsNormOps for Flex {
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f64) -> FloatTensor<Self> {
        let (x, weight) = (host::dense(x), host::dense(weight));
        let mut out = host::zeros(x.layout().shape().clone());
        let weight = weight.storage::<f32>();
        let width = weight.len().max(1);
        let x = x.storage::<f32>();
        let chunk = 16 * width;
        crew::share_chunks(out.storage_mut::<f32>(), chunk, |task, out| {
            let x = x[task * chunk..].chunks_exact(width);
            for (out, x) in out.chunks_exact_mut(width).zip(x) {
                math::wide(
                    #[inline(always)]
                    || {
                        let r = scale(x, eps);
                        for ((out, x), w) in out.iter_mut().zip(x).zip(weight) {
                            *out = x * r * w;
                        }
                    },
                );
            }
        });
        out
    }

    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        let (x, weight, mut grad) = (host::dense(x), host::dense(weight), host::dense(grad));
        let weight = weight.storage::<f32>();
        let width = weight.len().max(1);
        let rows = x.storage::<f32>().par_chunks_exact(width);
        // In place where nobody else holds the incoming gradient (`storage_mut` copies otherwise).
        grad.storage_mut::<f32>()
            .par_chunks_exact_mut(width)
            .zip(rows)
            .with_min_len(16)
            .for_each(|(grad, x)| {
                math::wide(
                    #[inline(always)]
                    || {
                        let r = scale(x, eps);
                        for (g, w) in grad.iter_mut().zip(weight) {
                            *g *= w;
                        }
                        let back = math::dot(grad, x) / x.len() as f64 * f64::from(r).powi(3);
                        let back = back as f32;
                        for (g, x) in grad.iter_mut().zip(x) {
                            *g = *g * r - x * back;
                        }
                    },
                );
            });
        grad
    }

    fn rms_norm_weight_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        let (x, grad) = (host::dense(x), host::dense(grad));
        let [width] = weight.layout().shape().dims();
        let block = (width * ROWS).max(1);
        let blocks = x
            .storage::<f32>()
            .par_chunks(block)
            .zip(grad.storage::<f32>().par_chunks(block));
        let sums: Vec<Vec<f32>> = blocks
            .map(|(x, grad)| {
                let mut sum = vec![0f32; width];
                for (x, grad) in x.chunks_exact(width).zip(grad.chunks_exact(width)) {
                    math::wide(
                        #[inline(always)]
                        || {
                            let r = scale(x, eps);
                            for ((sum, x), grad) in sum.iter_mut().zip(x).zip(grad) {
                                *sum += grad * x * r;
                            }
                        },
                    );
                }
                sum
            })
            .collect();
        let mut total = vec![0f64; width];
        for sum in &sums {
            total.iter_mut().zip(sum).for_each(|(t, s)| *t += f64::from(*s));
        }
        host::tensor(total.into_iter().map(|t| t as f32).collect(), [width])
    }
}

fn forward_shader() -> Shader {
    shader!("rms_norm.wgsl", "workgroup" = WORKGROUP)
}

fn backward_shader() -> Shader {
    shader!("rms_norm_backward.wgsl", "workgroup" = WORKGROUP)
}

/// The shaders of this operation.
pub(super) fn shaders() -> [Shader; 2] {
    [forward_shader(), backward_shader()]
}

/// `eps` as the word that the shaders turn back into a number.
fn bits(eps: f64) -> usize {
    (eps as f32).to_bits() as usize
}

/// Gradients of `x` and, row by row, of the weight.
fn backward_on_gpu(
    x: FloatTensor<CubeBackend>,
    weight: FloatTensor<CubeBackend>,
    grad: FloatTensor<CubeBackend>,
    eps: f64,
) -> [FloatTensor<CubeBackend>; 2] {
    let (x, weight, grad) = (into_contiguous(x), into_contiguous(weight), into_contiguous(grad));
    let shape = x.meta.shape().clone();
    let [rows, width] = shape.dims();
    let dx = gpu::empty(&x, shape.clone());
    let dweight = gpu::empty(&x, shape);
    let tensors = [&x, &weight, &grad, &dx, &dweight];
    gpu::launch(backward_shader(), rows, &tensors, &[rows, width, bits(eps)]);
    [dx, dweight]
}

impl RmsNormOps for CubeBackend {
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f64) -> FloatTensor<Self> {
        let (x, weight) = (into_contiguous(x), into_contiguous(weight));
        let shape = x.meta.shape().clone();
        let [rows, width] = shape.dims();
        let out = gpu::empty(&x, shape);
        gpu::launch(forward_shader(), rows, &[&x, &weight, &out], &[rows, width, bits(eps)]);
        out
    }

    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        let [dx, _] = backward_on_gpu(x, weight, grad, eps);
        dx
    }

    fn rms_norm_weight_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        let shape = weight.meta.shape().clone();
        let [_, rows] = backward_on_gpu(x, weight, grad, eps);
        Self::float_reshape(Self::float_sum_dim(rows, 0), shape)
    }
}

#[derive(Debug)]
struct RmsNormBackward;

impl<B: RmsNormOps> Backward<B, 2> for RmsNormBackward {
    type State = (FloatTensor<B>, FloatTensor<B>, f64);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x_node, weight_node] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (x, weight, eps) = ops.state;
        if let Some(node) = weight_node {
            let dweight = B::rms_norm_weight_backward(x.clone(), weight.clone(), grad.clone(), eps);
            grads.register::<B>(node.id, dweight);
        }
        if let Some(node) = x_node {
            grads.register::<B>(node.id, B::rms_norm_backward(x, weight, grad, eps));
        }
    }
}

impl<B: RmsNormOps, C: CheckpointStrategy> RmsNormOps for Autodiff<B, C> {
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f64) -> FloatTensor<Self> {
        let prep = RmsNormBackward.prepare::<C>([x.node(), weight.node()]);
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let out = B::rms_norm(x.clone(), weight.clone(), eps);
                prep.finish((x, weight, eps), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::rms_norm(x, weight, eps)),
        }
    }

    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        // First order only: the gradient is a constant of any outer graph.
        let (x, weight, grad) = (x.into_primitive(), weight.into_primitive(), grad.into_primitive());
        Self::from_inner(B::rms_norm_backward(x, weight, grad, eps))
    }

    fn rms_norm_weight_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        let (x, weight, grad) = (x.into_primitive(), weight.into_primitive(), grad.into_primitive());
        Self::from_inner(B::rms_norm_weight_backward(x, weight, grad, eps))
    }
}
