//! The two moments of one tensor on a device, and on their way to and from files. Knows their words; knows nothing of steps.
use super::{BLOCK, BLOCK_WORDS};
use burn::tensor::{DType, Device, ExecutionError, Int, Tensor, TensorData};

/// Which of the two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The running mean of the gradient.
    First,
    /// The running mean of its square.
    Second,
}

/// Both moments of a tensor, one byte a value. Cloning shares the device memory.
#[derive(Clone, Debug)]
pub struct EightBitMoments {
    /// See the head of this folder.
    words: Tensor<1, Int>,
    shape: [usize; 2],
}

impl EightBitMoments {
    /// Moments of 0 for a tensor of this shape.
    pub fn zeros(shape: [usize; 2], device: &Device) -> Self {
        let words = blocks(shape) * (2 * BLOCK_WORDS + 2);
        // Devices have no empty buffers.
        Self::from_words(Tensor::zeros([words.max(1)], (device, DType::U32)), shape)
    }

    /// Moments from the codes and magnitudes of the first and of the second.
    ///
    /// # Panics
    /// If their numbers do not fit the shape.
    pub fn from_parts(shape: [usize; 2], codes: [&[u8]; 2], magnitudes: [&[f32]; 2], device: &Device) -> Self {
        let (values, blocks) = (shape[0] * shape[1], blocks(shape));
        let mut words = vec![];
        for codes in codes {
            assert_eq!(codes.len(), values, "one code for each value");
            let mut bytes = codes.to_vec();
            bytes.resize(blocks * BLOCK, 0);
            words.extend(bytemuck::pod_collect_to_vec::<u8, u32>(&bytes));
        }
        for magnitudes in magnitudes {
            assert_eq!(magnitudes.len(), blocks, "one magnitude for each block");
            words.extend(magnitudes.iter().map(|m| m.to_bits()));
        }
        words.resize(words.len().max(1), 0);
        let data = TensorData::new(words.clone(), [words.len()]);
        Self::from_words(Tensor::from_data(data, (device, DType::U32)), shape)
    }

    pub(super) fn from_words(words: Tensor<1, Int>, shape: [usize; 2]) -> Self {
        Self { words, shape }
    }

    pub(super) fn into_words(self) -> Tensor<1, Int> {
        self.words
    }

    /// Shape of the tensor whose moments these are.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Number of blocks of each moment.
    pub fn blocks(&self) -> usize {
        blocks(self.shape)
    }

    /// Bytes of device memory.
    pub fn bytes(&self) -> usize {
        4 * self.words.dims()[0]
    }

    /// The device that holds them.
    pub fn device(&self) -> Device {
        self.words.device()
    }

    /// The codes of a moment in the order of the values, read back from the device.
    ///
    /// # Errors
    /// The device failed.
    pub fn codes(&self, moment: Moment) -> Result<Vec<u8>, ExecutionError> {
        let count = self.blocks() * BLOCK_WORDS;
        let words = self.read(moment as usize * count, count)?;
        let mut bytes = bytemuck::pod_collect_to_vec::<u32, u8>(&words);
        bytes.truncate(self.shape[0] * self.shape[1]);
        Ok(bytes)
    }

    /// The largest magnitude of each block of a moment, read back from the device.
    ///
    /// # Errors
    /// The device failed.
    pub fn magnitudes(&self, moment: Moment) -> Result<Vec<f32>, ExecutionError> {
        let count = self.blocks();
        let words = self.read(2 * count * BLOCK_WORDS + moment as usize * count, count)?;
        Ok(words.into_iter().map(f32::from_bits).collect())
    }

    fn read(&self, from: usize, count: usize) -> Result<Vec<u32>, ExecutionError> {
        if count == 0 {
            return Ok(vec![]);
        }
        let data = self.words.clone().narrow(0, from, count).try_into_data()?;
        Ok(data.iter::<u32>().collect())
    }
}

/// Blocks of a tensor's values.
pub(super) fn blocks([rows, columns]: [usize; 2]) -> usize {
    (rows * columns).div_ceil(BLOCK)
}
