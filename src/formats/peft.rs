//! PEFT's `adapter_config.json` for LoRA adapters. Knows nothing of tensors.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{FormatError, weights::write_whole};

/// The fields of `adapter_config.json` that decide what a LoRA adapter computes.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraConfig {
    /// Rank.
    pub r: usize,
    /// Numerator of the scale.
    pub alpha: f64,
    /// Dropout before A, in training only.
    pub dropout: f64,
    /// Names of the linear layers (last part of the path).
    pub target_modules: Vec<String>,
    /// Scale by alpha / sqrt(r).
    pub use_rslora: bool,
    /// Lengths of rows are learned beside their directions (DoRA).
    pub use_dora: bool,
    /// Modules trained whole beside the adapter.
    pub modules_to_save: Vec<String>,
    /// Is a tied head replaced together with the embedding?
    pub ensure_weight_tying: bool,
    /// Embedding rows trained beside the adapter.
    pub trainable_token_indices: Vec<u32>,
    /// The base that this adapter was trained on.
    pub base_model: String,
    /// Last part of the embedding's path, which the token indices belong to.
    pub embedding: String,
    /// Does the base store its matrices as `[in, out]`? Says nothing about the adapter's own.
    pub fan_in_fan_out: bool,
}

impl LoraConfig {
    /// Reads `adapter_config.json` of an adapter folder.
    ///
    /// # Errors
    /// The file is missing, broken, not LoRA, or uses a variant that changes the result and is not implemented.
    pub fn read(dir: &Path) -> Result<Self, FormatError> {
        let (path, value) = read_value(dir)?;
        Self::from_value(&value).map_err(|m| FormatError::invalid(&path, m))
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        let kind = value.get("peft_type").and_then(Value::as_str).unwrap_or("");
        if kind != "LORA" {
            return Err(format!(
                "\"peft_type\" is \"{kind}\"; known are LORA, PROMPT_TUNING and PREFIX_TUNING"
            ));
        }
        refuse_variants(value)?;
        let r = value
            .get("r")
            .and_then(Value::as_u64)
            .filter(|r| *r > 0)
            .ok_or("\"r\" is missing or not a positive number")?;
        let (embedding, trainable_token_indices) = token_indices(value.get("trainable_token_indices"))?;
        Ok(Self {
            r: r as usize,
            alpha: value.get("lora_alpha").and_then(Value::as_f64).unwrap_or(8.0),
            dropout: value.get("lora_dropout").and_then(Value::as_f64).unwrap_or(0.0),
            target_modules: strings(value.get("target_modules").unwrap_or(&Value::Null), "target_modules")?,
            use_rslora: flag(value, "use_rslora"),
            use_dora: flag(value, "use_dora"),
            modules_to_save: match value.get("modules_to_save") {
                None | Some(Value::Null) => vec![],
                Some(list) => strings(list, "modules_to_save")?,
            },
            ensure_weight_tying: flag(value, "ensure_weight_tying"),
            trainable_token_indices,
            embedding,
            fan_in_fan_out: flag(value, "fan_in_fan_out"),
            base_model: value
                .get("base_model_name_or_path")
                .and_then(Value::as_str)
                .unwrap_or("")
                .into(),
        })
    }

    /// Writes `adapter_config.json` with the keys that PEFT expects.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), FormatError> {
        let tokens = if self.trainable_token_indices.is_empty() {
            Value::Null
        } else {
            serde_json::json!({ self.embedding.as_str(): self.trainable_token_indices })
        };
        let modules = (!self.modules_to_save.is_empty()).then_some(&self.modules_to_save);
        let value = serde_json::json!({
            "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": self.base_model,
            "r": self.r, "lora_alpha": self.alpha, "lora_dropout": self.dropout, "target_modules": self.target_modules,
            "bias": "none", "fan_in_fan_out": self.fan_in_fan_out, "inference_mode": true, "init_lora_weights": true,
            "modules_to_save": modules, "ensure_weight_tying": self.ensure_weight_tying, "use_rslora": self.use_rslora, "use_dora": self.use_dora,
            "trainable_token_indices": tokens,
        });
        write_value(dir, &value)
    }
}

/// What kind of adapter a folder holds, by PEFT's name.
///
/// # Errors
/// `adapter_config.json` is missing or broken.
pub fn kind(dir: &Path) -> Result<String, FormatError> {
    let (_, value) = read_value(dir)?;
    let kind = value.get("peft_type").and_then(Value::as_str);
    Ok(kind.unwrap_or_default().into())
}

/// `adapter_config.json` of an adapter folder, with its path.
pub(super) fn read_value(dir: &Path) -> Result<(PathBuf, Value), FormatError> {
    let path = dir.join("adapter_config.json");
    let text = std::fs::read_to_string(&path).map_err(|e| FormatError::io(&path, e))?;
    let value = serde_json::from_str(&text);
    let value = value.map_err(|e| FormatError::invalid(&path, format!("not valid JSON ({e})")))?;
    Ok((path, value))
}

/// Writes `adapter_config.json`.
pub(super) fn write_value(dir: &Path, value: &Value) -> Result<(), FormatError> {
    let text = serde_json::to_string_pretty(value).map_err(|e| FormatError::invalid(dir, e.to_string()))?;
    write_whole(&dir.join("adapter_config.json"), text.as_bytes())
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// Variants that change the mathematics are refused by name.
fn refuse_variants(value: &Value) -> Result<(), String> {
    for key in ["lora_bias", "use_qalora", "use_bdlora"] {
        if flag(value, key) {
            return Err(format!("\"{key}\": true is not supported yet"));
        }
    }
    for key in ["rank_pattern", "alpha_pattern"] {
        if value.get(key).and_then(Value::as_object).is_some_and(|o| !o.is_empty()) {
            return Err(format!("\"{key}\" is not supported yet"));
        }
    }
    match value.get("bias").and_then(Value::as_str) {
        None | Some("none") => Ok(()),
        Some(other) => Err(format!("\"bias\": \"{other}\" is not supported yet")),
    }
}

fn strings(value: &Value, key: &str) -> Result<Vec<String>, String> {
    let list = value
        .as_array()
        .ok_or_else(|| format!("\"{key}\" must be a list of names"))?;
    let mut names: Vec<String> = list.iter().filter_map(|v| v.as_str().map(String::from)).collect();
    names.sort();
    Ok(names)
}

/// The module and its rows: a list alone means `embed_tokens`.
fn token_indices(value: Option<&Value>) -> Result<(String, Vec<u32>), String> {
    let usual = "embed_tokens".to_string();
    let (module, list) = match value {
        None | Some(Value::Null) => return Ok((usual, vec![])),
        Some(Value::Object(modules)) => match modules.iter().next() {
            Some((module, list)) if modules.len() == 1 => (module.clone(), list.clone()),
            None => return Ok((usual, vec![])),
            Some(_) => return Err("\"trainable_token_indices\" names more than one module".into()),
        },
        Some(other) => (usual, other.clone()),
    };
    let rows = serde_json::from_value(list).map_err(|e| format!("\"trainable_token_indices\": {e}"))?;
    Ok((module, rows))
}
