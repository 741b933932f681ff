//! A first estimate of the memory that a run needs, by arithmetic alone. Knows no device.

use super::{MethodKind, ModelShape, Recipe, trainable};

/// Bytes of a number in training.
const F32: u64 = 4;
/// Kernels, small buffers and the allocator's unused ends.
const FIXED_WORKSPACE: u64 = 40 << 20;

/// What a run computes at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Rows in a micro-batch.
    pub rows: usize,
    /// Tokens in the longest row.
    pub len: usize,
}

/// Bytes that a run needs, by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The base model's weights.
    pub base: u64,
    /// Weights beside the base that are trained.
    pub adapter: u64,
    /// One gradient for every trained weight.
    pub gradients: u64,
    /// AdamW's two moments of every trained weight.
    pub moments: u64,
    /// What the forward pass keeps for the backward pass.
    pub activations: u64,
    /// Logits with their gradient, the backward pass of one block, kernels.
    pub workspace: u64,
}

impl Memory {
    /// All parts together.
    pub fn total(&self) -> u64 {
        self.base + self.adapter + self.gradients + self.moments + self.activations + self.workspace
    }
}

/// Estimates the memory of a run. Full training needs 16 bytes for each parameter (weight, gradient, two moments) before
/// any activations; LoRA needs them for the adapter only. `load` is the largest micro-batch; a recipe's own bound is
/// `batch.size` rows of `data.max_length`.
pub fn memory(recipe: &Recipe, shape: &ModelShape, load: Load) -> Memory {
    let trained = trainable(recipe, shape) * F32;
    let full = recipe.method.kind == MethodKind::Full;
    let weight = if recipe.model.dtype == "f16" && !full { 2 } else { F32 };
    let tokens = (load.rows * load.len) as u64;
    let block = kept_by_block(shape, load, recipe) * F32;
    let layers = shape.layers as u64;
    let stream = tokens * shape.hidden as u64 * F32;
    let activations = if recipe.batch.checkpointing {
        stream * layers
    } else {
        block * layers
    } + 3 * stream;
    let logits = 2 * tokens * shape.vocab as u64 * F32;
    Memory {
        base: shape.parameters * weight,
        adapter: if full { 0 } else { trained },
        gradients: trained,
        moments: 2 * trained,
        activations,
        workspace: logits + block + FIXED_WORKSPACE,
    }
}

/// Numbers that one block keeps for its backward pass: inputs of norms and linears, the rotated heads and what attention
/// puts out (its weights are computed anew), the feed-forward's gate, up and product, and the adapters' low-rank results.
fn kept_by_block(shape: &ModelShape, load: Load, recipe: &Recipe) -> u64 {
    let tokens = (load.rows * load.len) as u64;
    let (hidden, q, kv) = (shape.hidden as u64, shape.q as u64, shape.kv as u64);
    let low_rank = match recipe.method.kind {
        MethodKind::Lora => (shape.targeted(&recipe.method.targets).count() * recipe.method.r) as u64,
        _ => 0,
    };
    tokens * (4 * hidden + 2 * q + 2 * kv + shape.inner as u64 + low_rank)
}
