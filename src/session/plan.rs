//! What a run of the recipe will do, told before it starts: rows, steps, tokens, time, memory. Estimates say so.

use super::State;
use crate::recipe::{Load, Memory, ModelShape, memory, steps_of, steps_per_epoch, trainable};

/// The forecast of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Conversations that are learned from.
    pub train_rows: usize,
    /// Conversations held out.
    pub eval_rows: usize,
    /// Optimizer steps; packing makes them fewer.
    pub steps: usize,
    /// Tokens seen in the whole run, about.
    pub tokens: u64,
    /// Seconds by the pace of the last run; `None` without one.
    pub seconds: Option<f64>,
    /// Parameters that learn.
    pub trainable: u64,
    /// Bytes at the peak, by what they hold.
    pub memory: Memory,
}

/// Characters of a token of plain English, about.
const CHARS_PER_TOKEN: f64 = 4.0;

/// Works out the forecast; `None` without a model or data.
pub fn plan(state: &State) -> Option<Plan> {
    let set = state.data.set.as_ref().filter(|s| !s.conversations.is_empty())?;
    let card = state.model.card()?;
    let recipe = &state.recipe.recipe;
    let counts = &state.data.counts;
    let rows = set.conversations.len() as f64;
    let all_tokens = counts.characters as f64 / CHARS_PER_TOKEN;
    let longest = recipe.data.max_length.max(1);
    let mean = (all_tokens / rows).clamp(1.0, longest as f64);
    // Packed rows are nearly full.
    let bins = if recipe.data.packing {
        (counts.train as f64 * mean / longest as f64).ceil() as usize
    } else {
        counts.train
    };
    let steps = steps_of(bins, &recipe.batch, &recipe.optim);
    let epochs = steps as f64 / steps_per_epoch(bins, &recipe.batch).max(1) as f64;
    let tokens = (mean * counts.train as f64 * epochs) as u64;
    let pace = state.settings.pace.filter(|pace| *pace > 0.0);
    let shape = card.config.as_ref().map(ModelShape::from);
    let load = Load::full(recipe.batch.size, longest.min(counts.longest_tokens(CHARS_PER_TOKEN)));
    Some(Plan {
        train_rows: counts.train,
        eval_rows: counts.eval,
        steps,
        tokens,
        seconds: pace.map(|pace| tokens as f64 / pace),
        trainable: shape.as_ref().map_or(card.parameters, |shape| trainable(recipe, shape)),
        memory: shape.map(|shape| memory(recipe, &shape, load)).unwrap_or_default(),
    })
}
