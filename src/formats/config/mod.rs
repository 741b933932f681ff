//! Hugging Face `config.json` of decoder-only models: one common form for all families of the table. Knows nothing of weights'
//! values.
//!
//! [`mod@families`] is the table; [`mod@family`] says what a row is made of.

pub mod families;
pub mod family;
mod keys;
mod layers;
mod rope;
mod weights;

use std::path::Path;

use serde_json::Value;

pub use families::{FAMILIES, family};
pub use family::{Family, NormKind};
pub use layers::Layer;
pub use rope::{Rope, Scaling};
pub use weights::{LinearSpec, Role, WeightSpec};

use super::{FormatError, source};
use keys::Keys;

/// More blocks than any model has: a larger number is a broken file, and is not worth the memory of trying.
const MOST_LAYERS: usize = 4096;
/// A width beyond all models, below which no product of sizes overflows.
const WIDEST: usize = 1 << 24;

/// What the decoder's mathematics depends on. Sizes are in elements. Mirrors the files of others, hence its many fields.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// `llama`, `qwen3`, ...
    pub model_type: String,
    /// The row of the table that it belongs to.
    pub family: &'static Family,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the feed-forward layer.
    pub intermediate_size: usize,
    /// Decoder blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; divides the query heads.
    pub num_key_value_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Ids in the embedding.
    pub vocab_size: usize,
    /// Longest context that can be computed.
    pub max_position_embeddings: usize,
    /// Are positions beyond the context impossible rather than untrained?
    pub fixed_context: bool,
    /// Epsilon of the norms.
    pub norm_eps: f64,
    /// Activation of the feed-forward layer.
    pub activation: Activation,
    /// Do the attention's linear layers have biases, where the family leaves it open?
    pub attention_bias: bool,
    /// Do those of the feed-forward layer?
    pub mlp_bias: bool,
    /// Do attention and feed-forward layer read the same stream, where the family leaves it open?
    pub parallel_residual: bool,
    /// Scores are divided by the square root of this; of the head's width in most families.
    pub score_divisor: f64,
    /// Distinct sets of rotary angles; none where positions are learned.
    pub ropes: Vec<Rope>,
    /// What differs from block to block.
    pub layers: Vec<Layer>,
    /// Is the output head the embedding?
    pub tie_word_embeddings: bool,
}

/// Activation functions of feed-forward layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x sigmoid(x)`
    Silu,
    /// `x Phi(x)` with the error function.
    Gelu,
    /// The same, approximated with a hyperbolic tangent.
    GeluTanh,
    /// `max(x, 0)`
    Relu,
}

impl Activation {
    fn read(keys: &Keys<'_>) -> Result<Self, String> {
        match keys.text("hidden_act")? {
            "silu" | "swish" => Ok(Self::Silu),
            "gelu" => Ok(Self::Gelu),
            "gelu_new" | "gelu_pytorch_tanh" => Ok(Self::GeluTanh),
            "relu" => Ok(Self::Relu),
            other => Err(format!(
                "\"{}\": \"{other}\" is not implemented. Implemented: silu, gelu, gelu_new, gelu_pytorch_tanh, relu.",
                keys.spelling("hidden_act")
            )),
        }
    }
}

impl ModelConfig {
    /// Reads the config of a model folder or of a `.gguf` file.
    ///
    /// # Errors
    /// The file is missing or broken, the architecture is unknown, or a field changes the mathematics in a way that
    /// is not implemented: refused by name, never ignored.
    pub fn read(path: &Path) -> Result<Self, FormatError> {
        Self::of(path, &source::config(path)?)
    }

    /// The config that a model folder or `.gguf` file was found to have.
    ///
    /// # Errors
    /// As [`Self::from_value`], naming the file.
    pub fn of(path: &Path, value: &Value) -> Result<Self, FormatError> {
        let file = if source::is_gguf(path) {
            path.into()
        } else {
            path.join("config.json")
        };
        Self::from_value(value).map_err(|m| FormatError::invalid(&file, m))
    }

    /// The config from parsed JSON; the error is a sentence without the file's name.
    pub fn from_value(value: &Value) -> Result<Self, String> {
        let model_type = value
            .get("model_type")
            .and_then(Value::as_str)
            .ok_or("\"model_type\" is missing")?;
        let family = family(model_type).ok_or_else(|| unknown_type(model_type))?;
        let keys = Keys { value, family };
        keys.refuse_unknown()?;
        let hidden_size = keys.size("hidden_size")?;
        let num_attention_heads = keys.size("num_attention_heads")?;
        let num_hidden_layers = keys.size("num_hidden_layers")?;
        if num_hidden_layers > MOST_LAYERS {
            let key = keys.spelling("num_hidden_layers");
            return Err(format!(
                "\"{key}\" is {num_hidden_layers}; at most {MOST_LAYERS} can be loaded"
            ));
        }
        let head_dim = keys
            .size_or_none("head_dim")?
            .unwrap_or(hidden_size / num_attention_heads);
        if head_dim == 0 {
            return Err(format!(
                "hidden_size {hidden_size} is less than the number of heads, {num_attention_heads}"
            ));
        }
        let context = keys.size("max_position_embeddings")?;
        let ropes = rope::read(&keys, head_dim, context)?;
        let fixed_context = ropes.limit.is_some() || family.names.positions.is_some();
        let max_position_embeddings = ropes.limit.map_or(context, |limit| limit.min(context));
        let config = Self {
            model_type: model_type.to_string(),
            family,
            hidden_size,
            intermediate_size: keys.size_or_none("intermediate_size")?.unwrap_or(4 * hidden_size),
            num_hidden_layers,
            num_attention_heads,
            num_key_value_heads: keys.size_or_none("num_key_value_heads")?.unwrap_or(num_attention_heads),
            head_dim,
            vocab_size: keys.size("vocab_size")?,
            max_position_embeddings,
            fixed_context,
            norm_eps: keys.number("norm_eps")?.unwrap_or(1e-6),
            activation: Activation::read(&keys)?,
            attention_bias: keys.flag("attention_bias")?,
            mlp_bias: keys.flag("mlp_bias")?,
            parallel_residual: keys.flag("use_parallel_residual")?,
            score_divisor: keys.number("query_pre_attn_scalar")?.unwrap_or(head_dim as f64),
            layers: layers::read(&keys, num_hidden_layers, ropes.sets.len())?,
            ropes: ropes.sets,
            tie_word_embeddings: keys.flag("tie_word_embeddings")?,
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let heads = self.num_attention_heads.max(self.num_key_value_heads);
        for (name, width) in [
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("vocab_size", self.vocab_size),
            ("num_attention_heads x head_dim", heads.saturating_mul(self.head_dim)),
        ] {
            if width > WIDEST {
                return Err(format!("{name} is {width}; at most {WIDEST} can be loaded"));
            }
        }
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            return Err(format!(
                "num_attention_heads {} is not a multiple of num_key_value_heads {}",
                self.num_attention_heads, self.num_key_value_heads
            ));
        }
        Ok(())
    }

    /// The distinct attention windows of the layers, in the order of their first use.
    pub fn windows(&self) -> Vec<Option<usize>> {
        let mut all = vec![];
        for layer in &self.layers {
            if !all.contains(&layer.window) {
                all.push(layer.window);
            }
        }
        all
    }
}

fn unknown_type(model_type: &str) -> String {
    let known: Vec<&str> = FAMILIES.iter().flat_map(|f| f.model_types.iter().copied()).collect();
    let known = known.join(", ");
    format!("model_type \"{model_type}\" is not supported yet. Supported: {known}.")
}
