//! One step of AdamW whose two moments stay in eight bits (Dettmers et al. 2022, "8-bit optimizers via block-wise quantization", as
//! bitsandbytes computes it). Knows one tensor; knows nothing of schedules, clipping or files.
//!
//! In blocks of 256 values each moment is kept as one byte a value, a code of the dynamic map (signed for the mean, unsigned for the
//! mean square), times the block's largest magnitude. A step widens a block, makes the update in `f32` and narrows it again to the
//! nearest codes; no wider copy of a moment leaves the kernel.
//!
//! The words of both moments: the codes of the first, four to a word and 64 words a block, unused ones zero; those of the second; then
//! the magnitudes of the first and of the second, as bits of `f32`.
mod cpu;
mod gpu;
mod moments;
mod reference;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{FloatDType, Tensor};

pub(super) use gpu::shaders;
pub use moments::{EightBitMoments, Moment};
pub use reference::adamw8bit_reference;

/// Values of a block, which share a magnitude.
const BLOCK: usize = 256;
/// Words of a block's codes.
const BLOCK_WORDS: usize = BLOCK / 4;
/// The smallest magnitude of a block whose values are not all taken for 0: below it, devices may round to 0 or not.
const SMALLEST: f32 = f32::MIN_POSITIVE;

/// The constants of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Decay of the mean gradient.
    pub beta1: f32,
    /// Decay of the mean squared gradient.
    pub beta2: f32,
    /// Added to the root of the corrected mean square.
    pub eps: f32,
    /// Learning rate over the correction of the mean, `1 - beta1^step`.
    pub rate: f32,
    /// Root of the correction of the mean square, `sqrt(1 - beta2^step)`.
    pub correction: f32,
    /// What weight decay leaves of the value.
    pub kept: f32,
}

/// AdamW over moments of eight bits on one backend. Call [`adamw8bit`] instead.
#[backend_extension(Cube, Fusion: cfg(feature = "fusion"), Flex)]
pub trait AdamW8bitOps: Backend {
    /// The value after the step, and the new words.
    #[fusion(meta = |value, _grad, words, _step| (value.clone(), words.clone()))]
    fn adamw8bit(
        value: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        words: IntTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, IntTensor<Self>);
}

/// The value after one step, and its moments. Tensors must not track gradients.
///
/// # Shapes
/// - `value`, `grad` and output: the shape of the moments
///
/// # Panics
/// If the shapes differ.
pub fn adamw8bit(
    value: Tensor<2>,
    grad: Tensor<2>,
    moments: EightBitMoments,
    step: AdamStep,
) -> (Tensor<2>, EightBitMoments) {
    let shape = moments.shape();
    assert_eq!(
        value.dims(),
        shape,
        "adamw8bit: value and moments must have the same shape"
    );
    assert_eq!(
        grad.dims(),
        shape,
        "adamw8bit: gradient and moments must have the same shape"
    );
    let value = value.cast(FloatDType::F32).into_dispatch();
    let grad = grad.cast(FloatDType::F32).into_dispatch();
    let (value, words) = Dispatch::adamw8bit(value, grad, moments.into_words().into_dispatch(), step);
    let moments = EightBitMoments::from_words(Tensor::from_dispatch(words), shape);
    (Tensor::from_dispatch(value), moments)
}
