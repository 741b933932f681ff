//! `y = x W^T` for a frozen weight in its packed layout. Knows layouts; knows nothing of the adapters that add to `y`.
//!
//! The gradient goes to `x` alone: `d x = grad W`, from the packed weight again. Keeping the packed weight and never a
//! dequantised copy for backward is what lets a large base fit (QLoRA, Dettmers et al. 2023, section 3). A new layout adds an
//! arm to `unpack` on each backend, not a path.
use super::gpu::{self, WORKGROUP};
use super::host;
use super::packed_weight::{PackedLayout, PackedWeight, Packing};
use super::shader::{Shader, shader};
use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, AutodiffBackend, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{DType, FloatDType, Shape, Slice, Tensor};
use burn_flex::{FlexTensor, Layout};
use burn_wgpu::{CubeBackend, CubeTensor, into_contiguous};
use half::{f16, slice::HalfFloatSliceExt};
use rayon::prelude::*;

/// Numbers unpacked at a time on the CPU: 16 MiB of `f32`.
const BLOCK: usize = 4 << 20;

/// Multiplication by a packed weight on one backend. Call [`packed_linear`] instead.
#[backend_extension(Autodiff, Cube, Fusion: cfg(feature = "fusion"), Flex)]
pub trait PackedLinearOps: Backend {
    /// The weight as `f32`, `[outputs, inputs]`.
    #[fusion(dtype = scales, shape = Shape::from([packing.outputs, packing.inputs]))]
    fn unpack_weight(words: IntTensor<Self>, scales: FloatTensor<Self>, packing: Packing) -> FloatTensor<Self>;

    /// `x [n, inputs]` to `[n, outputs]`.
    #[fusion(dtype = x, shape = Shape::from([x[0], packing.outputs]))]
    fn packed_linear(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        packing: Packing,
    ) -> FloatTensor<Self> {
        let weight = Self::unpack_weight(words, scales, packing);
        Self::float_matmul(x, Self::float_transpose(weight))
    }

    /// Gradient `[n, inputs]` for `x` from `grad [n, outputs]`.
    #[fusion(dtype = grad, shape = Shape::from([grad[0], packing.inputs]))]
    fn packed_linear_backward(
        grad: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        packing: Packing,
    ) -> FloatTensor<Self> {
        Self::float_matmul(grad, Self::unpack_weight(words, scales, packing))
    }
}

/// `x W^T` for a frozen weight.
///
/// Computed in `f32`; the gradient goes to `x` alone.
///
/// # Shapes
/// - `x`: `[n, inputs]`
/// - `weight`: `[outputs, inputs]`
/// - output: `[n, outputs]`
pub fn packed_linear(x: Tensor<2>, weight: &PackedWeight) -> Tensor<2> {
    let (words, scales) = weight.parts();
    let y = Dispatch::packed_linear(
        x.cast(FloatDType::F32).into_dispatch(),
        words.into_dispatch(),
        scales.into_dispatch(),
        weight.packing(),
    );
    Tensor::from_dispatch(y)
}

/// [`packed_linear`] in plain tensor operations on the unpacked weight, for tests and comparison. Same shapes.
pub fn packed_linear_reference(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    x.matmul(weight.transpose())
}

/// Rows `from..to` of a packed weight as an `f32` tensor, without a copy where they are stored as such.
fn unpack_rows(words: &FlexTensor, packing: Packing, from: usize, to: usize) -> FlexTensor {
    let shape = Shape::from([to - from, packing.inputs]);
    let (first, last) = (from * packing.inputs, to * packing.inputs);
    match packing.layout {
        PackedLayout::F32 => {
            let strides = vec![packing.inputs as isize, 1];
            FlexTensor::from_arc(words.data_arc(), Layout::new(shape, strides, first), DType::F32)
        }
        PackedLayout::F16 => {
            let halves: &[f16] = bytemuck::cast_slice(words.storage::<u32>());
            let mut values = vec![0f32; last - first];
            let pieces = halves[first..last].par_chunks(1 << 14);
            values
                .par_chunks_mut(1 << 14)
                .zip(pieces)
                .for_each(|(values, halves)| halves.convert_to_f32_slice(values));
            host::tensor(values, shape)
        }
    }
}

/// Ranges of rows to unpack one at a time: all of them where unpacking costs no memory.
fn row_blocks(packing: Packing) -> Vec<(usize, usize)> {
    let rows = match packing.layout {
        PackedLayout::F32 => packing.outputs,
        PackedLayout::F16 => BLOCK / packing.inputs.max(1),
    };
    let rows = rows.max(1);
    let starts = (0..packing.outputs).step_by(rows);
    starts.map(|from| (from, (from + rows).min(packing.outputs))).collect()
}

impl PackedLinearOps for Flex {
    fn unpack_weight(words: IntTensor<Self>, _scales: FloatTensor<Self>, packing: Packing) -> FloatTensor<Self> {
        unpack_rows(&host::dense(words), packing, 0, packing.outputs)
    }

    fn packed_linear(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        _scales: FloatTensor<Self>,
        packing: Packing,
    ) -> FloatTensor<Self> {
        let words = host::dense(words);
        let part = |(from, to)| {
            // A transposed view: gemm reads the weight in place.
            let weight = Self::float_transpose(unpack_rows(&words, packing, from, to));
            Self::float_matmul(x.clone(), weight)
        };
        let mut parts: Vec<_> = row_blocks(packing).into_iter().map(part).collect();
        if parts.len() == 1 {
            parts.remove(0)
        } else {
            Self::float_cat(parts, 1)
        }
    }

    fn packed_linear_backward(
        grad: FloatTensor<Self>,
        words: IntTensor<Self>,
        _scales: FloatTensor<Self>,
        packing: Packing,
    ) -> FloatTensor<Self> {
        let words = host::dense(words);
        let rows = grad.shape()[0];
        let part = |(from, to)| {
            let columns = [Slice::from(0..rows), Slice::from(from..to)];
            let grad = Self::float_slice(grad.clone(), &columns);
            Self::float_matmul(grad, unpack_rows(&words, packing, from, to))
        };
        let parts = row_blocks(packing).into_iter().map(part);
        let sum = parts.reduce(Self::float_add);
        sum.unwrap_or_else(|| host::tensor(vec![0.0; rows * packing.inputs], [rows, packing.inputs]))
    }
}

fn unpack_f16_shader() -> Shader {
    shader!("unpack_f16.wgsl", "workgroup" = WORKGROUP)
}

/// The shaders of this operation.
pub(super) fn shaders() -> [Shader; 1] {
    [unpack_f16_shader()]
}

impl PackedLinearOps for CubeBackend {
    fn unpack_weight(words: IntTensor<Self>, _scales: FloatTensor<Self>, packing: Packing) -> FloatTensor<Self> {
        let words = into_contiguous(words);
        let shape = Shape::from([packing.outputs, packing.inputs]);
        match packing.layout {
            // The same buffer, read as what it holds.
            PackedLayout::F32 => {
                CubeTensor::new_contiguous(words.client, words.device, shape, words.handle, DType::F32)
            }
            PackedLayout::F16 => {
                let values = packing.outputs * packing.inputs;
                let count = packing.layout.words(values);
                let out = gpu::empty(&words, shape);
                let groups = count.div_ceil(WORKGROUP as usize);
                gpu::launch(unpack_f16_shader(), groups, &[&words, &out], &[count, values]);
                out
            }
        }
    }
}

#[derive(Debug)]
struct PackedLinearBackward;

impl<B: PackedLinearOps> Backward<B, 1> for PackedLinearBackward {
    type State = (IntTensor<B>, FloatTensor<B>, Packing);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (words, scales, packing) = ops.state;
        if let Some(node) = parent {
            let grad = B::packed_linear_backward(grad, words, scales, packing);
            grads.register::<B>(node.id, grad);
        }
    }
}

impl<B: PackedLinearOps, C: CheckpointStrategy> PackedLinearOps for Autodiff<B, C> {
    fn unpack_weight(words: IntTensor<Self>, scales: FloatTensor<Self>, packing: Packing) -> FloatTensor<Self> {
        Self::from_inner(B::unpack_weight(words, scales.into_primitive(), packing))
    }

    fn packed_linear(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        packing: Packing,
    ) -> FloatTensor<Self> {
        let prep = PackedLinearBackward.prepare::<C>([x.node()]);
        let (x, scales) = (x.into_primitive(), scales.into_primitive());
        match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::packed_linear(x, words.clone(), scales.clone(), packing);
                prep.finish((words, scales, packing), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::packed_linear(x, words, scales, packing)),
        }
    }

    fn packed_linear_backward(
        grad: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        packing: Packing,
    ) -> FloatTensor<Self> {
        // First order only: the gradient is a constant of any outer graph.
        let (grad, scales) = (grad.into_primitive(), scales.into_primitive());
        Self::from_inner(B::packed_linear_backward(grad, words, scales, packing))
    }
}
