//! `y = x W^T` for a frozen weight in its packed layout. Knows layouts; knows nothing of the adapters that add to `y`.
//!
//! The gradient goes to `x` alone: `d x = grad W`, from the packed weight again. Keeping the packed weight and never a
//! dequantised copy for backward is what lets a large base fit (QLoRA, Dettmers et al. 2023, section 3). A new layout adds an
//! arm to `blocks` and to `shaders/blocks.wgsl`, not a path.
mod cpu;
mod gpu;

use super::Compute;
use super::packed_weight::{PackedWeight, Packing, joined};
use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, AutodiffBackend, Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{DType, Shape, Tensor};

pub(super) use gpu::shaders;

/// Multiplication by a packed weight on one backend. Call [`packed_linear`] instead.
#[backend_extension(Autodiff, Cube, Fusion: cfg(feature = "fusion"), Flex)]
pub trait PackedLinearOps: Backend {
    /// The weight as `f32`, `[outputs, inputs]`.
    #[fusion(dtype = scales, shape = Shape::from([packing.outputs, packing.inputs]))]
    fn unpack_weight(words: IntTensor<Self>, scales: FloatTensor<Self>, packing: Packing) -> FloatTensor<Self>;

    /// Rows `ids [n]` as `f32`, `[n, inputs]`, where the first row of this weight is number `first`; zeros for rows that it lacks.
    #[fusion(dtype = scales, shape = Shape::from([ids[0], packing.inputs]))]
    fn packed_rows(
        ids: IntTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        packing: Packing,
        first: usize,
    ) -> FloatTensor<Self>;

    /// `x [n, inputs]` to `[n, outputs]` in `f32`, computed in the type of `x`.
    #[fusion(dtype = scales, shape = Shape::from([x[0], packing.outputs]))]
    fn packed_linear(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        packing: Packing,
    ) -> FloatTensor<Self>;

    /// Gradient `[n, inputs]` for `x`, in its type, from `grad [n, outputs]` in `f32`.
    #[fusion(dtype = DType::from(compute.dtype()), shape = Shape::from([grad[0], packing.inputs]))]
    fn packed_linear_backward(
        grad: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        packing: Packing,
        compute: Compute,
    ) -> FloatTensor<Self>;
}

/// `x W^T` for a frozen weight.
///
/// Computed in the type that `x` is [`super::narrowed`] to; the gradient goes to `x` alone. A few vectors (8) read the packed weight itself
/// and are multiplied in `f32` whatever their type.
///
/// # Shapes
/// - `x`: `[n, inputs]`
/// - `weight`: `[outputs, inputs]`
/// - output: `[n, outputs]`, `f32`
///
/// # Panics
/// If the widths differ.
pub fn packed_linear(x: Tensor<2>, weight: &PackedWeight) -> Tensor<2> {
    let inputs = weight.packing().inputs;
    assert_eq!(x.dims()[1], inputs, "packed_linear: x must be as wide as the weight");
    let x = x.clone().cast(Compute::of(x.dtype()).dtype());
    let part = |part: &super::packed_weight::Part| {
        let y = Dispatch::packed_linear(
            x.clone().into_dispatch(),
            part.words.clone().into_dispatch(),
            weight.scales().into_dispatch(),
            part.packing,
        );
        Tensor::from_dispatch(y)
    };
    joined(weight.parts().iter().map(part).collect(), 1)
}

/// [`packed_linear`] in plain tensor operations on the unpacked weight, for tests and comparison. Same shapes.
pub fn packed_linear_reference(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    x.matmul(weight.transpose())
}

#[derive(Debug)]
struct PackedLinearBackward;

impl<B: PackedLinearOps> Backward<B, 1> for PackedLinearBackward {
    type State = (IntTensor<B>, FloatTensor<B>, Packing, Compute);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (words, scales, packing, compute) = ops.state;
        if let Some(node) = parent {
            let grad = B::packed_linear_backward(grad, words, scales, packing, compute);
            grads.register::<B>(node.id, grad);
        }
    }
}

impl<B: PackedLinearOps, C: CheckpointStrategy> PackedLinearOps for Autodiff<B, C> {
    fn unpack_weight(words: IntTensor<Self>, scales: FloatTensor<Self>, packing: Packing) -> FloatTensor<Self> {
        Self::from_inner(B::unpack_weight(words, scales.into_primitive(), packing))
    }

    fn packed_rows(
        ids: IntTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        packing: Packing,
        first: usize,
    ) -> FloatTensor<Self> {
        Self::from_inner(B::packed_rows(ids, words, scales.into_primitive(), packing, first))
    }

    fn packed_linear(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        packing: Packing,
    ) -> FloatTensor<Self> {
        let prep = PackedLinearBackward.prepare::<C>([x.node()]);
        let (x, scales) = (x.into_primitive(), scales.into_primitive());
        let compute = Compute::of(x.dtype());
        match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::packed_linear(x, words.clone(), scales.clone(), packing);
                prep.finish((words, scales, packing, compute), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::packed_linear(x, words, scales, packing)),
        }
    }

    fn packed_linear_backward(
        grad: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        packing: Packing,
        compute: Compute,
    ) -> FloatTensor<Self> {
        // First order only: the gradient is a constant of any outer graph.
        let (grad, scales) = (grad.into_primitive(), scales.into_primitive());
        Self::from_inner(B::packed_linear_backward(grad, words, scales, packing, compute))
    }
}
