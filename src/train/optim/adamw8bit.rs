//! AdamW with both moments in eight bits (Dettmers et al. 2022, bitsandbytes' `AdamW8bit`). Knows one tensor; the step itself is a kernel.

use burn::tensor::Tensor;

use super::{Kept, Param, Read, Rule, TrainError, Update};
use crate::formats::weights::StoreType;
use crate::kernels::{AdamStep, EightBitMoments, Moment, adamw8bit};

/// Tensors with fewer values keep moments in single precision: bitsandbytes' `min_8bit_size`.
const SMALLEST: usize = 4096;

/// Does a tensor have enough values for moments of eight bits?
pub(super) fn is_large(param: &Param) -> bool {
    param.value.dims().iter().product::<usize>() >= SMALLEST
}

/// Both moments of one parameter, one byte a value.
#[derive(Debug)]
pub(super) struct AdamW8bit {
    moments: EightBitMoments,
}

impl AdamW8bit {
    pub fn new(param: &Param) -> Self {
        Self {
            moments: EightBitMoments::zeros(param.value.dims(), &param.value.device()),
        }
    }
}

impl Rule for AdamW8bit {
    fn update(&mut self, param: &mut Param, grad: Tensor<2>, update: &Update<'_>) {
        let c = update.config;
        let power = update.step as i32;
        let step = AdamStep {
            beta1: c.beta1 as f32,
            beta2: c.beta2 as f32,
            eps: c.eps as f32,
            rate: (update.lr / (1.0 - c.beta1.powi(power))) as f32,
            correction: (1.0 - c.beta2.powi(power)).sqrt() as f32,
            kept: update.decay(param) as f32,
        };
        let moments = self.moments.clone();
        (param.value, self.moments) = adamw8bit(param.value.clone(), grad, moments, step);
    }

    fn state(&self) -> Vec<(&'static str, Kept)> {
        // Names as bitsandbytes gives them.
        let codes = |moment| Kept::Codes(self.moments.clone(), moment);
        let magnitudes = |moment| Kept::Magnitudes(self.moments.clone(), moment);
        vec![
            ("state1", codes(Moment::First)),
            ("state2", codes(Moment::Second)),
            ("absmax1", magnitudes(Moment::First)),
            ("absmax2", magnitudes(Moment::Second)),
        ]
    }

    fn restore(&mut self, read: &mut Read<'_>) -> Result<(), TrainError> {
        let (shape, device) = (self.moments.shape(), self.moments.device());
        let blocks = [1, self.moments.blocks()];
        let mut codes = |name| -> Result<Vec<u8>, TrainError> {
            let values = read(name, shape, StoreType::U8)?.values;
            Ok(values.into_iter().map(|value| value as u8).collect())
        };
        let codes = [codes("state1")?, codes("state2")?];
        let mut magnitudes = |name| -> Result<Vec<f32>, TrainError> { Ok(read(name, blocks, StoreType::F32)?.values) };
        let magnitudes = [magnitudes("absmax1")?, magnitudes("absmax2")?];
        let codes = [&codes[0][..], &codes[1][..]];
        let magnitudes = [&magnitudes[0][..], &magnitudes[1][..]];
        self.moments = EightBitMoments::from_parts(shape, codes, magnitudes, &device);
        Ok(())
    }
}
