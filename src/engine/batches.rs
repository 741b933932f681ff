//! The micro-batches of every step of a run, and of its evaluations. Knows examples of ids, not where they come from.

use crate::batch::{Example, Order, OrderOptions, Packed, StepPlan, collate};
use crate::recipe::{Recipe, RowOrder};

/// The training data in the run's order.
pub struct Batches<'a> {
    order: Order,
    examples: &'a [Example],
    pad: u32,
    unpacked: bool,
    /// The plan of the epoch that the last step belonged to: planning an epoch touches every row.
    epoch: Vec<StepPlan>,
}

impl<'a> Batches<'a> {
    /// Orders and, where the recipe says so, packs the examples. `unpacked` keeps the steps of the packed order, but takes their examples
    /// one by one.
    pub fn new(recipe: &Recipe, examples: &'a [Example], pad: u32, unpacked: bool) -> Self {
        let order = Order::new(&lengths(examples), options(recipe, Some(recipe.data.seed)));
        Self {
            order,
            examples,
            pad,
            unpacked,
            epoch: vec![],
        }
    }

    /// Rows in one pass over the data, packed ones counted once.
    pub fn rows(&self) -> usize {
        self.order.rows()
    }

    /// The largest micro-batch that can come up: as many of the longest rows as stand in one.
    pub fn largest(&self) -> Option<Packed> {
        let rows = if self.unpacked {
            let longest = (0..self.examples.len()).max_by_key(|index| self.examples[*index].ids.len());
            longest.map(|index| vec![vec![index]]).unwrap_or_default()
        } else {
            self.order.longest()
        };
        (!rows.is_empty()).then(|| collate(self.examples, &rows, self.pad))
    }

    /// Optimizer steps in one pass over the data.
    pub fn steps_per_epoch(&self) -> usize {
        self.order.steps_per_epoch()
    }

    /// The micro-batches of a step, from 0; the same for the same step, always.
    pub fn at(&mut self, step: usize) -> Vec<Packed> {
        let per_epoch = self.steps_per_epoch().max(1);
        let epoch = step / per_epoch;
        if self.epoch.first().is_none_or(|plan| plan.epoch != epoch) {
            self.epoch = self.order.epoch(epoch);
        }
        let Some(plan) = self.epoch.get(step % per_epoch) else {
            return vec![];
        };
        micro_batches(plan, self.unpacked)
            .iter()
            .map(|rows| collate(self.examples, rows, self.pad))
            .collect()
    }
}

/// The rows of each micro-batch of a step.
fn micro_batches(plan: &StepPlan, unpacked: bool) -> Vec<Vec<Vec<usize>>> {
    if !unpacked {
        return plan.micro_batches.clone();
    }
    let examples = plan.micro_batches.iter().flatten().flatten();
    examples.map(|index| vec![vec![*index]]).collect()
}

/// The held-out rows, as many as the recipe allows, in the order of the data.
pub fn eval_batches(recipe: &Recipe, eval: &[Example], pad: u32, unpacked: bool) -> Vec<Packed> {
    let eval = &eval[..eval.len().min(recipe.eval.rows)];
    let order = Order::new(&lengths(eval), options(recipe, None));
    order
        .epoch(0)
        .iter()
        .flat_map(|step| micro_batches(step, unpacked))
        .map(|rows| collate(eval, &rows, pad))
        .collect()
}

fn lengths(examples: &[Example]) -> Vec<usize> {
    examples.iter().map(|e| e.ids.len()).collect()
}

/// How the examples of a run are grouped.
pub fn options(recipe: &Recipe, seed: Option<u64>) -> OrderOptions {
    OrderOptions {
        batch_size: recipe.batch.size,
        accumulation: recipe.batch.accumulation,
        packing: recipe.data.packing.then_some(recipe.data.max_length),
        seed,
        by_length: recipe.batch.order == RowOrder::Length,
    }
}
