//! What can be told of a model from its headers alone: sizes, configuration, whether it has a chat template. Knows files, not what is done
//! with a model.

use std::path::Path;

use serde_json::Value;

use super::FormatError;
use super::gguf::Gguf;
use super::source::{Checkpoint, is_gguf};

/// A model folder or `.gguf` file, without its weights.
#[derive(Clone, Debug)]
pub struct Described {
    /// The config as `config.json` spells it.
    pub config: Value,
    /// Values of all tensors.
    pub parameters: u64,
    /// Bytes of the weight files.
    pub bytes: u64,
    /// How most of the weights are coded, where the file says it: `Q4_1`, `bfloat16`.
    pub stored_as: Option<String>,
    /// Is there a chat template?
    pub has_template: bool,
}

/// Reads the headers of a model.
///
/// # Errors
/// A file is missing or broken; what is found here would stop loading too.
pub fn describe(path: &Path) -> Result<Described, FormatError> {
    let Checkpoint { config, weights } = Checkpoint::open(path)?;
    let shapes = weights.names().into_iter().filter_map(|name| weights.shape(&name));
    let parameters = shapes.map(|shape| shape.iter().product::<usize>() as u64).sum();
    let text = |key: &str| config.get(key).and_then(Value::as_str).map(String::from);
    Ok(Described {
        parameters,
        bytes: weights.bytes(),
        stored_as: text("_gguf_type").or(text("torch_dtype")).or(text("dtype")),
        has_template: has_template(path)?,
        config,
    })
}

fn has_template(path: &Path) -> Result<bool, FormatError> {
    if is_gguf(path) {
        return Ok(Gguf::open(path)?.has("tokenizer.chat_template"));
    }
    let named = |file: &str| {
        let text = std::fs::read_to_string(path.join(file)).unwrap_or_default();
        let config: Value = serde_json::from_str(&text).unwrap_or_default();
        config.get("chat_template").is_some_and(|t| !t.is_null())
    };
    Ok(path.join("chat_template.jinja").is_file() || named("tokenizer_config.json") || named("chat_template.json"))
}
