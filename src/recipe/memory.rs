//! An estimate of the memory that a run needs, by arithmetic alone. Of devices it knows only that a GPU is not the CPU.
//!
//! The parts follow what the engine holds at its peak, the backward pass of the largest micro-batch; the estimate is held against
//! measured peaks (README, "Memory").

use super::{MethodKind, ModelShape, OptimizerKind, Precision, Quant, Recipe, trainable};

/// Bytes of a number in training.
const F32: u64 = 4;
/// The same in half precision.
const HALF: u64 = 2;
/// On the CPU: kernels, small buffers and the allocator's unused ends.
const FIXED_WORKSPACE: u64 = 40 << 20;
/// Bytes of attention scores that a GPU holds at a time; the kernel's own constant, which a test holds it against.
pub const SCORES_AT_ONCE: u64 = 64 << 20;
/// Bytes of a frozen weight in `f32` that a GPU works on at a time; the kernels' own constant, as above.
pub const ROWS_AT_ONCE: u64 = 64 << 20;
/// What a GPU's pages hold beside what lies in them, as a share of it; measured, and half of the last page comes on top.
const UNFILLED: f64 = 0.05;
/// Bytes of logits that are computed at a time; the objective's own constant, which a test holds it against.
pub const LOGITS_AT_ONCE: u64 = 64 << 20;
/// Numbers of a frozen weight that the CPU unpacks at a time.
const UNPACKED: u64 = 4 << 20;
/// Bytes of a weight in NF4: four bits, and a scale of four bytes for 64 of them.
const NF4: f64 = 0.5 + 4.0 / 64.0;
/// The same with scales of one byte, and four bytes for 256 of those.
const NF4_DOUBLE: f64 = 0.5 + 1.0 / 64.0 + 4.0 / (64.0 * 256.0);
/// Bytes of a weight in blocks of 32 eight-bit integers with a scale of two bytes.
const Q8: f64 = 34.0 / 32.0;
/// Bytes of a number that an optimizer keeps in eight bits, in blocks of 256 with a scale of four bytes.
const EIGHT_BITS: f64 = 1.0 + 4.0 / 256.0;

/// What a run computes at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Rows in a micro-batch.
    pub rows: usize,
    /// Tokens in the longest row.
    pub len: usize,
    /// Supervised tokens of the micro-batch; at most all of them.
    pub supervised: usize,
    /// Where it is computed.
    pub processor: Processor,
}

/// Where a run computes, as far as its memory depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Processor {
    /// The processor. Attention scores are never held.
    #[default]
    Cpu,
    /// A GPU. Attention scores are held piece by piece, and memory is set aside in pages that are never quite full.
    Gpu,
}

impl Load {
    /// Every token supervised, on the CPU.
    pub fn full(rows: usize, len: usize) -> Self {
        Self {
            rows,
            len,
            supervised: rows * len,
            processor: Processor::Cpu,
        }
    }

    /// The same, computed elsewhere.
    pub fn on(self, processor: Processor) -> Self {
        Self { processor, ..self }
    }
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
    /// What the optimizer remembers of every trained weight.
    pub moments: u64,
    /// What the forward pass keeps for the backward pass.
    pub activations: u64,
    /// Logits or attention scores with their gradient, what the backward pass of one block needs beside what the forward pass kept, and what
    /// the processor takes: kernels, unfilled pages.
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
    let trained = trainable(recipe, shape);
    let full = recipe.method.kind == MethodKind::Full;
    let tokens = (load.rows * load.len) as u64;
    let block = kept_by_block(shape, load, recipe);
    let layers = shape.layers as u64;
    let stream = tokens * shape.hidden as u64 * F32;
    let kept = match recipe.batch.checkpointing {
        true => stream * (layers + 1),
        false => (block + weights_in_half(recipe, shape)) * layers + stream,
    };
    // Gradients take the places of activations as the backward pass goes on; about half of the smaller is saved.
    let activations = kept.saturating_sub(kept.min(trained * F32) / 2);
    let needed = Memory {
        base: base(recipe, shape),
        adapter: if full { 0 } else { trained * F32 },
        gradients: trained * F32 * gradient_copies(recipe),
        moments: (trained as f64 * moment_bytes(recipe.optim.name)) as u64,
        activations,
        workspace: logits(recipe, shape, load).max(scores(shape, load))
            + block / 2
            + unpacked(recipe, shape, load.processor),
    };
    let taken_by_processor = match load.processor {
        Processor::Cpu => FIXED_WORKSPACE,
        Processor::Gpu => unfilled(recipe, shape, load, needed),
    };
    Memory {
        workspace: needed.workspace + taken_by_processor,
        ..needed
    }
}

/// What stays empty in the pages of a GPU, which are as large as the largest buffer in them. Frozen weights lie outside.
fn unfilled(recipe: &Recipe, shape: &ModelShape, load: Load, needed: Memory) -> u64 {
    let full = recipe.method.kind == MethodKind::Full;
    let weight = largest_linear(shape).max(shape.embedding()) * F32;
    let weight = if full { weight } else { weight.min(ROWS_AT_ONCE) };
    let page = weight.max(logits(recipe, shape, load) / 2).max(scores(shape, load) / 2);
    let in_pages = needed.total() - if full { 0 } else { needed.base };
    (in_pages as f64 * UNFILLED) as u64 + page / 2
}

/// Numbers of the largest linear layer.
fn largest_linear(shape: &ModelShape) -> u64 {
    let numbers = shape.linears.iter().map(|l| (l.inputs * l.outputs) as u64);
    numbers.max().unwrap_or(0)
}

/// Attention scores of a piece, and their gradient; one group of query heads is not divided. The CPU computes them block by block.
fn scores(shape: &ModelShape, load: Load) -> u64 {
    if load.processor == Processor::Cpu {
        return 0;
    }
    let head = (load.len * load.len) as u64 * F32;
    let all = (load.rows * shape.heads) as u64 * head;
    2 * all.min(SCORES_AT_ONCE.max(shape.group as u64 * head))
}

/// New gradients stand beside the sum of those before them, unless they come block by block.
fn gradient_copies(recipe: &Recipe) -> u64 {
    let sums = recipe.batch.accumulation > 1 && !recipe.batch.checkpointing;
    if sums { 2 } else { 1 }
}

/// The base's weights as they are kept on the device.
fn base(recipe: &Recipe, shape: &ModelShape) -> u64 {
    let linear = shape.linear_parameters();
    let others = (shape.parameters - linear) * F32;
    if recipe.method.kind == MethodKind::Full {
        return shape.parameters * F32;
    }
    if let Some(stored) = shape.stored {
        return stored;
    }
    let weight = match (recipe.method.quant, recipe.method.double_quant) {
        (Quant::Nf4, true) => NF4_DOUBLE,
        (Quant::Nf4, false) => NF4,
        (Quant::Q8, _) => Q8,
        (Quant::None, _) if recipe.model.dtype == "f16" => 2.0,
        (Quant::None, _) => F32 as f64,
    };
    (linear as f64 * weight) as u64 + others
}

/// Bytes that an optimizer remembers of each trained weight.
fn moment_bytes(kind: OptimizerKind) -> f64 {
    match kind {
        OptimizerKind::AdamW => 2.0 * F32 as f64,
        OptimizerKind::AdamW8bit => 2.0 * EIGHT_BITS,
        OptimizerKind::Lion | OptimizerKind::Sgd => F32 as f64,
        // A row and a column of each matrix.
        OptimizerKind::Adafactor => 0.0,
    }
}

/// A piece of the logits, their gradient and the copy between; for the KL penalty pieces are smaller, and more of them stand.
fn logits(recipe: &Recipe, shape: &ModelShape, load: Load) -> u64 {
    let all = load.supervised as u64 * shape.vocab as u64 * F32;
    let piece = all.min(LOGITS_AT_ONCE.max(shape.vocab as u64 * F32));
    let stream = (load.rows * load.len * shape.hidden) as u64 * F32;
    match recipe.optim.kl > 0.0 {
        true => 2 * piece + 2 * stream,
        false => 2 * piece,
    }
}

/// Frozen weights that are not in f32 are unpacked in pieces; trained ones have their gradient beside the transposed product.
fn unpacked(recipe: &Recipe, shape: &ModelShape, processor: Processor) -> u64 {
    let largest = largest_linear(shape);
    if recipe.method.kind == MethodKind::Full {
        // Gradients of the embedding come from both of its ends.
        return shape.embedding() * F32;
    }
    let packed = shape.stored.is_some()
        || recipe.method.quant != Quant::None
        || recipe.model.dtype == "f16"
        || recipe.model.compute != Precision::F32;
    let head = if shape.stored.is_some() { shape.embedding() } else { 0 };
    match (packed, processor) {
        (false, _) => 0,
        (true, Processor::Cpu) => largest.min(UNPACKED) * F32,
        (true, Processor::Gpu) => (largest.max(head) * F32).min(ROWS_AT_ONCE),
    }
}

/// Bytes of the trained weights of a block in the type that products are computed in, which the backward pass reads again.
fn weights_in_half(recipe: &Recipe, shape: &ModelShape) -> u64 {
    match (recipe.method.kind, recipe.model.compute) {
        (MethodKind::Full, Precision::F16 | Precision::Bf16) => {
            HALF * shape.linear_parameters() / shape.layers.max(1) as u64
        }
        _ => 0,
    }
}

/// Bytes that one block keeps for its backward pass: inputs of norms and linears, the rotated heads and what attention
/// puts out (its weights are computed anew), the feed-forward's gate, up and product, and the adapters' low-rank results. What linear layers
/// take in is kept in the type that they compute in.
fn kept_by_block(shape: &ModelShape, load: Load, recipe: &Recipe) -> u64 {
    let tokens = (load.rows * load.len) as u64;
    let (hidden, q, kv) = (shape.hidden as u64, shape.q as u64, shape.kv as u64);
    let low_rank = match recipe.method.kind {
        MethodKind::Lora => (shape.targeted(&recipe.method.targets).count() * recipe.method.r) as u64,
        _ => 0,
    };
    let taken_in = 2 * hidden + q + shape.down as u64 + low_rank;
    let between = 2 * hidden + q + 2 * kv + (shape.inner - shape.down) as u64;
    let bytes = match recipe.model.compute {
        Precision::F32 => F32,
        Precision::F16 | Precision::Bf16 => HALF,
    };
    tokens * (between * F32 + taken_in * bytes)
}
