//! Model folders read into cards, without their weights.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::formats::config::ModelConfig;
use crate::formats::places;
use crate::recipe::Recipe;
use crate::session::ModelCard;

/// Reads the card of a model folder or of `starter`.
///
/// # Errors
/// A sentence that names the file and what is wrong with it.
pub fn read(path: &str) -> Result<ModelCard, String> {
    let folder = places::model_dir(path);
    let file = folder.join("config.json");
    let text = std::fs::read_to_string(&file).map_err(|e| {
        format!(
            "Could not read {}: {e}. Open the folder that holds the model's config.json.",
            file.display()
        )
    })?;
    let config: Value =
        serde_json::from_str(&text).map_err(|e| format!("{} is not valid JSON ({e}).", file.display()))?;
    let weights = weight_files(&folder);
    if weights.is_empty() {
        return Err(format!(
            "{} holds no .safetensors file. Download the whole model.",
            folder.display()
        ));
    }
    let name = if path == "starter" {
        "Starter".into()
    } else {
        folder
            .file_name()
            .map_or_else(|| path.to_string(), |n| n.to_string_lossy().into_owned())
    };
    Ok(card(path, name, &folder, &config, &weights))
}

fn card(path: &str, name: String, folder: &Path, config: &Value, weights: &[PathBuf]) -> ModelCard {
    let number = |key: &str| config.get(key).and_then(Value::as_u64).unwrap_or(0);
    let bytes = weights.iter().filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum();
    ModelCard {
        path: path.into(),
        name,
        architecture: architecture(config),
        parameters: weights.iter().filter_map(|f| count(f)).sum(),
        context: number("max_position_embeddings") as usize,
        vocab: number("vocab_size") as usize,
        bytes,
        config: ModelConfig::from_value(config).ok(),
        tried: Recipe::load(&folder.join("sft.toml"), &[]).ok().map(Box::new),
        has_template: has_template(folder),
        details: details(config),
    }
}

fn architecture(config: &Value) -> String {
    let first = config
        .get("architectures")
        .and_then(|a| a.get(0))
        .and_then(Value::as_str);
    match first {
        Some(name) => name.trim_end_matches("ForCausalLM").to_string(),
        None => config
            .get("model_type")
            .and_then(Value::as_str)
            .unwrap_or("unknown")
            .to_string(),
    }
}

fn details(config: &Value) -> Vec<(String, String)> {
    const SHOWN: [(&str, &str); 9] = [
        ("Hidden size", "hidden_size"),
        ("Layers", "num_hidden_layers"),
        ("Attention heads", "num_attention_heads"),
        ("Key and value heads", "num_key_value_heads"),
        ("Feed-forward size", "intermediate_size"),
        ("Vocabulary", "vocab_size"),
        ("Context", "max_position_embeddings"),
        ("Tied embeddings", "tie_word_embeddings"),
        ("Stored as", "torch_dtype"),
    ];
    let shown = SHOWN
        .iter()
        .filter_map(|(label, key)| Some((label.to_string(), plain(config.get(*key)?)?)));
    shown.collect()
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Bool(true) => Some("yes".into()),
        Value::Bool(false) => Some("no".into()),
        Value::Number(n) => Some(n.to_string()),
        Value::String(s) => Some(s.clone()),
        _ => None,
    }
}

fn weight_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let files = entries.flatten().map(|e| e.path());
    files
        .filter(|f| f.extension().is_some_and(|e| e == "safetensors"))
        .collect()
}

/// Elements of all tensors, from the header alone.
fn count(file: &Path) -> Option<u64> {
    use std::io::Read;
    let mut file = std::fs::File::open(file).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    // A header of more than 100 MB is not a header.
    let length = Some(u64::from_le_bytes(length)).filter(|n| *n < 100_000_000)?;
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    let tensors = header.as_object()?.iter().filter(|(name, _)| *name != "__metadata__");
    let elements = |tensor: &Value| -> Option<u64> {
        tensor
            .get("shape")?
            .as_array()?
            .iter()
            .map(Value::as_u64)
            .try_fold(1_u64, |all, n| all.checked_mul(n?))
    };
    Some(tensors.filter_map(|(_, tensor)| elements(tensor)).sum())
}

fn has_template(folder: &Path) -> bool {
    let config = std::fs::read_to_string(folder.join("tokenizer_config.json")).unwrap_or_default();
    let config: Value = serde_json::from_str(&config).unwrap_or_default();
    folder.join("chat_template.jinja").is_file() || config.get("chat_template").is_some_and(|t| !t.is_null())
}
