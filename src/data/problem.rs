//! What can be wrong with a file or a row, in words. Does not know how rows are read.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// One row that could not be used, or was used with a reservation.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RowProblem {
    /// The file as the user named it.
    pub file: PathBuf,
    /// Line in the file, from 1 (for JSON arrays: the element number, from 1).
    pub line: usize,
    /// Row number among all rows of the file, from 0, broken rows counted.
    pub row: usize,
    /// The field at fault, such as `messages[2].role`, where there is one.
    pub field: Option<String>,
    /// The whole sentence for the user: row, field, value, what to do, file and line.
    pub message: String,
    /// Whether the row was left out; otherwise it is used and the message is a reservation.
    pub skipped: bool,
}

/// Why a file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The system refused to open or read the file.
    #[error("Could not read {}: {source}. Check that the file exists and that you may open it.", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file has no rows, or is of a kind that has none for Burnish.
    #[error("{} holds no usable rows. {hint}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What to do.
        hint: String,
    },
}

/// A problem inside a row, before file and line are known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    pub field: Option<String>,
    /// One or two sentences: what is wrong, then what to do.
    pub what: String,
    /// The row can be shown, but is not fit to be learned from.
    pub unfit: bool,
}

impl Fault {
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            field: None,
            what: what.into(),
            unfit: false,
        }
    }

    /// A fault of a field; `what` goes on after the field's quoted name.
    pub fn field(field: &str, what: impl AsRef<str>) -> Self {
        Self {
            field: Some(field.to_owned()),
            what: format!("\"{field}\" {}", what.as_ref()),
            unfit: false,
        }
    }

    /// An answer without content: nothing to learn, or worse, that saying nothing is right.
    pub fn empty_answer(field: &str) -> Self {
        Self {
            unfit: true,
            ..Self::field(field, "is an empty answer. Skip it or edit the row.")
        }
    }

    /// `field` holds a value of the wrong type.
    pub fn wrong_type(field: &str, value: &Value, needed: &str) -> Self {
        Self::field(
            field,
            format!(
                "is {}, but {needed} is needed. Edit the row or skip it.",
                described(value)
            ),
        )
    }

    pub fn located(self, file: &Path, place: Place, skipped: bool) -> RowProblem {
        let Place { row, line, unit } = place;
        let message = format!("Row {row}: {} ({}, {unit} {line})", self.what, file.display());
        RowProblem {
            file: file.to_owned(),
            line,
            row,
            field: self.field,
            message,
            skipped,
        }
    }
}

/// Where a row stands in its file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// From 0.
    pub row: usize,
    /// From 1.
    pub line: usize,
    /// What `line` counts: `line` or `element`.
    pub unit: &'static str,
}

/// A value in a few words: its type and, where short enough, the value itself.
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => format!("{flag}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => quoted(text),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(_) => "an object".into(),
    }
}

/// Text in quotes, cut after 40 characters.
pub(super) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("\"{}\"", short.escape_debug())
}
