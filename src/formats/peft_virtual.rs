//! PEFT's `adapter_config.json` for prompt tuning and prefix tuning. Knows nothing of tensors.

use std::path::Path;

use serde_json::{Value, json};

use super::FormatError;
use super::config::ModelConfig;
use super::peft::{read_value, write_value};

/// What virtual tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VirtualKind {
    /// Embeddings in front of the text.
    Prompt,
    /// Keys and values in front of every block's own.
    Prefix,
}

impl VirtualKind {
    /// PEFT's name.
    pub fn peft_type(self) -> &'static str {
        match self {
            Self::Prompt => "PROMPT_TUNING",
            Self::Prefix => "PREFIX_TUNING",
        }
    }

    /// Numbers of one virtual token.
    pub fn width(self, model: &ModelConfig) -> usize {
        match self {
            Self::Prompt => model.hidden_size,
            Self::Prefix => 2 * model.num_hidden_layers * model.num_key_value_heads * model.head_dim,
        }
    }
}

/// The fields that decide what such an adapter computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VirtualConfig {
    /// Embeddings, or keys and values.
    pub kind: VirtualKind,
    /// Number of virtual tokens.
    pub tokens: usize,
}

impl VirtualConfig {
    /// Reads `adapter_config.json` of an adapter folder.
    ///
    /// # Errors
    /// The file is missing, broken, of another kind, or uses a variant that changes the result and is not implemented.
    pub fn read(dir: &Path) -> Result<Self, FormatError> {
        let (path, value) = read_value(dir)?;
        Self::from_value(&value).map_err(|message| FormatError::invalid(&path, message))
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        let found = value.get("peft_type").and_then(Value::as_str).unwrap_or("");
        let kinds = [VirtualKind::Prompt, VirtualKind::Prefix];
        let kind = kinds.into_iter().find(|kind| kind.peft_type() == found);
        let kind = kind.ok_or_else(|| format!("\"peft_type\" is \"{found}\", not prompt or prefix tuning"))?;
        if value.get("prefix_projection").and_then(Value::as_bool) == Some(true) {
            return Err("\"prefix_projection\": true is not supported yet".into());
        }
        let tokens = value.get("num_virtual_tokens").and_then(Value::as_u64);
        let tokens = tokens.filter(|n| *n > 0);
        let tokens = tokens.ok_or("\"num_virtual_tokens\" is missing or not a positive number")?;
        Ok(Self {
            kind,
            tokens: tokens as usize,
        })
    }

    /// Writes `adapter_config.json` with the keys that PEFT expects.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, dir: &Path, base_model: &str, model: &ModelConfig) -> Result<(), FormatError> {
        let mut value = json!({
            "peft_type": self.kind.peft_type(), "task_type": "CAUSAL_LM", "base_model_name_or_path": base_model,
            "inference_mode": true, "modules_to_save": null, "num_layers": model.num_hidden_layers,
            "num_transformer_submodules": 1, "num_virtual_tokens": self.tokens,
        });
        let (width, heads, more) = match self.kind {
            VirtualKind::Prompt => (
                model.hidden_size,
                model.num_attention_heads,
                json!({ "prompt_tuning_init": "RANDOM" }),
            ),
            VirtualKind::Prefix => (
                model.num_key_value_heads * model.head_dim,
                model.num_key_value_heads,
                json!({ "prefix_projection": false, "encoder_hidden_size": model.num_key_value_heads * model.head_dim }),
            ),
        };
        if let (Some(map), Value::Object(more)) = (value.as_object_mut(), more) {
            map.insert("token_dim".into(), width.into());
            map.insert("num_attention_heads".into(), heads.into());
            map.extend(more);
        }
        write_value(dir, &value)
    }
}
