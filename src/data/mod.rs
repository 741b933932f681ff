//! Files of examples in, conversations and row problems out. Knows nothing of templates, tokens or tensors.
mod conversation;
pub use conversation::{Conversation, Kind, Message, Role, Source, Split};

use std::path::{Path, PathBuf};

/// The schema that the rows of a file follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schema {
    Messages,
    Alpaca,
    ShareGpt,
    PromptCompletion,
    Preference,
    Text,
}

/// One row that could not be used, or was used with a reservation.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RowProblem {
    pub file: PathBuf,
    pub line: usize,
    pub row: usize,
    pub field: Option<String>,
    pub message: String,
    pub skipped: bool,
}

/// Everything read from one file.
#[derive(Clone, Debug)]
pub struct DataSet {
    pub path: PathBuf,
    pub schema: Schema,
    pub conversations: Vec<Conversation>,
    pub problems: Vec<RowProblem>,
    pub rows_read: usize,
    pub sha256: String,
}

/// Why a file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error("Could not read {path}: {source}. Check that the file exists and that you may open it.")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{path} holds no usable rows. {hint}")]
    Empty { path: PathBuf, hint: String },
}

/// Reads a file of rows (jsonl, json array, txt).
pub fn read_file(_path: &Path) -> Result<DataSet, DataError> {
    todo!()
}

/// Marks `percent` of the conversations (at least 1, at most 500) as held out; conversations with the same prompt stay together.
pub fn hold_out(_conversations: &mut [Conversation], _percent: f64, _seed: u64) -> usize {
    todo!()
}
