//! Reads a file of rows, whatever its container, one row at a time. Does not know what the rows are for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::array::elements;
use super::conversation::{Conversation, Source, Split};
use super::csv::records;
use super::problem::{DataError, Fault, Place, RowProblem};
use super::row::read_row;
use super::schema::{Schema, detect};
use super::source::Bytes;

/// Everything read from one file. `conversations` may be empty when every row has a problem.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// The file as the user named it.
    pub path: PathBuf,
    /// The schema of most rows.
    pub schema: Schema,
    /// The usable rows, in the order of the file.
    pub conversations: Vec<Conversation>,
    /// What is wrong with rows, in the order of the file.
    pub problems: Vec<RowProblem>,
    /// All rows, broken ones counted.
    pub rows_read: usize,
    /// SHA-256 of the file in lower-case hex.
    pub sha256: String,
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
    let extension = path
        .extension()
        .map(|e| e.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    if let "parquet" | "arrow" | "feather" | "xlsx" | "gz" | "zst" | "zip" | "bz2" | "xz" = extension.as_str() {
        let hint = format!("Files of type .{extension} cannot be read: convert it to .jsonl (one JSON object a line).");
        return Err(DataError::Empty {
            path: path.to_owned(),
            hint,
        });
    }
    let mut bytes = Bytes::open(path)?;
    let mut reading = Reading::new(path, options);
    match (extension.as_str(), bytes.first_byte(path)?) {
        ("txt" | "md" | "text", _) => reading.paragraphs(&mut bytes)?,
        ("csv", _) => reading.table(&bytes.rest(path)?, ','),
        ("tsv", _) => reading.table(&bytes.rest(path)?, '\t'),
        (_, Some(b'[')) => reading.array(&bytes.rest(path)?),
        ("json", Some(b'{')) => reading.json_objects(&bytes.rest(path)?),
        _ => reading.lines(&mut bytes)?,
    }
    reading.finish(bytes.sha256(path)?)
}

/// What has been read so far.
struct Reading {
    file: Arc<PathBuf>,
    options: ReadOptions,
    /// What place numbers count in this container.
    unit: &'static str,
    rows: usize,
    conversations: Vec<Conversation>,
    schemas: Vec<Schema>,
    problems: Vec<RowProblem>,
}

impl Reading {
    fn new(path: &Path, options: ReadOptions) -> Self {
        let file = Arc::new(path.to_owned());
        Self {
            file,
            options,
            unit: "line",
            rows: 0,
            conversations: Vec::new(),
            schemas: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// One JSON object a line; blank lines are no rows.
    fn lines(&mut self, bytes: &mut Bytes) -> Result<(), DataError> {
        let (mut line, mut number) = (Vec::new(), 0);
        while bytes.next_line(&self.file, &mut line)? {
            number += 1;
            if !line.trim_ascii().is_empty() {
                self.row(number, parse(&line));
            }
        }
        Ok(())
    }

    /// The elements of a JSON array; their number stands for the line.
    fn array(&mut self, bytes: &[u8]) {
        self.unit = "element";
        for (index, range) in elements(bytes).into_iter().enumerate() {
            self.row(index + 1, parse(&bytes[range]));
        }
    }

    /// A `.json` file that starts with an object: a wrapper around a list of rows, one row, or JSON lines after all.
    fn json_objects(&mut self, bytes: &[u8]) {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(object)) => {
                let is_row = detect(&object).is_ok();
                let mut fields = object.into_iter().collect::<Vec<_>>();
                let list = fields
                    .iter()
                    .position(|(_, value)| is_list_of_objects(value))
                    .filter(|_| !is_row);
                match list.map(|index| fields.swap_remove(index).1) {
                    Some(Value::Array(list)) => {
                        self.unit = "element";
                        for (index, value) in list.into_iter().enumerate() {
                            self.row(index + 1, Ok(value));
                        }
                    }
                    _ => self.row(1, Ok(Value::Object(Map::from_iter(fields)))),
                }
            }
            _ => {
                for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
                    if !line.trim_ascii().is_empty() {
                        self.row(index + 1, parse(line));
                    }
                }
            }
        }
    }

    /// Plain text: blank lines separate the rows.
    fn paragraphs(&mut self, bytes: &mut Bytes) -> Result<(), DataError> {
        let (mut line, mut number, mut start, mut paragraph) = (Vec::new(), 0, 1, Vec::new());
        loop {
            let more = bytes.next_line(&self.file, &mut line)?;
            number += 1;
            if more && !line.trim_ascii().is_empty() {
                if paragraph.is_empty() {
                    start = number;
                } else {
                    paragraph.push(b'\n');
                }
                paragraph.extend_from_slice(&line);
            } else if !paragraph.is_empty() {
                let text = utf8(&paragraph).map(|text| text_row(text.trim_end()));
                self.row(start, text);
                paragraph.clear();
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// A table with a header line: each record is an object of texts.
    fn table(&mut self, bytes: &[u8], separator: char) {
        let mut records = records(&String::from_utf8_lossy(bytes), separator).into_iter();
        let Some(header) = records.next() else { return };
        for record in records {
            let value = if record.fields.len() == header.fields.len() {
                let names = header.fields.iter().map(|name| name.trim().to_owned());
                Ok(Value::Object(
                    names.zip(record.fields.into_iter().map(Value::String)).collect(),
                ))
            } else {
                let (has, needed) = (record.fields.len(), header.fields.len());
                Err(Fault::new(format!(
                    "has {has} columns, but the header names {needed}. Check its quotes."
                )))
            };
            self.row(record.line, value);
        }
    }

    fn row(&mut self, line: usize, value: Result<Value, Fault>) {
        let place = Place {
            row: self.rows,
            line,
            unit: self.unit,
        };
        self.rows += 1;
        let mut notes = Vec::new();
        let read = value.and_then(|value| read_row(value, &mut notes)).and_then(|draft| {
            let unfit = notes
                .iter()
                .position(|note: &Fault| note.unfit && !self.options.keep_empty);
            unfit.map_or(Ok(draft), |index| Err(notes.swap_remove(index)))
        });
        match read {
            Err(fault) => self.problems.push(fault.located(&self.file, place, true)),
            Ok(draft) => {
                self.problems
                    .extend(notes.into_iter().map(|note| note.located(&self.file, place, false)));
                self.schemas.push(draft.schema);
                self.conversations.push(Conversation {
                    messages: draft.messages,
                    tools: draft.tools,
                    documents: draft.documents,
                    kind: draft.kind,
                    source: Source {
                        file: self.file.clone(),
                        line,
                        row: place.row,
                    },
                    split: Split::Train,
                });
            }
        }
    }

    fn finish(mut self, sha256: String) -> Result<DataSet, DataError> {
        let path = self.file.to_path_buf();
        if self.rows == 0 {
            let hint = "The file is empty. Put one JSON object on each line, for example {\"messages\": [...]}.";
            return Err(DataError::Empty {
                path,
                hint: hint.to_owned(),
            });
        }
        let schema = self.majority();
        self.note_other_schemas(schema);
        self.problems.sort_by_key(|problem| problem.row);
        let Self {
            conversations,
            problems,
            rows,
            ..
        } = self;
        Ok(DataSet {
            path,
            schema,
            conversations,
            problems,
            rows_read: rows,
            sha256,
        })
    }

    /// The schema of most usable rows.
    fn majority(&self) -> Schema {
        let count = |schema: &Schema| self.schemas.iter().filter(|other| *other == schema).count();
        Schema::ALL
            .into_iter()
            .rev()
            .max_by_key(count)
            .unwrap_or(Schema::Messages)
    }

    /// One reservation for each schema beside the majority's, at its first row.
    fn note_other_schemas(&mut self, majority: Schema) {
        for other in Schema::ALL.into_iter().filter(|schema| *schema != majority) {
            let mut rows = self
                .schemas
                .iter()
                .zip(&self.conversations)
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
            self.problems.push(Fault::new(what).located(&self.file, place, false));
        }
    }
}

fn is_list_of_objects(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.first().is_some_and(Value::is_object))
}

fn text_row(text: &str) -> Value {
    Value::Object(Map::from_iter([("text".to_owned(), Value::String(text.to_owned()))]))
}

fn utf8(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        Fault::new(format!(
            "the row is not UTF-8 text (byte {} is 0x{byte:02X}). Save the file as UTF-8 or edit the row.",
            at + 1
        ))
    })
}

fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    serde_json::from_str(utf8(bytes)?).map_err(|error| {
        let text = error.to_string();
        let cause = text.split(" at line ").next().unwrap_or(&text);
        let column = if error.line() > 1 {
            format!("its line {}, column {}", error.line(), error.column())
        } else {
            format!("column {}", error.column())
        };
        Fault::new(format!(
            "the row is not valid JSON: {cause} ({column}). Edit the row or skip it."
        ))
    })
}
