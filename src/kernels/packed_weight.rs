//! Frozen weights in device memory, in the layout they were stored in. Knows layouts; knows nothing of the layers they belong to.
use super::packed_linear::PackedLinearOps;
use burn::backend::Dispatch;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use half::f16;
use thiserror::Error;

/// How the numbers of a weight lie in its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PackedLayout {
    /// One `f32` per word.
    F32,
    /// Two half-precision numbers per word, the lower half first; the last word is half used where their number is odd.
    F16,
}

impl PackedLayout {
    /// Words that hold `values` numbers.
    pub fn words(self, values: usize) -> usize {
        match self {
            Self::F32 => values,
            Self::F16 => values.div_ceil(2),
        }
    }
}

/// The layout and shape of a weight: what the kernels must know beside its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packing {
    /// How the numbers lie in the words.
    pub layout: PackedLayout,
    /// Rows of the weight: the features it puts out.
    pub outputs: usize,
    /// Columns of the weight: the features it takes in.
    pub inputs: usize,
}

/// A weight whose numbers do not fill its shape.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("A weight of {outputs} x {inputs} needs {expected} numbers, and {found} were given")]
pub struct PackedSizeError {
    /// Rows asked for.
    pub outputs: usize,
    /// Columns asked for.
    pub inputs: usize,
    /// Rows times columns.
    pub expected: usize,
    /// Numbers given.
    pub found: usize,
}

/// A frozen weight `[outputs, inputs]`, row by row in `words`, as [`super::packed_linear`] takes it.
///
/// Cloning shares the device memory.
#[derive(Clone, Debug)]
pub struct PackedWeight {
    packing: Packing,
    /// `u32` words on the device, `[layout.words(outputs * inputs)]`.
    words: Tensor<1, Int>,
    /// What quantised layouts multiply their numbers by; a single 1 in layouts without scales.
    scales: Tensor<1>,
}

impl PackedWeight {
    /// Keeps `values` (row by row, `shape` = `[outputs, inputs]`) as they are.
    pub fn from_f32(values: &[f32], shape: [usize; 2], device: &Device) -> Result<Self, PackedSizeError> {
        let packing = packing(PackedLayout::F32, shape, values.len())?;
        Ok(Self::upload(packing, bytemuck::cast_slice(values).to_vec(), device))
    }

    /// Keeps half-precision `values` (row by row, `shape` = `[outputs, inputs]`) as they are.
    pub fn from_f16(values: &[f16], shape: [usize; 2], device: &Device) -> Result<Self, PackedSizeError> {
        let packing = packing(PackedLayout::F16, shape, values.len())?;
        let word = |pair: &[f16]| {
            let high = pair.get(1).map_or(0, |value| u32::from(value.to_bits()));
            u32::from(pair[0].to_bits()) | high << 16
        };
        Ok(Self::upload(packing, values.chunks(2).map(word).collect(), device))
    }

    fn upload(packing: Packing, words: Vec<u32>, device: &Device) -> Self {
        let count = words.len();
        let words = TensorData::new(words, [count]);
        let words = Tensor::from_data(words, (device, DType::U32));
        let scales = Tensor::ones([1], (device, DType::F32));
        Self { packing, words, scales }
    }

    /// Layout and shape.
    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// `[outputs, inputs]`.
    pub fn shape(&self) -> [usize; 2] {
        [self.packing.outputs, self.packing.inputs]
    }

    /// Bytes of device memory.
    pub fn bytes(&self) -> usize {
        4 * (self.words.dims()[0] + self.scales.dims()[0])
    }

    /// Words and scales, for the kernels.
    pub(super) fn parts(&self) -> (Tensor<1, Int>, Tensor<1>) {
        (self.words.clone(), self.scales.clone())
    }

    /// The weight as an `f32` tensor `[outputs, inputs]`, on the same device.
    pub fn unpack(&self) -> Tensor<2> {
        let (words, scales) = self.parts();
        let values = Dispatch::unpack_weight(words.into_dispatch(), scales.into_dispatch(), self.packing);
        Tensor::from_dispatch(values)
    }
}

fn packing(layout: PackedLayout, shape: [usize; 2], found: usize) -> Result<Packing, PackedSizeError> {
    let [outputs, inputs] = shape;
    let expected = outputs.saturating_mul(inputs);
    if expected == found {
        return Ok(Packing {
            layout,
            outputs,
            inputs,
        });
    }
    Err(PackedSizeError {
        outputs,
        inputs,
        expected,
        found,
    })
}
