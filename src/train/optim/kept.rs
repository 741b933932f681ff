//! What an optimizer remembers under one name, for checkpoints. Knows no rule.

use burn::tensor::Tensor;

use crate::formats::weights::{HostTensor, StoreType};
use crate::kernels::{EightBitMoments, Moment};
use crate::model::{ModelError, to_host};

/// A part of an optimizer's memory. It stays on its device until it is written.
#[derive(Clone, Debug)]
pub enum Kept {
    /// Numbers in single precision.
    Numbers(Tensor<2>),
    /// The codes of a moment, one byte a value.
    Codes(EightBitMoments, Moment),
    /// The largest magnitude of each block of codes.
    Magnitudes(EightBitMoments, Moment),
}

impl Kept {
    /// Its shape in a file.
    pub fn shape(&self) -> [usize; 2] {
        match self {
            Self::Numbers(tensor) => tensor.dims(),
            Self::Codes(moments, _) => moments.shape(),
            Self::Magnitudes(moments, _) => [1, moments.blocks()],
        }
    }

    /// How it is stored without loss.
    pub fn store(&self) -> StoreType {
        match self {
            Self::Numbers(_) | Self::Magnitudes(..) => StoreType::F32,
            Self::Codes(..) => StoreType::U8,
        }
    }

    /// Reads it back from the device; codes as whole numbers.
    ///
    /// # Errors
    /// The device failed.
    pub fn to_host(&self) -> Result<HostTensor, ModelError> {
        let failed = |e| ModelError::Device(format!("{e:?}"));
        let values = match self {
            Self::Numbers(tensor) => return to_host(tensor),
            Self::Codes(moments, which) => {
                let codes = moments.codes(*which).map_err(failed)?;
                codes.into_iter().map(f32::from).collect()
            }
            Self::Magnitudes(moments, which) => moments.magnitudes(*which).map_err(failed)?,
        };
        Ok(HostTensor {
            shape: self.shape().to_vec(),
            values,
        })
    }
}
