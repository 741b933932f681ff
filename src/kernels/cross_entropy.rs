//! Masked next-token cross-entropy, per token. Knows nothing of the shift by one or of the mean over a step.
//!
//! `loss[i] = weights[i] * (logsumexp(logits[i]) - logits[i][targets[i]])`, as `torch.nn.functional.cross_entropy` with
//! `reduction="none"`; backward `d logits[i] = grad[i] * weights[i] * (softmax(logits[i]) - onehot(targets[i]))`. Only the
//! logsumexp of each row is kept for backward, never a softmax.
use super::gpu::{self, WORKGROUP};
use super::shader::{Shader, shader};
use super::{host, math};
use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::ops::IntTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, AutodiffBackend, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{FloatDType, Int, IntDType, Tensor, activation::log_softmax};
use burn_wgpu::{CubeBackend, into_contiguous};
use rayon::prelude::*;

/// Masked cross-entropy on one backend. Call [`masked_cross_entropy`] instead.
#[backend_extension(Autodiff, Cube, Fusion: cfg(feature = "fusion"), Flex)]
pub trait MaskedCrossEntropyOps: Backend {
    /// `logits [n, vocab]`, `targets [n]`, `weights [n]` to `(loss [n], logsumexp [n])`; the latter is not differentiable.
    #[fusion(meta = |_logits, _targets, weights| (weights.clone(), weights.clone()))]
    fn masked_cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradient `[n, vocab]` for the logits from `grad [n]`, the gradient of the loss, and the logsumexp of the forward pass.
    #[fusion(dtype = logits, shape = logits)]
    fn masked_cross_entropy_backward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
        lse: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// Cross-entropy of each row, times its weight.
///
/// Rows of weight 0 have loss 0 and gradient 0 exactly, whatever their logits hold; the gradient reaches the logits only.
/// Computed in `f32`. On a GPU `n * vocab` logits must fit in one buffer binding of the adapter.
///
/// # Shapes
/// - `logits`: `[n, vocab]`
/// - `targets`: `[n]`, each in `0..vocab` (checked by `batch`; on the CPU a wrong one panics)
/// - `weights`: `[n]`
/// - output: `[n]`
pub fn masked_cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>, weights: Tensor<1>) -> Tensor<1> {
    let logits = logits.cast(FloatDType::F32);
    let weights = weights.cast(FloatDType::F32);
    let (loss, _lse) =
        Dispatch::masked_cross_entropy(logits.into_dispatch(), targets.into_dispatch(), weights.into_dispatch());
    Tensor::from_dispatch(loss)
}

/// [`masked_cross_entropy`] in plain tensor operations, for tests and comparison. Same shapes.
pub fn masked_cross_entropy_reference(logits: Tensor<2>, targets: Tensor<1, Int>, weights: Tensor<1>) -> Tensor<1> {
    let [rows, _] = logits.dims();
    // The mask goes in before the softmax: a row of infinities times weight 0 would be NaN.
    let unused = weights.clone().equal_elem(0.0).unsqueeze_dim::<2>(1);
    let shape = logits.shape();
    let logits = logits.mask_fill(unused.expand(shape), 0.0);
    let picked = log_softmax(logits, 1).gather(1, targets.reshape([rows, 1]));
    picked.reshape([rows]) * weights * -1.0
}

impl MaskedCrossEntropyOps for Flex {
    fn masked_cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (logits, weights) = (host::dense(logits), host::dense(weights));
        let targets = host::integers(targets);
        let (rows, vocab) = (logits.layout().shape()[0], logits.layout().shape()[1]);
        let mut loss = vec![0f32; rows];
        let mut lse = vec![0f32; rows];
        let inputs = (
            logits.storage::<f32>().par_chunks_exact(vocab.max(1)),
            weights.storage::<f32>(),
            &targets,
        );
        (inputs, &mut loss, &mut lse)
            .into_par_iter()
            .with_min_len(4)
            .for_each(|((row, weight, target), loss, lse)| {
                if *weight != 0.0 {
                    *lse = math::wide(
                        #[inline(always)]
                        || math::logsumexp(row),
                    );
                    *loss = weight * (*lse - row[*target as usize]);
                }
            });
        (host::tensor(loss, [rows]), host::tensor(lse, [rows]))
    }

    fn masked_cross_entropy_backward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
        lse: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        // The gradient takes the place of the logits when nobody else holds them (`storage_mut` copies otherwise).
        let mut out = host::dense(logits);
        let vocab = out.layout().shape()[1];
        let (weights, lse, grad) = (host::dense(weights), host::dense(lse), host::dense(grad));
        let targets = host::integers(targets);
        let per_row = (
            weights.storage::<f32>(),
            lse.storage::<f32>(),
            grad.storage::<f32>(),
            &targets,
        );
        out.storage_mut::<f32>()
            .par_chunks_exact_mut(vocab.max(1))
            .zip(per_row)
            .with_min_len(4)
            .for_each(|(row, (weight, lse, grad, target))| {
                let factor = grad * weight;
                if factor == 0.0 {
                    return row.fill(0.0);
                }
                math::wide(
                    #[inline(always)]
                    || row.iter_mut().for_each(|x| *x = factor * math::exp(*x - lse)),
                );
                row[*target as usize] -= factor;
            });
        out
    }
}

fn forward_shader() -> Shader {
    shader!("cross_entropy.wgsl", "workgroup" = WORKGROUP)
}

fn backward_shader() -> Shader {
    shader!("cross_entropy_backward.wgsl", "workgroup" = WORKGROUP)
}

/// The shaders of this operation.
pub(super) fn shaders() -> [Shader; 2] {
    [forward_shader(), backward_shader()]
}

impl MaskedCrossEntropyOps for CubeBackend {
    fn masked_cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (logits, weights) = (into_contiguous(logits), into_contiguous(weights));
        let targets = into_contiguous(Self::int_cast(targets, IntDType::I32));
        let (rows, vocab) = (logits.meta.shape()[0], logits.meta.shape()[1]);
        let loss = gpu::empty(&logits, [rows].into());
        let lse = gpu::empty(&logits, [rows].into());
        let tensors = [&logits, &targets, &weights, &loss, &lse];
        gpu::launch(forward_shader(), rows, &tensors, &[rows, vocab]);
        (loss, lse)
    }

    fn masked_cross_entropy_backward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
        lse: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (logits, weights) = (into_contiguous(logits), into_contiguous(weights));
        let targets = into_contiguous(Self::int_cast(targets, IntDType::I32));
        let (lse, grad) = (into_contiguous(lse), into_contiguous(grad));
        let (rows, vocab) = (logits.meta.shape()[0], logits.meta.shape()[1]);
        let out = gpu::empty(&logits, [rows, vocab].into());
        let tensors = [&logits, &targets, &weights, &lse, &grad, &out];
        gpu::launch(backward_shader(), rows, &tensors, &[rows, vocab]);
        out
    }
}

/// What backward needs: logits, targets, weights, logsumexp.
type Saved<B> = (FloatTensor<B>, IntTensor<B>, FloatTensor<B>, FloatTensor<B>);

#[derive(Debug)]
struct CrossEntropyBackward;

impl<B: MaskedCrossEntropyOps> Backward<B, 1> for CrossEntropyBackward {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (logits, targets, weights, lse) = ops.state;
        if let Some(node) = parent {
            let grad = B::masked_cross_entropy_backward(logits, targets, weights, lse, grad);
            grads.register::<B>(node.id, grad);
        }
    }
}

impl<B: MaskedCrossEntropyOps, C: CheckpointStrategy> MaskedCrossEntropyOps for Autodiff<B, C> {
    fn masked_cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let prep = CrossEntropyBackward.prepare::<C>([logits.node()]);
        let (logits, weights) = (logits.into_primitive(), weights.into_primitive());
        match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (loss, lse) = B::masked_cross_entropy(logits.clone(), targets.clone(), weights.clone());
                let saved = (logits, targets, weights, lse.clone());
                (prep.finish(saved, loss), Self::from_inner(lse))
            }
            OpsKind::UnTracked(prep) => {
                let (loss, lse) = B::masked_cross_entropy(logits, targets, weights);
                (prep.finish(loss), Self::from_inner(lse))
            }
        }
    }

    fn masked_cross_entropy_backward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
        lse: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        // First order only: the gradient is a constant of any outer graph.
        Self::from_inner(B::masked_cross_entropy_backward(
            logits.into_primitive(),
            targets,
            weights.into_primitive(),
            lse.into_primitive(),
            grad.into_primitive(),
        ))
    }
}
