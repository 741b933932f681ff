//! Model folders and GGUF files read into cards, without their weights.

use serde_json::Value;

use crate::formats::config::ModelConfig;
use crate::formats::describe::{Described, describe};
use crate::formats::places;
use crate::recipe::Recipe;
use crate::session::ModelCard;

/// Reads the card of a model folder, of a `.gguf` file or of `starter`.
///
/// # Errors
/// A sentence that names the file and what is wrong with it.
pub fn read(path: &str) -> Result<ModelCard, String> {
    let place = places::find_model(path).map_err(|e| e.to_string())?;
    let found = describe(&place).map_err(|e| e.to_string())?;
    let name = places::spoken_name(path);
    let tried = Recipe::load(&place.join("sft.toml"), &[]).ok().map(Box::new);
    Ok(card(path, name, tried, &found))
}

fn card(path: &str, name: String, tried: Option<Box<Recipe>>, found: &Described) -> ModelCard {
    let number = |keys: [&str; 2]| {
        keys.iter()
            .find_map(|key| found.config.get(*key)?.as_u64())
            .unwrap_or(0)
    };
    ModelCard {
        path: path.into(),
        name,
        architecture: architecture(&found.config),
        parameters: found.parameters,
        context: number(["max_position_embeddings", "n_positions"]) as usize,
        vocab: number(["vocab_size", "vocab_size"]) as usize,
        bytes: found.bytes,
        config: ModelConfig::from_value(&found.config).ok(),
        tried,
        has_template: found.has_template,
        details: details(found),
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

fn details(found: &Described) -> Vec<(String, String)> {
    const SHOWN: [(&str, &str); 8] = [
        ("Hidden size", "hidden_size"),
        ("Layers", "num_hidden_layers"),
        ("Attention heads", "num_attention_heads"),
        ("Key and value heads", "num_key_value_heads"),
        ("Feed-forward size", "intermediate_size"),
        ("Vocabulary", "vocab_size"),
        ("Context", "max_position_embeddings"),
        ("Tied embeddings", "tie_word_embeddings"),
    ];
    let shown = SHOWN
        .iter()
        .filter_map(|(label, key)| Some((label.to_string(), plain(found.config.get(*key)?)?)));
    let stored = found
        .stored_as
        .iter()
        .map(|kind| ("Stored as".to_string(), kind.clone()));
    shown.chain(stored).collect()
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
