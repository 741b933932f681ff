//! What a run of the recipe will do, told before it starts: rows, steps, tokens, time, memory. Estimates say so.

use super::State;
use crate::formats::config::ModelConfig;
use crate::recipe::{MethodKind, Recipe};

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
    pub memory: MemoryParts,
}

/// Bytes at the peak of a run, by what they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryParts {
    /// Frozen weights.
    pub base: u64,
    /// Weights that learn.
    pub trainable: u64,
    pub gradients: u64,
    /// AdamW's two moments.
    pub moments: u64,
    /// What is kept from forward to backward, logits included.
    pub activations: u64,
}

impl MemoryParts {
    /// All parts.
    pub fn total(&self) -> u64 {
        self.base + self.trainable + self.gradients + self.moments + self.activations
    }
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
    let per_step = (recipe.batch.size * recipe.batch.accumulation).max(1);
    let per_epoch = counts.train.div_ceil(per_step);
    let by_epochs = (per_epoch as f64 * recipe.optim.epochs).ceil() as usize;
    let steps = if recipe.optim.max_steps > 0 {
        recipe.optim.max_steps
    } else {
        by_epochs
    };
    let epochs = steps as f64 / per_epoch.max(1) as f64;
    let all_tokens = counts.characters as f64 / CHARS_PER_TOKEN;
    let tokens = (all_tokens * counts.train as f64 / rows * epochs) as u64;
    let pace = state.settings.pace.filter(|pace| *pace > 0.0);
    let mut plan = Plan {
        train_rows: counts.train,
        eval_rows: counts.eval,
        steps,
        tokens,
        seconds: pace.map(|pace| tokens as f64 / pace),
        trainable: card.parameters,
        memory: MemoryParts {
            base: card.parameters * 4,
            ..MemoryParts::default()
        },
    };
    if let Some(config) = &card.config {
        // Rows are as long as the average row, or as the cut where that is shorter.
        let cut = if recipe.data.max_length > 0 {
            recipe.data.max_length
        } else {
            config.max_position_embeddings
        };
        let length = if recipe.data.packing {
            cut as f64
        } else {
            (all_tokens / rows).min(cut as f64)
        };
        plan.trainable = trainable(recipe, config);
        plan.memory = memory(recipe, config, plan.trainable, length.max(1.0) as u64);
    }
    Some(plan)
}

/// Parameters that the recipe trains.
fn trainable(recipe: &Recipe, config: &ModelConfig) -> u64 {
    if recipe.method.kind == MethodKind::Full {
        return config.parameters();
    }
    let is_target = |name: &str| recipe.method.targets.iter().any(|t| name.contains(&format!(".{t}.")));
    let shapes = config.weight_shapes();
    let adapted = shapes
        .iter()
        .filter(|(name, shape)| shape.len() == 2 && is_target(name));
    adapted
        .map(|(_, shape)| (recipe.method.r * (shape[0] + shape[1])) as u64)
        .sum()
}

/// First estimate, in 32-bit floats: a block keeps about 12 hidden and 4 feed-forward vectors a token and the
/// attention scores for its backward pass; the logits are kept once more as their gradient.
fn memory(recipe: &Recipe, config: &ModelConfig, trainable: u64, length: u64) -> MemoryParts {
    const F32: u64 = 4;
    let full = recipe.method.kind == MethodKind::Full;
    let tokens = recipe.batch.size as u64 * length;
    let vectors = 12 * config.hidden_size as u64 + 4 * config.intermediate_size as u64;
    let scores = 2 * config.num_attention_heads as u64 * length;
    let blocks = config.num_hidden_layers as u64 * (vectors + scores);
    let blocks = if recipe.batch.checkpointing { blocks / 3 } else { blocks };
    MemoryParts {
        base: if full { 0 } else { config.parameters() * F32 },
        trainable: trainable * F32,
        gradients: trainable * F32,
        moments: 2 * trainable * F32,
        activations: tokens * (blocks + 2 * config.vocab_size as u64) * F32,
    }
}
