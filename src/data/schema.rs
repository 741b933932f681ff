//! Which schema a row follows, told from its keys. Does not read the values.

use serde_json::{Map, Value};

use super::problem::{Fault, quoted};

/// The schema that the rows of a file follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schema {
    /// OpenAI chat: `messages` of `role` and `content`.
    Messages,
    /// `instruction`, `input`, `output`, `system`, `history`.
    Alpaca,
    /// `conversations` of `from` and `value`.
    ShareGpt,
    /// `prompt` and `completion`, each text or messages.
    PromptCompletion,
    /// `prompt`, `chosen`, `rejected`: the chosen answer is learned.
    Preference,
    /// Raw `text`.
    Text,
}

impl Schema {
    /// Every schema, in the order in which a row with the keys of several is decided.
    pub const ALL: [Schema; 6] = [
        Schema::Messages,
        Schema::ShareGpt,
        Schema::Preference,
        Schema::PromptCompletion,
        Schema::Alpaca,
        Schema::Text,
    ];

    /// The name that people know it by.
    pub fn name(self) -> &'static str {
        match self {
            Schema::Messages => "messages",
            Schema::Alpaca => "alpaca",
            Schema::ShareGpt => "sharegpt",
            Schema::PromptCompletion => "prompt and completion",
            Schema::Preference => "preference",
            Schema::Text => "text",
        }
    }

    /// The fields a row must have, each with the other names it goes by.
    pub(super) fn needed(self) -> &'static [&'static [&'static str]] {
        match self {
            Schema::Messages => &[&["messages"]],
            Schema::ShareGpt => &[&["conversations", "conversation"]],
            Schema::Preference => &[&["chosen"], &["rejected"]],
            Schema::PromptCompletion => &[PROMPT, COMPLETION],
            Schema::Alpaca => &[&["instruction"], OUTPUT],
            Schema::Text => &[&["text"]],
        }
    }
}

/// Names of the question in prompt-and-completion rows.
pub(super) const PROMPT: &[&str] = &["prompt", "question", "query"];
/// Names of the answer in prompt-and-completion rows.
pub(super) const COMPLETION: &[&str] = &["completion", "response", "answer"];
/// Names of the answer in alpaca rows.
pub(super) const OUTPUT: &[&str] = &["output", "response"];
/// Names of the material in alpaca rows.
pub(super) const INPUT: &[&str] = &["input", "context"];

/// The key under which a row has a field that goes by several names.
pub(super) fn key_of(row: &Map<String, Value>, names: &[&'static str]) -> Option<&'static str> {
    names.iter().copied().find(|name| row.contains_key(*name))
}

/// The schema of a row: the first whose needed fields are all there.
pub(super) fn detect(row: &Map<String, Value>) -> Result<Schema, Fault> {
    let full = |schema: &Schema| schema.needed().iter().all(|names| key_of(row, names).is_some());
    if let Some(schema) = Schema::ALL.into_iter().find(full) {
        return Ok(schema);
    }
    let partial = |schema: &Schema| schema.needed().iter().any(|names| key_of(row, names).is_some());
    if let Some(schema) = Schema::ALL.into_iter().find(partial) {
        let missing = schema.needed().iter().find(|names| key_of(row, names).is_none());
        let field = missing.and_then(|names| names.first()).copied().unwrap_or_default();
        return Err(Fault::field(
            field,
            format!(
                "is missing, which rows of schema {} need. Add it or skip the row.",
                schema.name()
            ),
        ));
    }
    let keys: Vec<String> = row.keys().take(6).map(|key| quoted(key)).collect();
    let has = if keys.is_empty() {
        "the row is empty".to_owned()
    } else {
        format!("the row has {}", keys.join(", "))
    };
    Err(Fault::new(format!(
        "no known schema: {has}. Use \"messages\", \"conversations\", \"instruction\" and \"output\", \
         \"prompt\" and \"completion\", or \"text\"."
    )))
}
