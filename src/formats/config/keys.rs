//! Reading the keys of a `config.json` by a family's table, and refusing what is not known. Knows no architecture.

use serde_json::Value;

use super::families::HARMLESS;
use super::family::{Family, Key, Otherwise};

/// A config with the family that says how it is spelt. Errors are sentences without the file's name.
pub(super) struct Keys<'a> {
    pub value: &'a Value,
    pub family: &'static Family,
}

/// What a key of the table stands for in a config.
enum Found<'a> {
    Given(&'a Value),
    Otherwise(Otherwise),
}

impl<'a> Keys<'a> {
    fn key(&self, name: &str) -> Option<&'static Key> {
        self.family
            .keys
            .iter()
            .flat_map(|list| list.iter())
            .find(|k| k.name == name)
    }

    /// How this family spells a key, for messages.
    pub fn spelling(&self, name: &'static str) -> &'static str {
        self.key(name).map_or(name, |k| k.spelt)
    }

    /// The value that is written; `null` counts as absent.
    pub fn given(&self, name: &str) -> Option<&'a Value> {
        let key = self.key(name)?;
        self.value.get(key.spelt).filter(|v| !v.is_null())
    }

    /// Is the key there, be it `null`?
    pub fn is_written(&self, name: &str) -> bool {
        self.key(name).is_some_and(|key| self.value.get(key.spelt).is_some())
    }

    fn find(&self, name: &'static str) -> Result<Found<'a>, String> {
        if let Some(value) = self.given(name) {
            return Ok(Found::Given(value));
        }
        match self.key(name).map(|k| k.otherwise) {
            Some(Otherwise::Needed) => Err(format!("\"{}\" is missing", self.spelling(name))),
            Some(otherwise) => Ok(Found::Otherwise(otherwise)),
            // The family has no such feature.
            None => Ok(Found::Otherwise(Otherwise::Derived)),
        }
    }

    /// A positive whole number; `None` when it is to be derived.
    pub fn size_or_none(&self, name: &'static str) -> Result<Option<usize>, String> {
        match self.find(name)? {
            Found::Given(v) => whole(self.spelling(name), v).map(Some),
            Found::Otherwise(Otherwise::Number(n)) => Ok(Some(n as usize)),
            Found::Otherwise(_) => Ok(None),
        }
    }

    /// A positive whole number.
    pub fn size(&self, name: &'static str) -> Result<usize, String> {
        self.size_or_none(name)?
            .ok_or_else(|| format!("\"{}\" is missing", self.spelling(name)))
    }

    /// A positive number; `None` when the family has no such key.
    pub fn number(&self, name: &'static str) -> Result<Option<f64>, String> {
        match self.find(name)? {
            Found::Given(v) => positive(self.spelling(name), v).map(Some),
            Found::Otherwise(Otherwise::Number(n)) => Ok(Some(n)),
            Found::Otherwise(_) => Ok(None),
        }
    }

    /// A flag; false when the family has no such key.
    pub fn flag(&self, name: &'static str) -> Result<bool, String> {
        match self.find(name)? {
            Found::Given(v) => v
                .as_bool()
                .ok_or_else(|| format!("\"{}\" is {v}; true or false is needed", self.spelling(name))),
            Found::Otherwise(Otherwise::Flag(flag)) => Ok(flag),
            Found::Otherwise(_) => Ok(false),
        }
    }

    /// A text.
    pub fn text(&self, name: &'static str) -> Result<&'a str, String> {
        match self.find(name)? {
            Found::Given(v) => v
                .as_str()
                .ok_or_else(|| format!("\"{}\" is {v}; a text is needed", self.spelling(name))),
            Found::Otherwise(Otherwise::Text(text)) => Ok(text),
            Found::Otherwise(_) => Err(format!("\"{}\" is missing", self.spelling(name))),
        }
    }

    /// Refuses fixed flags with another value, and keys that nobody knows.
    ///
    /// The rule: a key is read by the family, or known never to change the result, or switched off (`null`, `false`, 0,
    /// empty), or names a token, or starts with `_` (notes of the program that wrote it). Any other key may change the
    /// mathematics and stops the load.
    pub fn refuse_unknown(&self) -> Result<(), String> {
        for (key, value) in self.value.as_object().into_iter().flatten() {
            let known = self
                .family
                .keys
                .iter()
                .flat_map(|list| list.iter())
                .find(|k| k.spelt == key);
            match known.map(|k| k.otherwise) {
                Some(Otherwise::Only(flag)) if !value.is_null() && value.as_bool() != Some(flag) => {
                    return Err(format!("\"{key}\": {value} is not implemented. Implemented: {flag}."));
                }
                Some(_) => {}
                None if key == "quantization_config" && !is_off(value) => {
                    let method = value
                        .get("quant_method")
                        .and_then(Value::as_str)
                        .unwrap_or("of an unknown kind");
                    return Err(format!(
                        "\"quantization_config\": weights quantised by \"{method}\" cannot be read. Use the original \
                         checkpoint or a GGUF file."
                    ));
                }
                None if is_harmless(key) || is_off(value) => {}
                None => return Err(self.unknown(key, value)),
            }
        }
        Ok(())
    }

    fn unknown(&self, key: &str, value: &Value) -> String {
        let mut shown = value.to_string();
        if shown.chars().count() > 60 {
            shown = shown.chars().take(60).chain("...".chars()).collect();
        }
        format!(
            "\"{key}\": {shown} is not known for model_type \"{}\" and may change what the model computes, so it is \
             not ignored. Remove it from config.json if you are sure that it changes nothing.",
            self.value.get("model_type").and_then(Value::as_str).unwrap_or("?")
        )
    }
}

fn is_harmless(key: &str) -> bool {
    HARMLESS.contains(&key)
        || key.starts_with('_')
        || ["_token_id", "_token_ids", "_token_index", "_token"]
            .iter()
            .any(|end| key.ends_with(end))
}

/// Does the value switch a feature off?
fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
        Value::String(s) => s.is_empty(),
        Value::Bool(true) => false,
    }
}

/// A positive whole number below 2^32.
pub(super) fn whole(name: &str, value: &Value) -> Result<usize, String> {
    value
        .as_u64()
        .filter(|n| *n > 0 && *n < 1 << 32)
        .map(|n| n as usize)
        .ok_or(format!("\"{name}\" is {value}; a positive whole number is needed"))
}

/// A positive finite number.
pub(super) fn positive(name: &str, value: &Value) -> Result<f64, String> {
    value
        .as_f64()
        .filter(|x| x.is_finite() && *x > 0.0)
        .ok_or(format!("\"{name}\" is {value}; a positive number is needed"))
}
