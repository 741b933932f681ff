//! Hugging Face `config.json` of Llama-architecture models, both spellings of the rope settings.
//! Knows nothing of weights.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::FormatError;

/// What the decoder's mathematics depends on. Sizes are in elements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// `llama`.
    pub model_type: String,
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
    /// Longest context that the model was made for.
    pub max_position_embeddings: usize,
    /// Epsilon of the RMS norms.
    pub rms_norm_eps: f64,
    /// Base of the rotary embedding.
    pub rope_theta: f64,
    /// Is the output head the embedding?
    pub tie_word_embeddings: bool,
}

impl ModelConfig {
    /// Reads `config.json` in a model folder.
    ///
    /// # Errors
    /// The file is missing or broken, the architecture is unknown, or a field changes the mathematics in a way that
    /// is not implemented: refused by name, never ignored.
    pub fn read(dir: &Path) -> Result<Self, FormatError> {
        let path = dir.join("config.json");
        let text = std::fs::read_to_string(&path).map_err(|e| FormatError::io(&path, e))?;
        let value: Value =
            serde_json::from_str(&text).map_err(|e| FormatError::invalid(&path, format!("not valid JSON ({e})")))?;
        Self::from_value(&value).map_err(|m| FormatError::invalid(&path, m))
    }

    /// The config from parsed JSON; the error is a sentence without the file's name.
    pub fn from_value(value: &Value) -> Result<Self, String> {
        let model_type = text(value, "model_type").ok_or("\"model_type\" is missing")?;
        if model_type != "llama" {
            return Err(format!(
                "model_type \"{model_type}\" is not supported yet. Supported: llama."
            ));
        }
        refuse_unknown_maths(value)?;
        let hidden_size = size(value, "hidden_size")?;
        let num_attention_heads = size(value, "num_attention_heads")?;
        let config = Self {
            model_type: model_type.to_string(),
            hidden_size,
            intermediate_size: size(value, "intermediate_size")?,
            num_hidden_layers: size(value, "num_hidden_layers")?,
            num_attention_heads,
            num_key_value_heads: size_or(value, "num_key_value_heads", num_attention_heads)?,
            head_dim: size_or(value, "head_dim", hidden_size / num_attention_heads)?,
            vocab_size: size(value, "vocab_size")?,
            max_position_embeddings: size_or(value, "max_position_embeddings", 2048)?,
            rms_norm_eps: number_or(value, "rms_norm_eps", 1e-6)?,
            rope_theta: rope_theta(value)?,
            tie_word_embeddings: value
                .get("tie_word_embeddings")
                .and_then(Value::as_bool)
                .unwrap_or(false),
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            return Err(format!(
                "num_attention_heads {} is not a multiple of num_key_value_heads {}",
                self.num_attention_heads, self.num_key_value_heads
            ));
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(format!(
                "head_dim {} is odd; rotary embeddings need pairs",
                self.head_dim
            ));
        }
        Ok(())
    }

    /// The JSON that transformers reads back.
    pub fn to_value(&self, bos: Option<u32>, eos: Option<u32>) -> Value {
        serde_json::json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": self.model_type,
            "hidden_act": "silu",
            "hidden_size": self.hidden_size,
            "intermediate_size": self.intermediate_size,
            "num_hidden_layers": self.num_hidden_layers,
            "num_attention_heads": self.num_attention_heads,
            "num_key_value_heads": self.num_key_value_heads,
            "head_dim": self.head_dim,
            "vocab_size": self.vocab_size,
            "max_position_embeddings": self.max_position_embeddings,
            "rms_norm_eps": self.rms_norm_eps,
            "rope_theta": self.rope_theta,
            "rope_scaling": null,
            "attention_bias": false,
            "mlp_bias": false,
            "tie_word_embeddings": self.tie_word_embeddings,
            "bos_token_id": bos,
            "eos_token_id": eos,
            "torch_dtype": "bfloat16"
        })
    }

    /// Names and shapes of all weights, as checkpoints spell them; vectors have one dimension.
    pub fn weight_shapes(&self) -> Vec<(String, Vec<usize>)> {
        let (h, f) = (self.hidden_size, self.intermediate_size);
        let (q, kv) = (
            self.num_attention_heads * self.head_dim,
            self.num_key_value_heads * self.head_dim,
        );
        let mut all = vec![("model.embed_tokens.weight".to_string(), vec![self.vocab_size, h])];
        for i in 0..self.num_hidden_layers {
            let p = format!("model.layers.{i}");
            for (name, shape) in [
                ("input_layernorm", vec![h]),
                ("self_attn.q_proj", vec![q, h]),
                ("self_attn.k_proj", vec![kv, h]),
                ("self_attn.v_proj", vec![kv, h]),
                ("self_attn.o_proj", vec![h, q]),
                ("post_attention_layernorm", vec![h]),
                ("mlp.gate_proj", vec![f, h]),
                ("mlp.up_proj", vec![f, h]),
                ("mlp.down_proj", vec![h, f]),
            ] {
                all.push((format!("{p}.{name}.weight"), shape));
            }
        }
        all.push(("model.norm.weight".into(), vec![h]));
        if !self.tie_word_embeddings {
            all.push(("lm_head.weight".into(), vec![self.vocab_size, h]));
        }
        all
    }

    /// Number of parameters, a tied head counted once.
    pub fn parameters(&self) -> u64 {
        self.weight_shapes()
            .iter()
            .map(|(_, s)| s.iter().product::<usize>() as u64)
            .sum()
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn size(value: &Value, key: &str) -> Result<usize, String> {
    match value.get(key) {
        Some(v) => v
            .as_u64()
            .filter(|n| *n > 0 && *n < 1 << 32)
            .map(|n| n as usize)
            .ok_or(format!("\"{key}\" is {v}; a positive whole number is needed")),
        None => Err(format!("\"{key}\" is missing")),
    }
}

fn size_or(value: &Value, key: &str, default: usize) -> Result<usize, String> {
    if value.get(key).is_none_or(Value::is_null) {
        Ok(default)
    } else {
        size(value, key)
    }
}

fn number_or(value: &Value, key: &str, default: f64) -> Result<f64, String> {
    match value.get(key) {
        None | Some(Value::Null) => Ok(default),
        Some(v) => v
            .as_f64()
            .filter(|x| x.is_finite() && *x > 0.0)
            .ok_or(format!("\"{key}\" is {v}; a positive number is needed")),
    }
}

/// `rope_theta` at the top or inside the newer `rope_parameters`.
fn rope_theta(value: &Value) -> Result<f64, String> {
    let nested = value.get("rope_parameters").filter(|v| v.is_object());
    match nested {
        Some(inner) if inner.get("rope_theta").is_some() => number_or(inner, "rope_theta", 10_000.0),
        _ => number_or(value, "rope_theta", 10_000.0),
    }
}

/// Fields that would change the result and are not implemented must stop the load.
fn refuse_unknown_maths(value: &Value) -> Result<(), String> {
    for key in ["attention_bias", "mlp_bias"] {
        if value.get(key).and_then(Value::as_bool) == Some(true) {
            return Err(format!("\"{key}\": true is not supported yet"));
        }
    }
    if let Some(act) = text(value, "hidden_act").filter(|a| *a != "silu") {
        return Err(format!(
            "\"hidden_act\": \"{act}\" is not supported yet. Supported: silu."
        ));
    }
    for key in ["rope_scaling", "rope_parameters"] {
        let Some(rope) = value.get(key).filter(|v| !v.is_null()) else {
            continue;
        };
        let kind = text(rope, "rope_type").or(text(rope, "type")).unwrap_or("default");
        if kind != "default" {
            return Err(format!(
                "\"{key}\" of type \"{kind}\" is not supported yet. Supported: default."
            ));
        }
    }
    if value.get("quantization_config").is_some_and(|v| !v.is_null()) {
        return Err("\"quantization_config\": quantised checkpoints are not supported yet".into());
    }
    Ok(())
}
