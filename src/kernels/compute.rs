//! Products and values in half precision: what is rounded, and where. Knows types and devices; knows nothing of models and of losses.
//!
//! As PyTorch's autocast does it: both factors of a product are rounded to the type, sums are gathered in single precision, the
//! result is rounded once more and goes on as `f32`. What the backward pass needs of the factors is kept in the smaller type.
use super::gpu;
use super::host;
use super::shader::{Shader, shader};
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Device, FloatDType, Tensor};
use burn_flex::FlexTensor;
use burn_wgpu::{CubeBackend, into_contiguous};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

/// The type that products of linear layers are computed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compute {
    /// Single precision.
    #[default]
    F32,
    /// Half precision: eleven bits, up to 65,504. Small gradients vanish in it unless the loss is scaled.
    F16,
    /// The upper half of single precision: eight bits, with its range.
    Bf16,
}

impl Compute {
    /// What its users call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }

    /// The type of a tensor's numbers; every other type is computed in single precision.
    pub(super) fn of(dtype: DType) -> Self {
        match dtype {
            DType::F16 => Self::F16,
            DType::BF16 => Self::Bf16,
            _ => Self::F32,
        }
    }

    /// The backends' name for it.
    pub(super) fn dtype(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::F16 => FloatDType::F16,
            Self::Bf16 => FloatDType::BF16,
        }
    }

    /// Can the device compute in it? WGSL has no `bf16`, and not every adapter has `f16`.
    pub fn works_on(self, device: &Device) -> bool {
        self == Self::F32 || device.clone().inner().supports_dtype(DType::from(self.dtype()))
    }

    /// Rounds numbers to the nearest of the type, ties to even.
    pub(super) fn round(self, values: &mut [f32]) {
        match self {
            Self::F32 => {}
            Self::F16 => {
                let mut halves = [f16::ZERO; 64];
                for values in values.chunks_mut(halves.len()) {
                    let halves = &mut halves[..values.len()];
                    halves.convert_from_f32_slice(values);
                    halves.convert_to_f32_slice(values);
                }
            }
            Self::Bf16 => {
                for value in values {
                    *value = bf16::from_f32(*value).to_f32();
                }
            }
        }
    }
}

/// The numbers in the given type, which the products that follow are then computed in. Gradients flow, rounded too.
///
/// # Shapes
/// Any; the output is the same.
pub fn narrowed(x: Tensor<2>, compute: Compute) -> Tensor<2> {
    x.cast(compute.dtype())
}

/// `x W^T` of two plain tensors, in the type that `x` is [`narrowed`] to; gradients go to both.
///
/// # Shapes
/// - `x`: `[n, inputs]`
/// - `weight`: `[outputs, inputs]`
/// - output: `[n, outputs]`, `f32`
pub fn product(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let dtype = Compute::of(x.dtype()).dtype();
    x.matmul(weight.cast(dtype).transpose()).cast(FloatDType::F32)
}

/// Rounding on one backend. Call [`rounded`] instead.
#[backend_extension(Autodiff, Cube, Fusion: cfg(feature = "fusion"), Flex)]
pub trait RoundingOps: Backend {
    /// The nearest numbers that `bf16` has, ties to even, as `f32`.
    #[fusion(dtype = x, shape = x)]
    fn round_to_bf16(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// The nearest numbers that the type has, still as `f32`; no gradient flows.
///
/// # Shapes
/// Any; the output is the same.
pub fn rounded(x: Tensor<2>, to: Compute) -> Tensor<2> {
    match to {
        Compute::F32 => x,
        Compute::F16 => x.detach().cast(FloatDType::F16).cast(FloatDType::F32),
        Compute::Bf16 => Tensor::from_dispatch(Dispatch::round_to_bf16(x.detach().into_dispatch())),
    }
}

/// A tensor of the same values, rounded.
pub(super) fn rounded_on_host(x: FlexTensor, compute: Compute) -> FlexTensor {
    if compute == Compute::F32 {
        return x;
    }
    let mut x = host::dense(x);
    compute.round(x.storage_mut::<f32>());
    x
}

impl RoundingOps for Flex {
    fn round_to_bf16(x: FloatTensor<Self>) -> FloatTensor<Self> {
        rounded_on_host(x, Compute::Bf16)
    }
}

fn shader() -> Shader {
    shader!("round_bf16.wgsl", "workgroup" = gpu::WORKGROUP)
}

/// The shaders of this operation.
pub(super) fn shaders() -> [Shader; 1] {
    [shader()]
}

impl RoundingOps for CubeBackend {
    fn round_to_bf16(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let x = into_contiguous(x);
        let out = gpu::empty(&x, x.meta.shape().clone());
        let count = x.meta.shape().num_elements();
        gpu::launch_each(shader(), count, &[&x, &out], &[]);
        out
    }
}

impl<B: RoundingOps, C: CheckpointStrategy> RoundingOps for Autodiff<B, C> {
    fn round_to_bf16(x: FloatTensor<Self>) -> FloatTensor<Self> {
        // Values are rounded before a graph begins: the result is a constant of any.
        Self::from_inner(B::round_to_bf16(x.into_primitive()))
    }
}
