//! What a run of the recipe will do, told before it starts: rows, steps, tokens, time, memory. Estimates say so.

use super::State;

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
    /// Seconds by the pace of the last run on this model and device; `None` without one.
    pub seconds: Option<f64>,
}

/// Characters of a token of plain English, about.
const CHARS_PER_TOKEN: f64 = 4.0;

/// Works out the forecast; `None` without data.
pub fn plan(state: &State) -> Option<Plan> {
    let set = state.data.set.as_ref().filter(|s| !s.conversations.is_empty())?;
    let recipe = &state.recipe.recipe;
    let counts = &state.data.counts;
    let per_step = (recipe.batch.size * recipe.batch.accumulation).max(1);
    let per_epoch = counts.train.div_ceil(per_step);
    let by_epochs = (per_epoch as f64 * recipe.optim.epochs).ceil() as usize;
    let steps = if recipe.optim.max_steps > 0 {
        recipe.optim.max_steps
    } else {
        by_epochs
    };
    let share = counts.train as f64 / set.conversations.len() as f64;
    let epochs = steps as f64 / per_epoch.max(1) as f64;
    let tokens = (counts.characters as f64 / CHARS_PER_TOKEN * share * epochs) as u64;
    let pace = state.settings.pace.filter(|pace| *pace > 0.0);
    Some(Plan {
        train_rows: counts.train,
        eval_rows: counts.eval,
        steps,
        tokens,
        seconds: pace.map(|pace| tokens as f64 / pace),
    })
}
