//! `adapter_config.json` of bottleneck adapters. PEFT has no such kind, so the layout is Burnish's own; knows nothing of tensors.
//!
//! ```json
//! { "peft_type": "BURNISH_BOTTLENECK", "base_model_name_or_path": "...", "width": 64, "activation": "gelu" }
//! ```
//!
//! Beside it, `adapter_model.safetensors` holds for every linear layer whose result is added to the residual stream, by its checkpoint
//! path, `PATH.bottleneck.down.weight [width, hidden]`, `.down.bias [width]`, `.up.weight [hidden, width]` and `.up.bias [hidden]`.

use std::path::Path;

use serde_json::{Value, json};

use super::FormatError;
use super::peft::{read_value, write_value};

/// What stands where PEFT has the names of its kinds.
pub const BOTTLENECK: &str = "BURNISH_BOTTLENECK";

/// Reads the inner width from an adapter folder.
///
/// # Errors
/// The file is missing, broken, or of another kind.
pub fn read_width(dir: &Path) -> Result<usize, FormatError> {
    let (path, value) = read_value(dir)?;
    let activation = value.get("activation").and_then(Value::as_str).unwrap_or("gelu");
    if activation != "gelu" {
        let message = format!("\"activation\" is \"{activation}\"; only gelu can be computed");
        return Err(FormatError::invalid(&path, message));
    }
    let width = value.get("width").and_then(Value::as_u64).filter(|width| *width > 0);
    let width = width.ok_or_else(|| FormatError::invalid(&path, "\"width\" is missing or not a positive number"))?;
    Ok(width as usize)
}

/// Writes `adapter_config.json`.
///
/// # Errors
/// The folder cannot be written.
pub fn write_width(dir: &Path, width: usize, base_model: &str) -> Result<(), FormatError> {
    let value = json!({
        "peft_type": BOTTLENECK, "base_model_name_or_path": base_model, "width": width, "activation": "gelu",
    });
    write_value(dir, &value)
}
