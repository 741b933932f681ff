//! Loss scaling for products in half precision (Micikevicius et al. 2018, "Mixed precision training", section 3.2; constants as PyTorch's
//! `GradScaler` has them). Knows no tensors.

use serde::{Deserialize, Serialize};

/// What the loss is multiplied by at first.
const FIRST: f64 = 65_536.0;
/// The largest factor: single precision holds the loss with room to spare.
const MOST: f64 = 16_777_216.0;
/// Steps without a gradient that overflows, after which the factor is doubled.
const PATIENCE: u32 = 2000;

/// The factor that the loss is multiplied by before the backward pass, so that small gradients do not vanish in half precision.
/// Gradients are divided by it again before anything else is done with them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    /// The factor, a power of two.
    pub factor: f64,
    /// Steps since it was changed.
    pub sound: u32,
}

impl Default for LossScale {
    fn default() -> Self {
        Self {
            factor: FIRST,
            sound: 0,
        }
    }
}

impl LossScale {
    /// A step's gradients were finite.
    pub fn passed(&mut self) {
        self.sound += 1;
        if self.sound >= PATIENCE {
            self.factor = (2.0 * self.factor).min(MOST);
            self.sound = 0;
        }
    }

    /// A step's gradients were not finite: halves the factor, so that the step can be tried again; false when it has come down to 1,
    /// which cannot be the reason.
    pub fn overflowed(&mut self) -> bool {
        self.sound = 0;
        if self.factor <= 1.0 {
            return false;
        }
        self.factor /= 2.0;
        true
    }
}
