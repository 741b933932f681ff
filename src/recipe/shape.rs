//! Sizes of a model and how many of its parameters a recipe trains. Knows no weights.

use crate::formats::config::{FAMILIES, LinearSpec, ModelConfig};

use super::{MethodKind, Recipe};

/// Stands for every linear layer of the blocks in `method.targets`, as PEFT has it.
pub const ALL_LINEAR: &str = "all-linear";

/// Last parts of the paths of the linear layers of all families, without repetition.
pub fn target_names() -> Vec<&'static str> {
    let mut names = vec![];
    for name in FAMILIES.iter().flat_map(|family| family.linear_names()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What parameter counts and memory depend on. Sizes are in elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelShape {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Decoder blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Query heads that share a key head.
    pub group: usize,
    /// Width of all query heads together.
    pub q: usize,
    /// Width of all key heads together; values have the same.
    pub kv: usize,
    /// Numbers of a token that the feed-forward layer keeps for the backward pass.
    pub inner: usize,
    /// Of these, what its last linear layer takes in.
    pub down: usize,
    /// Ids in the embedding.
    pub vocab: usize,
    /// The linear layers of one block.
    pub linears: Vec<LinearSpec>,
    /// Is the head the embedding?
    pub tied: bool,
    /// All parameters, a tied head counted once.
    pub parameters: u64,
    /// Bytes of all weights where the file stores them quantised, and they stay so.
    pub stored: Option<u64>,
}

impl From<&ModelConfig> for ModelShape {
    fn from(config: &ModelConfig) -> Self {
        // Gate, up and their product, or the layer before and after its activation.
        let kept = if config.family.is_gated() { 3 } else { 2 };
        let mut linears = config.linears();
        linears.truncate(linears.len() / config.num_hidden_layers.max(1));
        Self {
            hidden: config.hidden_size,
            layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            group: config.num_attention_heads / config.num_key_value_heads.max(1),
            q: config.num_attention_heads * config.head_dim,
            kv: config.num_key_value_heads * config.head_dim,
            inner: kept * config.intermediate_size,
            down: config.intermediate_size,
            vocab: config.vocab_size,
            linears,
            tied: config.tie_word_embeddings,
            parameters: config.parameters(),
            stored: None,
        }
    }
}

impl ModelShape {
    /// Parameters of the embedding, which an untied head has once more.
    pub fn embedding(&self) -> u64 {
        self.vocab as u64 * self.hidden as u64
    }

    /// Parameters of the linear layers of all blocks.
    pub fn linear_parameters(&self) -> u64 {
        let block: u64 = self.linears.iter().map(|l| (l.inputs * l.outputs) as u64).sum();
        block * self.layers as u64
    }

    /// The linear layers of a block that any of the targets names.
    pub fn targeted(&self, targets: &[String]) -> impl Iterator<Item = &LinearSpec> {
        let all = targets.iter().any(|t| t == ALL_LINEAR);
        let hits = move |linear: &&LinearSpec| all || targets.iter().any(|target| linear.is_named(target));
        self.linears.iter().filter(hits)
    }
}

/// Parameters that a rank-`r` LoRA adds in all blocks to the layers that the targets name: r x (inputs + outputs) each.
pub fn lora_parameters(shape: &ModelShape, targets: &[String], r: usize) -> u64 {
    let block: u64 = shape.targeted(targets).map(|l| (l.inputs + l.outputs) as u64).sum();
    block * (r * shape.layers) as u64
}

/// Parameters that a recipe trains. Single embedding rows of marker tokens, known only with the template, are not counted.
pub fn trainable(recipe: &Recipe, shape: &ModelShape) -> u64 {
    let method = &recipe.method;
    let layers = shape.layers as u64;
    match method.kind {
        MethodKind::Full => shape.parameters,
        MethodKind::Lora => {
            let targeted = shape.targeted(&method.targets);
            let lengths = layers * targeted.map(|l| l.outputs as u64).sum::<u64>() * u64::from(method.dora);
            // A tied head is the trained embedding.
            let modules = method.modules_to_save.len().min(if shape.tied { 1 } else { 2 }) as u64;
            lora_parameters(shape, &method.targets, method.r) + lengths + modules * shape.embedding()
        }
        MethodKind::Bottleneck => {
            let followed = shape.linears.iter().filter(|l| l.residual);
            let one = |l: &LinearSpec| (2 * method.width * l.outputs + method.width + l.outputs) as u64;
            layers * followed.map(one).sum::<u64>()
        }
        MethodKind::Prompt => (method.virtual_tokens * shape.hidden) as u64,
        MethodKind::Prefix => layers * (method.virtual_tokens * 2 * shape.kv) as u64,
    }
}
