//! Rows and files given as text to the reader, for the tests of data.

use burnish::data::{Conversation, DataError, DataSet, ReadOptions, Role, RowProblem, Schema, read_file_with};
use serde_json::Value;

/// Reads `bytes` as a file of the given name.
pub fn read_bytes(name: &str, bytes: &[u8], options: ReadOptions) -> Result<DataSet, DataError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a written file");
    read_file_with(&path, options)
}

pub fn read(name: &str, text: &str) -> DataSet {
    read_bytes(name, text.as_bytes(), ReadOptions::default()).expect("a readable file")
}

/// The only conversation of a one-row file, without problems.
pub fn one(row: Value) -> (Schema, Conversation) {
    let data = read("one.jsonl", &row.to_string());
    assert_eq!(data.problems, [], "{row}");
    assert_eq!(data.conversations.len(), 1, "{row}");
    (data.schema, data.conversations[0].clone())
}

/// The only problem of a one-row file.
pub fn problem(row: Value) -> RowProblem {
    let data = read("one.jsonl", &row.to_string());
    assert_eq!(data.problems.len(), 1, "{row}: {:#?}", data.problems);
    assert_eq!(data.problems[0].skipped, data.conversations.is_empty(), "{row}");
    data.problems[0].clone()
}

pub fn turns(conversation: &Conversation) -> Vec<(Role, &str)> {
    conversation
        .messages
        .iter()
        .map(|m| (m.role, m.content.as_str()))
        .collect()
}
