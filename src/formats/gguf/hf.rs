//! The config.json that a GGUF file's metadata stands for, by architecture. Knows keys, not tensors' values (the rotary factors aside).
//! Sources: llama.cpp's `conversion/` (what is written) and transformers' configuration classes (what it means).

use serde_json::{Map, Value, json};

use super::rope::{Rope, scaling};
use super::{Gguf, names};
use crate::formats::FormatError;

/// `general.architecture`.
pub(super) fn architecture(gguf: &Gguf) -> Result<String, FormatError> {
    let adapter = gguf.text("general.type").is_some_and(|kind| kind != "model");
    match gguf.text("general.architecture") {
        Some(name) if !adapter => Ok(name.into_owned()),
        Some(_) => {
            let kind = gguf.text("general.type").unwrap_or_default();
            Err(FormatError::invalid(
                gguf.path(),
                format!("It holds no model (general.type is \"{kind}\"). Choose the model's file."),
            ))
        }
        None => Err(FormatError::invalid(
            gguf.path(),
            "It names no architecture (general.architecture). Convert the model again.",
        )),
    }
}

pub(super) fn unknown(gguf: &Gguf, architecture: &str) -> FormatError {
    let message = format!(
        "Architecture \"{architecture}\" is not supported. Supported: {}.",
        names::known()
    );
    FormatError::invalid(gguf.path(), message)
}

/// The config that transformers would read for this model.
///
/// # Errors
/// The architecture is unknown, or a size is missing.
pub fn hf_config(gguf: &Gguf) -> Result<Value, FormatError> {
    let name = architecture(gguf)?;
    if names::of(&name).is_none() {
        return Err(unknown(gguf, &name));
    }
    let from = Keys { gguf, name: &name };
    let mut config = match name.as_str() {
        "gpt2" => gpt2(&from)?,
        "gptneox" => gpt_neox(&from)?,
        _ => llama_like(&from)?,
    };
    config.insert("vocab_size".into(), from.vocabulary()?.into());
    config.insert(
        "tie_word_embeddings".into(),
        (!gguf.tensors().contains_key("output.weight")).into(),
    );
    for (key, gguf_key) in [
        ("bos_token_id", "bos_token_id"),
        ("eos_token_id", "eos_token_id"),
        ("pad_token_id", "padding_token_id"),
    ] {
        if let Some(id) = gguf.whole(&format!("tokenizer.ggml.{gguf_key}")) {
            config.insert(key.into(), id.into());
        }
    }
    if let Some(kind) = super::weights::main_type(gguf) {
        config.insert("_gguf_type".into(), kind.name().into());
    }
    Ok(Value::Object(config))
}

/// Metadata under the architecture's name.
struct Keys<'a> {
    gguf: &'a Gguf,
    name: &'a str,
}

impl Keys<'_> {
    fn whole(&self, key: &str) -> Option<u64> {
        self.gguf.whole(&format!("{}.{key}", self.name))
    }

    fn float(&self, key: &str) -> Option<f64> {
        self.gguf.float(&format!("{}.{key}", self.name))
    }

    /// A size that must be there.
    fn size(&self, key: &str) -> Result<u64, FormatError> {
        self.whole(key).filter(|n| *n > 0).ok_or_else(|| {
            let message = format!(
                "Metadata key \"{}.{key}\" is missing or no positive whole number. Convert the model again.",
                self.name
            );
            FormatError::invalid(self.gguf.path(), message)
        })
    }

    /// Rows of the embedding, which is what ids index; files without tensors tell by their tokens.
    fn vocabulary(&self) -> Result<u64, FormatError> {
        let rows = self
            .gguf
            .tensors()
            .get("token_embd.weight")
            .and_then(|t| t.shape.first().copied());
        let tokens = || Some(self.gguf.texts("tokenizer.ggml.tokens")?.len());
        match rows.or_else(tokens) {
            Some(rows) => Ok(rows as u64),
            None => self.size("vocab_size"),
        }
    }

    fn has_tensor(&self, name: &str) -> bool {
        self.gguf.tensors().contains_key(name)
    }

    /// Number of layers; lists of that length are made of it, so it is checked for sense.
    fn layers(&self) -> Result<u64, FormatError> {
        const MOST: u64 = 10_000;
        let layers = self.size("block_count")?;
        if layers > MOST {
            let message = format!(
                "{layers} layers cannot be right (\"{}.block_count\"). Convert the model again.",
                self.name
            );
            return Err(FormatError::invalid(self.gguf.path(), message));
        }
        Ok(layers)
    }

    /// Width of a head.
    fn head(&self) -> Result<u64, FormatError> {
        if let Some(width) = self.whole("attention.key_length").filter(|n| *n > 0) {
            return Ok(width);
        }
        let (width, heads) = (self.size("embedding_length")?, self.size("attention.head_count")?);
        if width < heads {
            let message = format!("{heads} heads do not fit a width of {width}. Convert the model again.");
            return Err(FormatError::invalid(self.gguf.path(), message));
        }
        Ok(width / heads)
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Llama and what grew out of it.
fn llama_like(from: &Keys<'_>) -> Result<Map<String, Value>, FormatError> {
    let heads = from.size("attention.head_count")?;
    let mut config = object(json!({
        "model_type": model_type(from.name),
        "architectures": [class(from.name)],
        "hidden_size": from.size("embedding_length")?,
        "intermediate_size": from.size("feed_forward_length")?,
        "num_hidden_layers": from.layers()?,
        "num_attention_heads": heads,
        "num_key_value_heads": from.whole("attention.head_count_kv").unwrap_or(heads),
        "head_dim": from.head()?,
        "max_position_embeddings": from.size("context_length")?,
        "rms_norm_eps": from.float("attention.layer_norm_rms_epsilon").unwrap_or(1e-6),
        "hidden_act": "silu",
    }));
    let default_theta = if from.name == "gemma3" { 1e6 } else { 1e4 };
    let theta = from.float("rope.freq_base").unwrap_or(default_theta);
    config.insert("rope_theta".into(), json!(theta));
    let rope = Rope {
        theta,
        dimensions: from.whole("rope.dimension_count").unwrap_or(from.head()?),
        context: from.size("context_length")?,
    };
    config.insert("rope_scaling".into(), scaling(from.gguf, from.name, &rope)?);
    match from.name {
        "gemma3" => gemma3(from, &mut config)?,
        "phi3" => phi3(from, &rope, &mut config)?,
        "smollm3" => smollm3(from, &mut config)?,
        "qwen2" => {}
        _ => {
            config.insert("attention_bias".into(), from.has_tensor("blk.0.attn_q.bias").into());
        }
    }
    if from.name == "llama" {
        config.insert("mlp_bias".into(), from.has_tensor("blk.0.ffn_up.bias").into());
    }
    Ok(config)
}

fn model_type(architecture: &str) -> &str {
    if architecture == "gemma3" {
        "gemma3_text"
    } else {
        architecture
    }
}

fn class(architecture: &str) -> &'static str {
    match architecture {
        "qwen2" => "Qwen2ForCausalLM",
        "qwen3" => "Qwen3ForCausalLM",
        "gemma3" => "Gemma3ForCausalLM",
        "phi3" => "Phi3ForCausalLM",
        "smollm3" => "SmolLM3ForCausalLM",
        _ => "LlamaForCausalLM",
    }
}

/// Every sixth layer sees everything, the others a window; llama.cpp has the pattern in its code, not in the file.
fn gemma3(from: &Keys<'_>, config: &mut Map<String, Value>) -> Result<(), FormatError> {
    const PATTERN: u64 = 6;
    let window = from.whole("attention.sliding_window").filter(|n| *n > 0);
    let layers = from.layers()?;
    let kind = |layer: u64| {
        let full = window.is_none() || (layer + 1).is_multiple_of(PATTERN);
        if full { "full_attention" } else { "sliding_attention" }
    };
    // The 27B model divides scores by the width of the stream over the heads, all others by that of a head.
    let scalar = if layers == 62 {
        from.size("embedding_length")? / from.size("attention.head_count")?
    } else {
        from.head()?
    };
    config.remove("hidden_act");
    config.insert("hidden_activation".into(), "gelu_pytorch_tanh".into());
    config.insert("query_pre_attn_scalar".into(), scalar.into());
    config.insert(
        "rope_local_base_freq".into(),
        json!(from.float("rope.freq_base_swa").unwrap_or(1e4)),
    );
    config.insert("sliding_window".into(), window.unwrap_or(4096).into());
    config.insert("layer_types".into(), (0..layers).map(kind).collect::<Vec<_>>().into());
    config.insert("attention_bias".into(), false.into());
    if let Some(cap) = from.float("final_logit_softcapping") {
        config.insert("final_logit_softcapping".into(), json!(cap));
    }
    Ok(())
}

fn phi3(from: &Keys<'_>, rope: &Rope, config: &mut Map<String, Value>) -> Result<(), FormatError> {
    // Zero stands for no window.
    let window = from.whole("attention.sliding_window").filter(|n| *n > 0);
    config.insert("sliding_window".into(), json!(window));
    config.insert(
        "partial_rotary_factor".into(),
        json!(rope.dimensions as f64 / from.head()? as f64),
    );
    let original = from
        .whole("rope.scaling.original_context_length")
        .unwrap_or(rope.context);
    config.insert("original_max_position_embeddings".into(), original.into());
    config.remove("head_dim");
    // Phi-3's own default pad id (32000) lies outside the vocabulary of some of its relatives.
    config.insert("pad_token_id".into(), Value::Null);
    Ok(())
}

/// Every fourth layer has no rotary embedding; llama.cpp has that in its code, too.
fn smollm3(from: &Keys<'_>, config: &mut Map<String, Value>) -> Result<(), FormatError> {
    const INTERVAL: u64 = 4;
    let layers = from.layers()?;
    let rotated: Vec<u8> = (1..=layers)
        .map(|layer| u8::from(!layer.is_multiple_of(INTERVAL)))
        .collect();
    config.insert("no_rope_layer_interval".into(), INTERVAL.into());
    config.insert("no_rope_layers".into(), rotated.into());
    config.insert("attention_bias".into(), false.into());
    config.insert("use_sliding_window".into(), false.into());
    Ok(())
}

fn gpt2(from: &Keys<'_>) -> Result<Map<String, Value>, FormatError> {
    Ok(object(json!({
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "n_embd": from.size("embedding_length")?,
        "n_layer": from.layers()?,
        "n_head": from.size("attention.head_count")?,
        "n_positions": from.size("context_length")?,
        "n_inner": from.whole("feed_forward_length"),
        "layer_norm_epsilon": from.float("attention.layer_norm_epsilon").unwrap_or(1e-5),
        "activation_function": "gelu_new",
    })))
}

fn gpt_neox(from: &Keys<'_>) -> Result<Map<String, Value>, FormatError> {
    let head = from.head()?;
    let rotated = from.whole("rope.dimension_count").unwrap_or(head);
    Ok(object(json!({
        "model_type": "gpt_neox",
        "architectures": ["GPTNeoXForCausalLM"],
        "hidden_size": from.size("embedding_length")?,
        "intermediate_size": from.size("feed_forward_length")?,
        "num_hidden_layers": from.layers()?,
        "num_attention_heads": from.size("attention.head_count")?,
        "max_position_embeddings": from.size("context_length")?,
        "layer_norm_eps": from.float("attention.layer_norm_epsilon").unwrap_or(1e-5),
        "rotary_pct": rotated as f64 / head as f64,
        "rotary_emb_base": from.float("rope.freq_base").unwrap_or(1e4),
        "use_parallel_residual": from.gguf.flag("gptneox.use_parallel_residual").unwrap_or(true),
        "hidden_act": "gelu",
        "attention_bias": true,
    })))
}
