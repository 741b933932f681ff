//! Which examples are learned in which optimizer step: a seeded plan that is the same on every run and can be taken up
//! at any step. Knows lengths only, no tokens.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::pack_bfd;

/// How examples are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderOptions {
    /// Rows in a micro-batch, at least 1.
    pub batch_size: usize,
    /// Micro-batches in an optimizer step, at least 1.
    pub accumulation: usize,
    /// The longest packed row; `None` gives every example a row of its own.
    pub packing: Option<usize>,
    /// Seed of the order; `None` keeps the order of the data (evaluation).
    pub seed: Option<u64>,
    /// Do rows of like length stand together, so that little padding is computed?
    pub by_length: bool,
}

/// One optimizer step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepPlan {
    /// Number of the optimizer step in the run, from 0.
    pub step: usize,
    /// Epoch that the step belongs to, from 0.
    pub epoch: usize,
    /// Micro-batches of rows of example indices; at most `accumulation` x `batch_size` rows.
    pub micro_batches: Vec<Vec<Vec<usize>>>,
}

/// The order in which a run sees its examples. Rows are made once (packing does not change between epochs), then
/// shuffled anew for every epoch. A short last step keeps what is left, so every example counts once in an epoch.
#[derive(Clone, Debug)]
pub struct Order {
    rows: Vec<Vec<usize>>,
    /// Tokens of each row.
    lengths: Vec<usize>,
    options: OrderOptions,
}

impl Order {
    /// Plans over examples of the given lengths in tokens. Empty examples are left out.
    pub fn new(lengths: &[usize], options: OrderOptions) -> Self {
        let options = OrderOptions {
            batch_size: options.batch_size.max(1),
            accumulation: options.accumulation.max(1),
            ..options
        };
        let rows = match options.packing {
            Some(max_len) => pack_bfd(lengths, max_len),
            None => (0..lengths.len())
                .filter(|index| lengths[*index] > 0)
                .map(|index| vec![index])
                .collect(),
        };
        let length = |row: &Vec<usize>| row.iter().map(|index| lengths[*index]).sum();
        let lengths = rows.iter().map(length).collect();
        Self { rows, lengths, options }
    }

    /// The rows of the largest micro-batch that can come up.
    pub fn longest(&self) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by_key(|row| std::cmp::Reverse(self.lengths[*row]));
        let chosen = order.into_iter().take(self.options.batch_size);
        chosen.map(|row| self.rows[row].clone()).collect()
    }

    /// Number of rows in an epoch: bins when packing, else examples.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Number of optimizer steps in an epoch, a short last one included.
    pub fn steps_per_epoch(&self) -> usize {
        self.rows
            .len()
            .div_ceil(self.options.batch_size)
            .div_ceil(self.options.accumulation)
    }

    /// The optimizer steps of one epoch.
    pub fn epoch(&self, epoch: usize) -> Vec<StepPlan> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        if let Some(seed) = self.options.seed {
            order.shuffle(&mut generator(seed, epoch));
        }
        let mut chunks: Vec<Vec<usize>> = if self.options.by_length {
            self.by_length(order)
        } else {
            order.chunks(self.options.batch_size).map(<[usize]>::to_vec).collect()
        };
        if let (true, Some(seed)) = (self.options.by_length, self.options.seed) {
            // Long and short batches in any order; the short last one stays last, so that every epoch has as many steps.
            let whole = self.rows.len() / self.options.batch_size;
            chunks[..whole].shuffle(&mut generator(seed ^ 1, epoch));
        }
        let rows = |chunk: Vec<usize>| chunk.iter().map(|row| self.rows[*row].clone()).collect();
        let micro_batches: Vec<Vec<Vec<usize>>> = chunks.into_iter().map(rows).collect();
        let first = epoch * self.steps_per_epoch();
        micro_batches
            .chunks(self.options.accumulation)
            .enumerate()
            .map(|(index, group)| StepPlan {
                step: first + index,
                epoch,
                micro_batches: group.to_vec(),
            })
            .collect()
    }

    /// Rows in batches of like length; those of one length stand as they were shuffled.
    fn by_length(&self, mut order: Vec<usize>) -> Vec<Vec<usize>> {
        // What is left over is drawn from all lengths, not the shortest rows every time.
        let whole = order.len() / self.options.batch_size * self.options.batch_size;
        let rest = order.split_off(whole);
        order.sort_by_key(|row| std::cmp::Reverse(self.lengths[*row]));
        let chunks = order.chunks(self.options.batch_size).map(<[usize]>::to_vec);
        chunks.chain((!rest.is_empty()).then_some(rest)).collect()
    }

    /// The endless sequence of optimizer steps from step `cursor` (from 0) on, epoch after epoch; empty without examples.
    pub fn steps_from(&self, cursor: usize) -> Steps<'_> {
        Steps {
            order: self,
            next: cursor,
            epoch: Vec::new(),
        }
    }
}

/// Optimizer steps in order; made by [`Order::steps_from`].
#[derive(Clone, Debug)]
pub struct Steps<'a> {
    order: &'a Order,
    next: usize,
    epoch: Vec<StepPlan>,
}

impl Iterator for Steps<'_> {
    type Item = StepPlan;

    fn next(&mut self) -> Option<StepPlan> {
        let per_epoch = self.order.steps_per_epoch();
        if per_epoch == 0 {
            return None;
        }
        let (epoch, index) = (self.next / per_epoch, self.next % per_epoch);
        if self.epoch.first().is_none_or(|plan| plan.epoch != epoch) {
            self.epoch = self.order.epoch(epoch);
        }
        self.next += 1;
        self.epoch.get(index).cloned()
    }
}

/// A stream of its own for every epoch, so that resuming needs no earlier epochs.
fn generator(seed: u64, epoch: usize) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(epoch as u64);
    generator
}
