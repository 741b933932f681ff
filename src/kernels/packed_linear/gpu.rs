//! Packed weights on the GPU: few vectors are multiplied by a shader that reads the blocks, many by the backend's matrix product with
//! the unpacked weight. Knows nothing of gradients' bookkeeping.
use super::PackedLinearOps;
use crate::kernels::compute::Compute;
use crate::kernels::gpu::{self, WORKGROUP};
use crate::kernels::packed_weight::{PackedLayout, Packing};
use crate::kernels::shader::{Shader, shader};
use burn::backend::ops::{FloatTensorOps, IntTensorOps};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::tensor::{DType, FloatDType, IntDType, Shape};
use burn_wgpu::{CubeBackend, CubeTensor, into_contiguous};

/// Vectors up to which a product reads the packed weight itself.
const FEW: usize = 8;

/// Number of a layout in `shaders/blocks.wgsl`.
fn number(layout: PackedLayout) -> u32 {
    match layout {
        PackedLayout::F32 => 0,
        PackedLayout::F16 => 1,
        PackedLayout::Bf16 => 2,
        PackedLayout::Q4_0 => 3,
        PackedLayout::Q4_1 => 4,
        PackedLayout::Q5_0 => 5,
        PackedLayout::Q5_1 => 6,
        PackedLayout::Q8_0 => 7,
        PackedLayout::Q2K => 8,
        PackedLayout::Q3K => 9,
        PackedLayout::Q4K => 10,
        PackedLayout::Q5K => 11,
        PackedLayout::Q6K => 12,
        PackedLayout::Nf4 => 13,
        PackedLayout::Nf4Double => 14,
    }
}

fn unpack_shader(layout: PackedLayout) -> Shader {
    shader!(
        "blocks.wgsl" + "unpack.wgsl",
        "workgroup" = WORKGROUP,
        "layout" = number(layout)
    )
}

fn unpack_half_shader(layout: PackedLayout) -> Shader {
    shader!(
        "blocks.wgsl" + "unpack_half.wgsl",
        "workgroup" = WORKGROUP,
        "layout" = number(layout)
    )
}

fn rows_shader(layout: PackedLayout) -> Shader {
    shader!(
        "blocks.wgsl" + "packed_rows.wgsl",
        "workgroup" = WORKGROUP,
        "layout" = number(layout)
    )
}

fn product_shader(layout: PackedLayout, vectors: usize) -> Shader {
    let (layout, vectors) = (number(layout), vectors as u32);
    shader!(
        "blocks.wgsl" + "packed_product.wgsl",
        "workgroup" = WORKGROUP,
        "layout" = layout,
        "vectors" = vectors
    )
}

/// The shaders of this operation.
pub(in crate::kernels) fn shaders() -> Vec<Shader> {
    use PackedLayout::*;
    let layouts = [
        F32, F16, Bf16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K, Nf4, Nf4Double,
    ];
    let all = layouts.map(|layout| {
        [
            unpack_shader(layout),
            unpack_half_shader(layout),
            rows_shader(layout),
            product_shader(layout, FEW),
        ]
    });
    all.into_iter().flatten().collect()
}

/// A tensor without elements, or one of zeros where the weight has none.
fn zeros(like: &CubeTensor, rows: usize, columns: usize) -> CubeTensor {
    CubeBackend::float_zeros(
        Shape::from([rows, columns]),
        &like.device,
        burn::tensor::FloatDType::F32,
    )
}

/// The weight in the type that products are computed in, `[outputs, inputs]`.
fn unpack_for(words: CubeTensor, scales: CubeTensor, packing: Packing, compute: Compute) -> CubeTensor {
    match compute {
        Compute::F32 => CubeBackend::unpack_weight(words, scales, packing),
        Compute::F16 => unpack_half(into_contiguous(words), packing),
        Compute::Bf16 => CubeBackend::float_cast(CubeBackend::unpack_weight(words, scales, packing), compute.dtype()),
    }
}

/// The weight in half precision, without an `f32` copy on the way.
fn unpack_half(words: CubeTensor, packing: Packing) -> CubeTensor {
    let Packing { outputs, inputs, .. } = packing;
    let numbers = outputs * inputs;
    let buffer = words.client.empty(numbers.div_ceil(2) * 4);
    let shape = Shape::from([outputs, inputs]);
    let out = CubeTensor::new_contiguous(words.client.clone(), words.device.clone(), shape, buffer, DType::F16);
    let sizes = [inputs, packing.row_step(), numbers];
    let shader = unpack_half_shader(packing.layout);
    gpu::launch_each(shader, numbers.div_ceil(2), &[&words, &out], &sizes);
    out
}

impl PackedLinearOps for CubeBackend {
    fn unpack_weight(words: IntTensor<Self>, _scales: FloatTensor<Self>, packing: Packing) -> FloatTensor<Self> {
        let words = into_contiguous(words);
        let Packing { outputs, inputs, .. } = packing;
        if outputs * inputs == 0 {
            return zeros(&words, outputs, inputs);
        }
        let shape = Shape::from([outputs, inputs]);
        if packing.layout == PackedLayout::F32 {
            // The same buffer, read as what it holds.
            return CubeTensor::new_contiguous(words.client, words.device, shape, words.handle, DType::F32);
        }
        let out = gpu::empty(&words, shape);
        let sizes = [inputs, packing.row_step()];
        gpu::launch_each(unpack_shader(packing.layout), outputs * inputs, &[&words, &out], &sizes);
        out
    }

    fn packed_rows(
        ids: IntTensor<Self>,
        words: IntTensor<Self>,
        _scales: FloatTensor<Self>,
        packing: Packing,
        first: usize,
    ) -> FloatTensor<Self> {
        let (ids, words) = (
            into_contiguous(Self::int_cast(ids, IntDType::I32)),
            into_contiguous(words),
        );
        let (n, inputs) = (ids.meta.shape()[0], packing.inputs);
        if n * inputs == 0 {
            return zeros(&words, n, inputs);
        }
        let out = gpu::empty(&words, Shape::from([n, inputs]));
        let sizes = [inputs, packing.row_step(), first, packing.outputs];
        gpu::launch_each(rows_shader(packing.layout), n * inputs, &[&words, &ids, &out], &sizes);
        out
    }

    fn packed_linear(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        packing: Packing,
    ) -> FloatTensor<Self> {
        let (n, outputs) = (x.meta.shape()[0], packing.outputs);
        if n * outputs * packing.inputs == 0 {
            return zeros(&x, n, outputs);
        }
        if n > FEW {
            let weight = unpack_for(words, scales, packing, Compute::of(x.dtype));
            let y = Self::float_matmul(x, Self::float_transpose(weight));
            return Self::float_cast(y, FloatDType::F32);
        }
        let x = Self::float_cast(x, FloatDType::F32);
        let (x, words) = (into_contiguous(x), into_contiguous(words));
        let out = gpu::empty(&x, Shape::from([n, outputs]));
        let sizes = [outputs, packing.inputs, packing.row_step()];
        gpu::launch(product_shader(packing.layout, n), outputs, &[&words, &x, &out], &sizes);
        out
    }

    fn packed_linear_backward(
        grad: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        packing: Packing,
        compute: Compute,
    ) -> FloatTensor<Self> {
        let rows = grad.meta.shape()[0];
        if rows * packing.outputs * packing.inputs == 0 {
            return Self::float_cast(zeros(&grad, rows, packing.inputs), compute.dtype());
        }
        let grad = Self::float_cast(grad, compute.dtype());
        Self::float_matmul(grad, unpack_for(words, scales, packing, compute))
    }
}
