//! Scaling of the rotary embedding: GGUF's keys and factor tensors as the `rope_scaling` of config.json. Knows no other settings.

use std::f64::consts::TAU;

use serde_json::{Value, json};

use super::Gguf;
use crate::formats::FormatError;

/// Sizes that the factors depend on.
pub(super) struct Rope {
    /// Base of the frequencies.
    pub theta: f64,
    /// Rotated values of a head.
    pub dimensions: u64,
    /// Longest context.
    pub context: u64,
}

/// `rope_scaling`, null where nothing is scaled.
///
/// # Errors
/// A kind of scaling that is not known, or factors that do not fit the head.
pub(super) fn scaling(gguf: &Gguf, architecture: &str, rope: &Rope) -> Result<Value, FormatError> {
    let key = |name: &str| format!("{architecture}.rope.scaling.{name}");
    let original = gguf.whole(&key("original_context_length"));
    if let Some(long) = factors(gguf, "rope_factors_long.weight", rope)? {
        let short = factors(gguf, "rope_factors_short.weight", rope)?.unwrap_or_else(|| long.clone());
        let original = original.unwrap_or(rope.context);
        return Ok(json!({
            "rope_type": "longrope", "short_factor": short, "long_factor": long,
            "original_max_position_embeddings": original
        }));
    }
    if let Some(found) = factors(gguf, "rope_freqs.weight", rope)? {
        return Ok(from_frequencies(&found, rope));
    }
    let factor = gguf.float(&key("factor")).unwrap_or(1.0);
    let kind = gguf.text(&key("type"));
    match kind.as_deref() {
        None | Some("none" | "longrope") => Ok(Value::Null),
        // Older files name no type.
        Some("linear") => Ok(json!({"rope_type": "linear", "factor": factor})),
        Some("yarn") => {
            let original = original.unwrap_or((rope.context as f64 / factor) as u64);
            Ok(json!({"rope_type": "yarn", "factor": factor, "original_max_position_embeddings": original}))
        }
        Some(other) => Err(FormatError::invalid(
            gguf.path(),
            format!(
                "Its rotary embedding is scaled by \"{other}\", which is not supported. Supported: linear, yarn, longrope, llama3."
            ),
        )),
    }
}

/// One factor for each rotated pair.
fn factors(gguf: &Gguf, name: &str, rope: &Rope) -> Result<Option<Vec<f32>>, FormatError> {
    let Some(info) = gguf.tensors().get(name) else {
        return Ok(None);
    };
    let values = info.kind.dequantise(gguf.tensor_bytes(info));
    let fits = values.len() as u64 == rope.dimensions / 2 && values.iter().all(|f| f.is_finite() && *f > 0.0);
    if !fits {
        let message = format!(
            "Tensor \"{name}\" holds {} factors for a rotary embedding of {} pairs, or one that is not positive. Convert the model again.",
            values.len(),
            rope.dimensions / 2
        );
        return Err(FormatError::invalid(gguf.path(), message));
    }
    Ok(Some(values))
}

/// The scaling of Llama 3.1 and later when the factors are of that kind; else the factors themselves.
fn from_frequencies(found: &[f32], rope: &Rope) -> Value {
    if found.iter().all(|f| *f == 1.0) {
        return Value::Null;
    }
    let factor = found.iter().fold(1.0_f32, |most, f| most.max(*f));
    // All published models use these settings; the factor is the largest one stored.
    let (low, high, original) = (1.0, 4.0, 8192.0);
    let expected = (0..found.len()).map(|pair| llama3(pair, rope, f64::from(factor), (low, high, original)));
    if expected.zip(found).all(|(e, f)| (e / f64::from(*f) - 1.0).abs() < 1e-4) {
        return json!({
            "rope_type": "llama3", "factor": factor, "low_freq_factor": low, "high_freq_factor": high,
            "original_max_position_embeddings": original as u64
        });
    }
    json!({
        "rope_type": "longrope", "short_factor": found, "long_factor": found, "attention_factor": 1.0,
        "original_max_position_embeddings": rope.context
    })
}

/// By what the wave length of a pair is multiplied (Llama 3.1's `rope_scaling`; transformers' `_compute_llama3_parameters`).
fn llama3(pair: usize, rope: &Rope, factor: f64, (low, high, original): (f64, f64, f64)) -> f64 {
    let wave = TAU * rope.theta.powf(2.0 * pair as f64 / rope.dimensions as f64);
    if wave < original / high {
        return 1.0;
    }
    if wave > original / low {
        return factor;
    }
    let smooth = (original / wave - low) / (high - low);
    1.0 / ((1.0 - smooth) / factor + smooth)
}
