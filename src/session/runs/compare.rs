//! In what the recipes of several runs differ. Knows recipes, not what came out.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::RunEntry;
use crate::recipe::{MethodKind, Recipe};

/// A setting in which runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `table.key`.
    pub key: String,
    /// The value of each run as a recipe has it; empty where a run has none.
    pub values: Vec<String>,
}

/// The settings that are not the same in all runs, in the order of their names. A run without a recipe has empty values.
pub(super) fn differences(runs: &[&RunEntry]) -> Vec<Difference> {
    let settings: Vec<BTreeMap<String, String>> = runs
        .iter()
        .map(|run| run.recipe.as_deref().map(settings).unwrap_or_default())
        .collect();
    let mut keys: Vec<&String> = settings.iter().flat_map(BTreeMap::keys).collect();
    keys.sort();
    keys.dedup();
    let values = |key: &String| {
        settings
            .iter()
            .map(|of| of.get(key).cloned().unwrap_or_default())
            .collect()
    };
    let all = keys.into_iter().map(|key| Difference {
        key: key.clone(),
        values: values(key),
    });
    all.filter(|difference| difference.values.windows(2).any(|pair| pair[0] != pair[1]))
        .collect()
}

/// Every setting of a recipe by its `table.key`. A hash is as good as its beginning.
fn settings(recipe: &Recipe) -> BTreeMap<String, String> {
    let tables = Table::try_from(recipe).unwrap_or_default();
    let mut settings = BTreeMap::new();
    for (table, content) in tables {
        let Value::Table(content) = content else { continue };
        for (key, value) in content {
            let text = match (key.as_str(), &value) {
                ("sha256" | "replay_sha256", Value::Array(hashes)) => {
                    let short = hashes
                        .iter()
                        .filter_map(Value::as_str)
                        .map(|hash| hash.chars().take(8).collect::<String>());
                    short.collect::<Vec<_>>().join(", ")
                }
                _ => written(&value),
            };
            settings.insert(format!("{table}.{key}"), text);
        }
    }
    settings
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(written).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// What learned, in a few words: "LoRA r=16, NF4".
pub fn method_words(recipe: &Recipe) -> String {
    let method = &recipe.method;
    let words = match method.kind {
        MethodKind::Lora if method.dora => format!("DoRA r={}", method.r),
        MethodKind::Lora if method.rslora => format!("rsLoRA r={}", method.r),
        MethodKind::Lora => format!("LoRA r={}", method.r),
        MethodKind::Full => "Full fine-tuning".into(),
        MethodKind::Bottleneck => format!("Bottleneck {}", method.width),
        MethodKind::Prefix => format!("Prefix of {}", method.virtual_tokens),
        MethodKind::Prompt => format!("Prompt of {}", method.virtual_tokens),
    };
    words + quant_words(recipe)
}

fn quant_words(recipe: &Recipe) -> &'static str {
    use crate::recipe::Quant;
    match recipe.method.quant {
        Quant::None => "",
        Quant::Nf4 => ", NF4",
        Quant::Q8 => ", 8-bit",
    }
}
