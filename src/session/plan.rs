//! What a run of the recipe will do, told before it starts: rows, steps, tokens, time, memory, and what is probably not meant. Estimates
//! say so.

use super::{DeviceFit, ModelCard, State, audit};
use crate::audit::FindingKind;
use crate::recipe::{
    Lint, LintFacts, Load, Memory, ModelShape, Proposal, lints, memory, proposals, steps_of, steps_per_epoch, trainable,
};

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
    /// Bytes of full fine-tuning by the rule of thumb, 16 for each parameter.
    pub classic: u64,
    /// Bytes that the device has; `None` = unknown.
    pub budget: Option<u64>,
    /// Ways to make it fit; none where it does, or nobody knows.
    pub ways: Vec<Proposal>,
    /// What is probably not meant.
    pub lints: Vec<Lint>,
}

/// Bytes of a parameter in full fine-tuning: weight, gradient and two moments in f32.
const CLASSIC: u64 = 16;

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
    let shape = card.config.as_ref().map(|config| ModelShape {
        stored: kept_as_stored(card),
        ..ModelShape::from(config)
    });
    let len = longest.min(counts.longest_tokens(CHARS_PER_TOKEN));
    let (budget, processor) = (DeviceFit::of(state).memory, DeviceFit::processor(state));
    let facts = LintFacts {
        train_rows: bins,
        eval_rows: counts.eval,
        steps,
        shape: shape.as_ref(),
        learns_to_stop: learns_to_stop(state),
    };
    let ways = match (&shape, budget) {
        (Some(shape), Some(budget)) => proposals(recipe, shape, len, budget, processor),
        _ => Vec::new(),
    };
    Some(Plan {
        train_rows: counts.train,
        eval_rows: counts.eval,
        steps,
        tokens,
        seconds: pace.map(|pace| tokens as f64 / pace),
        trainable: shape.as_ref().map_or(card.parameters, |shape| trainable(recipe, shape)),
        lints: lints(recipe, &facts),
        memory: shape
            .as_ref()
            .map(|shape| memory(recipe, shape, Load::full(recipe.batch.size, len).on(processor)))
            .unwrap_or_default(),
        classic: card.parameters * CLASSIC,
        budget,
        ways,
    })
}

/// Bytes of the weights of a quantised GGUF file, whose blocks stay as they are.
fn kept_as_stored(card: &ModelCard) -> Option<u64> {
    // 16 bits a weight are no blocks.
    let quantised = card.path.ends_with(".gguf") && card.bytes < card.parameters * 2 * 95 / 100;
    quantised.then_some(card.bytes)
}

/// What the audit of the data saw, where there is one of this recipe.
fn learns_to_stop(state: &State) -> Option<bool> {
    let report = audit::fresh(state)?;
    Some(!report.findings.iter().any(|f| f.kind == FindingKind::EndNotLearned))
}
