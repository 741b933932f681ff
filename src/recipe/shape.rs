//! Sizes of a Llama-like model and how many of its parameters a recipe trains. Knows no weights.

use crate::formats::config::ModelConfig;

use super::{MethodKind, Recipe};

/// The linear layers of a decoder block, in the order of the computation.
pub const LINEARS: [&str; 7] = [
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
];

/// What parameter counts and memory depend on. Sizes are in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelShape {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Decoder blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Width of the feed-forward layer.
    pub intermediate: usize,
    /// Ids in the embedding.
    pub vocab: usize,
    /// Is the output head the embedding?
    pub tied: bool,
}

impl From<&ModelConfig> for ModelShape {
    fn from(config: &ModelConfig) -> Self {
        Self {
            hidden: config.hidden_size,
            layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            kv_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
            intermediate: config.intermediate_size,
            vocab: config.vocab_size,
            tied: config.tie_word_embeddings,
        }
    }
}

impl ModelShape {
    /// Width of all query heads together.
    pub(super) fn q(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Width of all key heads together; values have the same.
    pub(super) fn kv(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Inputs and outputs of a linear layer of a block; `None` for names that are none of [`LINEARS`].
    pub fn linear(&self, name: &str) -> Option<(usize, usize)> {
        Some(match name {
            "q_proj" => (self.hidden, self.q()),
            "k_proj" | "v_proj" => (self.hidden, self.kv()),
            "o_proj" => (self.q(), self.hidden),
            "gate_proj" | "up_proj" => (self.hidden, self.intermediate),
            "down_proj" => (self.intermediate, self.hidden),
            _ => return None,
        })
    }

    /// Parameters of the embedding, which an untied head has once more.
    pub fn embedding(&self) -> u64 {
        self.vocab as u64 * self.hidden as u64
    }

    /// Parameters of one decoder block, both norms included.
    pub fn block(&self) -> u64 {
        let linears = LINEARS.iter().filter_map(|name| self.linear(name));
        linears
            .map(|(inputs, outputs)| inputs as u64 * outputs as u64)
            .sum::<u64>()
            + 2 * self.hidden as u64
    }

    /// All parameters: embedding, blocks, the last norm, and the head unless it is the embedding.
    pub fn parameters(&self) -> u64 {
        let tables = if self.tied { 1 } else { 2 };
        self.block() * self.layers as u64 + self.hidden as u64 + tables * self.embedding()
    }
}

/// Parameters that a rank-`r` LoRA adds to one target in all blocks: r x (inputs + outputs) per block.
pub fn lora_parameters(shape: &ModelShape, target: &str, r: usize) -> u64 {
    let (inputs, outputs) = shape.linear(target).unwrap_or((0, 0));
    (r * (inputs + outputs) * shape.layers) as u64
}

/// Parameters that a recipe trains. Single embedding rows of marker tokens, known only with the template, are not counted.
pub fn trainable(recipe: &Recipe, shape: &ModelShape) -> u64 {
    let method = &recipe.method;
    if method.kind == MethodKind::Full {
        return shape.parameters();
    }
    let lora: u64 = method
        .targets
        .iter()
        .map(|target| lora_parameters(shape, target, method.r))
        .sum();
    lora + method.modules_to_save.len() as u64 * shape.embedding()
}
