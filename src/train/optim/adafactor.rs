//! Adafactor (Shazeer and Stern 2018, algorithm 4) with a learning rate from outside: no relative steps, no scaling by the parameter,
//! no first moment, as transformers' `Adafactor(scale_parameter=False, relative_step=False)`. Knows one tensor.

use burn::tensor::Tensor;

use super::{Kept, Param, Read, Rule, TrainError, Update, numbers};
use crate::train::params::Layout;

/// Keeps squares away from zero.
const EPS: f64 = 1e-30;
/// Largest root mean square of a step before the learning rate.
const CLIP: f64 = 1.0;
/// The second moment remembers `1 - step^DECAY` of its past.
const DECAY: f64 = -0.8;

/// The mean squared gradient of one parameter.
#[derive(Debug)]
pub(super) struct Adafactor {
    /// Means of a matrix's rows, `[rows, 1]`; of a vector, each number by itself.
    second: Tensor<2>,
    /// Means of a matrix's columns, `[1, columns]`.
    columns: Option<Tensor<2>>,
}

impl Adafactor {
    pub fn new(param: &Param) -> Self {
        if param.layout == Layout::Vector {
            return Self {
                second: param.value.zeros_like(),
                columns: None,
            };
        }
        let [rows, columns] = param.value.dims();
        let device = param.value.device();
        Self {
            second: Tensor::zeros([rows, 1], &device),
            columns: Some(Tensor::zeros([1, columns], &device)),
        }
    }

    /// Takes the squares in; gives one over the root of the estimated second moment.
    fn inverse_root(&mut self, squares: Tensor<2>, kept: f64) -> Tensor<2> {
        let Some(columns) = &mut self.columns else {
            self.second = self.second.clone() * kept + squares * (1.0 - kept);
            return self.second.clone().sqrt().recip();
        };
        self.second = self.second.clone() * kept + squares.clone().mean_dim(1) * (1.0 - kept);
        *columns = columns.clone() * kept + squares.mean_dim(0) * (1.0 - kept);
        let along = (self.second.clone() / self.second.clone().mean_dim(0)).sqrt().recip();
        along * columns.clone().sqrt().recip()
    }

    /// The name that checkpoints give the rows, or the whole.
    fn name(&self) -> &'static str {
        if self.columns.is_some() {
            "exp_avg_sq_row"
        } else {
            "exp_avg_sq"
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

    fn state(&self) -> Vec<(&'static str, Kept)> {
        let columns = self.columns.iter().map(|columns| ("exp_avg_sq_col", columns));
        let all = std::iter::once((self.name(), &self.second)).chain(columns);
        all.map(|(name, tensor)| (name, Kept::Numbers(tensor.clone())))
            .collect()
    }

    fn restore(&mut self, read: &mut Read<'_>) -> Result<(), TrainError> {
        self.second = numbers(read, self.name(), &self.second)?;
        if let Some(columns) = &mut self.columns {
            *columns = numbers(read, "exp_avg_sq_col", columns)?;
        }
        Ok(())
    }
}
