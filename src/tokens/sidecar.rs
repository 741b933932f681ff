//! The small JSON files beside tokenizer.json: special tokens, end-of-turn ids and the chat template that ships with a
//! model. Knows file formats, not how text is tokenised.
use std::path::Path;

use serde_json::{Map, Value};

use super::TokenError;
use crate::template::{Template, Vars};

/// Names under which Hugging Face configs keep special tokens, each a template variable.
const TOKEN_KEYS: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];

/// What the files beside tokenizer.json say.
#[derive(Clone, Debug, Default)]
pub(super) struct Sidecar {
    /// `bos_token`, `eos_token`, `pad_token` ... as text.
    pub vars: Vars,
    /// The template that ships with the model.
    pub template: Option<Template>,
    /// Ids that end a turn, as generation_config.json (else config.json) lists them.
    pub eos_ids: Vec<u32>,
    /// Fallback ids for special tokens that no file names by text: (variable, id).
    pub id_vars: Vec<(&'static str, u32)>,
}

impl Sidecar {
    /// Reads what is there in `folder`; files that are missing are fine, files that are broken are errors.
    pub fn read(folder: &Path) -> Result<Self, TokenError> {
        let mut out = Sidecar::default();
        let config = object(&folder.join("tokenizer_config.json"))?;
        let map = object(&folder.join("special_tokens_map.json"))?;
        for source in [&config, &map].into_iter().flatten() {
            for key in TOKEN_KEYS {
                if let Some(text) = token_text(source.get(key)) {
                    out.vars.entry(key.to_owned()).or_insert(text);
                }
            }
        }
        for name in ["generation_config.json", "config.json"] {
            if let Some(found) = object(&folder.join(name))? {
                out.read_ids(&found);
            }
        }
        out.template = own_template(folder, config.as_ref())?;
        Ok(out)
    }

    /// Takes `eos_token_id` (a number or a list), `bos_token_id` and `pad_token_id`; what an earlier file said stays.
    fn read_ids(&mut self, config: &Map<String, Value>) {
        if self.eos_ids.is_empty() {
            self.eos_ids = ids(config.get("eos_token_id"));
        }
        for (var, key) in [
            ("bos_token", "bos_token_id"),
            ("eos_token", "eos_token_id"),
            ("pad_token", "pad_token_id"),
        ] {
            if let Some(id) = ids(config.get(key)).first() {
                self.id_vars.push((var, *id));
            }
        }
    }
}

/// A JSON object file, or None where there is no such file.
fn object(path: &Path) -> Result<Option<Map<String, Value>>, TokenError> {
    let Some(text) = optional_text(path)? else {
        return Ok(None);
    };
    let broken = |message: String| TokenError::Load {
        path: path.to_owned(),
        message,
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(map)) => Ok(Some(map)),
        Ok(_) => Err(broken(
            "Not a JSON object. Copy the file from the model's original folder again.".to_owned(),
        )),
        Err(e) => Err(broken(format!(
            "Line {}, column {}: {e}. Copy the file from the model's original folder again.",
            e.line(),
            e.column()
        ))),
    }
}

/// A text file, or None where there is no such file.
fn optional_text(path: &Path) -> Result<Option<String>, TokenError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e)
            if matches!(
                e.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(TokenError::Load {
            path: path.to_owned(),
            message: format!("Could not read the file: {e}."),
        }),
    }
}

/// A special token's text: a string or an object with `content`.
fn token_text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(s) => Some(s.clone()),
        Value::Object(o) => o.get("content")?.as_str().map(str::to_owned),
        _ => None,
    }
}

/// One id or a list of ids.
fn ids(value: Option<&Value>) -> Vec<u32> {
    let one = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok());
    match value {
        Some(Value::Array(list)) => list.iter().filter_map(one).collect(),
        Some(v) => one(v).into_iter().collect(),
        None => Vec::new(),
    }
}

/// chat_template.jinja, else chat_template of chat_template.json, else of tokenizer_config.json.
fn own_template(folder: &Path, config: Option<&Map<String, Value>>) -> Result<Option<Template>, TokenError> {
    const FILE: &str = "chat_template.jinja";
    if let Some(source) = optional_text(&folder.join(FILE))? {
        return Ok(Some(Template {
            name: FILE.to_owned(),
            source,
        }));
    }
    let legacy = object(&folder.join("chat_template.json"))?;
    let named = [
        ("chat_template.json", legacy.as_ref()),
        ("tokenizer_config.json", config),
    ];
    Ok(named.into_iter().find_map(|(file, map)| {
        let source = template_source(map?.get("chat_template")?)?;
        Some(Template {
            name: file.to_owned(),
            source,
        })
    }))
}

/// A template as a string, or the one called `default` (else the first) of a list of named ones.
fn template_source(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Array(list) => {
            let named = |name: &str| {
                list.iter()
                    .find(|t| t.get("name").and_then(Value::as_str) == Some(name))
            };
            named("default")
                .or(list.first())?
                .get("template")?
                .as_str()
                .map(str::to_owned)
        }
        Value::Object(map) => map.get("default").or(map.values().next())?.as_str().map(str::to_owned),
        _ => None,
    }
}
