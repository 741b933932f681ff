//! Adafactor (Shazeer and Stern 2018, algorithm 4) with a learning rate from outside: no relative steps, no scaling by the parameter,
//! no first moment, as transformers' `Adafactor(scale_parameter=False, relative_step=False)`. Knows one tensor.

use burn::tensor::Tensor;

use super::{Param, Read, Rule, TrainError, Update};
use crate::train::params::Layout;

/// Keeps squares away from zero.
const EPS: f64 = 1e-30;
/// Largest root mean square of a step before the learning rate.
const CLIP: f64 = 1.0;
/// The second moment remembers `1 - step^DECAY` of its past.
const DECAY: f64 = -0.8;

/// The mean squared gradient of one parameter.
#[derive(Debug)]
pub(super) enum Adafactor {
    /// Of a matrix: means of its rows `[rows, 1]` and of its columns `[1, columns]`.
    Factored { rows: Tensor<2>, columns: Tensor<2> },
    /// Of a vector, each number by itself.
    Whole(Tensor<2>),
}

impl Adafactor {
    pub fn new(param: &Param) -> Self {
        if param.layout == Layout::Vector {
            return Self::Whole(param.value.zeros_like());
        }
        let [rows, columns] = param.value.dims();
        let device = param.value.device();
        Self::Factored {
            rows: Tensor::zeros([rows, 1], &device),
            columns: Tensor::zeros([1, columns], &device),
        }
    }

    /// Takes the squares in; gives one over the root of the estimated second moment.
    fn inverse_root(&mut self, squares: Tensor<2>, kept: f64) -> Tensor<2> {
        match self {
            Self::Factored { rows, columns } => {
                *rows = rows.clone() * kept + squares.clone().mean_dim(1) * (1.0 - kept);
                *columns = columns.clone() * kept + squares.mean_dim(0) * (1.0 - kept);
                let along = (rows.clone() / rows.clone().mean_dim(0)).sqrt().recip();
                along * columns.clone().sqrt().recip()
            }
            Self::Whole(second) => {
                *second = second.clone() * kept + squares * (1.0 - kept);
                second.clone().sqrt().recip()
            }
        }
    }
}

impl Rule for Adafactor {
    fn update(&mut self, param: &mut Param, grad: Tensor<2>, update: &Update<'_>) {
        let kept = 1.0 - (update.step as f64).powf(DECAY);
        let squares = grad.clone() * grad.clone() + EPS;
        let change = self.inverse_root(squares, kept) * grad;
        let mean_square = (change.clone() * change.clone()).mean_dim(1).mean_dim(0);
        let limit = (mean_square.sqrt() / CLIP).clamp_min(1.0);
        param.value = param.value.clone() * update.decay(param) - change / limit * update.lr;
    }

    fn state(&self) -> Vec<(&'static str, Tensor<2>)> {
        match self {
            Self::Factored { rows, columns } => {
                vec![("exp_avg_sq_row", rows.clone()), ("exp_avg_sq_col", columns.clone())]
            }
            Self::Whole(second) => vec![("exp_avg_sq", second.clone())],
        }
    }

    fn restore(&mut self, read: &mut Read<'_>) -> Result<(), TrainError> {
        match self {
            Self::Factored { rows, columns } => {
                *rows = read("exp_avg_sq_row", rows.dims())?;
                *columns = read("exp_avg_sq_col", columns.dims())?;
            }
            Self::Whole(second) => *second = read("exp_avg_sq", second.dims())?,
        }
        Ok(())
    }
}
