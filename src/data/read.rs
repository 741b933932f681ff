//! A whole file of rows, whatever its container. Does not know what the rows are for.

use std::path::{Path, PathBuf};

use super::conversation::Conversation;
use super::cut::RawRows;
use super::problem::{DataError, Fault, Place, RowProblem};
use super::schema::Schema;

/// Everything read from one file, or from several in turn. `conversations` may be empty when every row has a problem.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// The file as the user named it.
    pub path: PathBuf,
    /// Files that were read after it.
    pub more: Vec<PathBuf>,
    /// The schema of most rows.
    pub schema: Schema,
    /// The usable rows, in the order of the file.
    pub conversations: Vec<Conversation>,
    /// What is wrong with rows, in the order of the file.
    pub problems: Vec<RowProblem>,
    /// All rows, broken ones counted.
    pub rows_read: usize,
    /// SHA-256 of the file in lower-case hex; of several files, one after the other.
    pub sha256: String,
}

impl DataSet {
    /// All files, in the order of their rows.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.path).chain(&self.more)
    }

    /// Number of the file that a conversation is from.
    pub fn file_of(&self, conversation: &Conversation) -> usize {
        let file = &*conversation.source.file;
        self.files().position(|path| path == file).unwrap_or(0)
    }

    /// Index of the conversation that a row of a file became; `None` where it was skipped.
    pub fn index_of(&self, file: usize, row: usize) -> Option<usize> {
        // Files and their rows are both in order.
        let place = |c: &Conversation| (self.file_of(c), c.source.row);
        self.conversations.binary_search_by_key(&(file, row), place).ok()
    }

    /// Adds the rows of another file after these; the schema stays that of the more.
    pub fn append(&mut self, other: DataSet) {
        if other.conversations.len() > self.conversations.len() {
            self.schema = other.schema;
        }
        self.more.push(other.path);
        self.more.extend(other.more);
        self.conversations.extend(other.conversations);
        self.problems.extend(other.problems);
        self.rows_read += other.rows_read;
        self.sha256 += &other.sha256;
    }
}

/// How strict reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Keep rows with an empty assistant message, with a reservation, instead of skipping them: for looking at data,
    /// not for learning from it.
    pub keep_empty: bool,
}

/// Reads a file of rows for learning: JSON lines, a JSON array, CSV/TSV with a header, or plain text, where blank lines
/// separate the rows. A bad row becomes a problem and never fails the file.
pub fn read_file(path: &Path) -> Result<DataSet, DataError> {
    read_file_with(path, ReadOptions::default())
}

/// [`read_file`] with a choice of strictness.
pub fn read_file_with(path: &Path, options: ReadOptions) -> Result<DataSet, DataError> {
    let rows = RawRows::open(path)?;
    let (mut conversations, mut schemas, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for row in (0..rows.len()).filter_map(|row| rows.row(row, options)) {
        problems.extend(row.problems);
        if let Some((conversation, schema)) = row.read {
            conversations.push(conversation);
            schemas.push(schema);
        }
    }
    let schema = majority(&schemas);
    problems.extend(other_schemas(path, schema, &schemas, &conversations));
    problems.sort_by_key(|problem| problem.row);
    Ok(DataSet {
        path: path.to_owned(),
        more: Vec::new(),
        schema,
        conversations,
        problems,
        rows_read: rows.len(),
        sha256: rows.sha256().to_owned(),
    })
}

/// The schema of most usable rows.
fn majority(schemas: &[Schema]) -> Schema {
    let count = |schema: &Schema| schemas.iter().filter(|other| *other == schema).count();
    Schema::ALL
        .into_iter()
        .rev()
        .max_by_key(count)
        .unwrap_or(Schema::Messages)
}

/// One reservation for each schema beside the majority's, at its first row.
fn other_schemas(path: &Path, majority: Schema, schemas: &[Schema], conversations: &[Conversation]) -> Vec<RowProblem> {
    let mut notes = Vec::new();
    for other in Schema::ALL.into_iter().filter(|schema| *schema != majority) {
        let mut rows = schemas
            .iter()
            .zip(conversations)
            .filter(|(schema, _)| **schema == other);
        let Some((_, first)) = rows.next() else { continue };
        let place = Place {
            row: first.source.row,
            line: first.source.line,
            unit: "line",
        };
        let also = match rows.count() {
            0 => String::new(),
            1 => " (one more row does too)".to_owned(),
            more => format!(" (as do {more} more rows)"),
        };
        let what = format!(
            "the row follows schema {}{also}, while most rows follow {}. It is used; check that it belongs here.",
            other.name(),
            majority.name()
        );
        notes.push(Fault::new(what).located(path, place, false));
    }
    notes
}
