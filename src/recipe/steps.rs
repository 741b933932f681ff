//! How long a run is. Knows numbers of rows, not the rows.

use super::{BatchPart, EvalPart, OptimPart, SavePart};

/// Optimizer steps in an epoch of `rows` rows (bins when packing), a short last step included.
pub fn steps_per_epoch(rows: usize, batch: &BatchPart) -> usize {
    rows.div_ceil(batch.size.max(1)).div_ceil(batch.accumulation.max(1))
}

/// Optimizer steps of a run over `rows` rows (bins when packing): `max_steps`, or epochs x steps per epoch, rounded up.
pub fn steps_of(rows: usize, batch: &BatchPart, optim: &OptimPart) -> usize {
    let per_epoch = steps_per_epoch(rows, batch);
    match optim.max_steps {
        _ if per_epoch == 0 => 0,
        // A hair is taken off so that 0.1 x 30 makes 3 steps, not 4.
        0 => ((per_epoch as f64 * optim.epochs.max(0.0) - 1e-9).ceil() as usize).max(1),
        steps => steps,
    }
}

impl EvalPart {
    /// Steps between evaluations in a run of `steps`: as set, else about ten in the run.
    pub fn interval(&self, steps: usize) -> usize {
        interval(self.every, steps, 10)
    }
}

impl SavePart {
    /// Steps between checkpoints in a run of `steps`: as set, else about five in the run.
    pub fn interval(&self, steps: usize) -> usize {
        interval(self.every, steps, 5)
    }
}

fn interval(every: usize, steps: usize, times: usize) -> usize {
    if every > 0 { every } else { steps.div_ceil(times).max(1) }
}
