//! A file cut into rows that are not parsed yet, so that rows can be read on any thread, or one alone. Does not know what the rows are
//! for.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::array::elements;
use super::conversation::{Conversation, Source, Split};
use super::csv::records;
use super::problem::{DataError, Fault, Place, RowProblem};
use super::read::ReadOptions;
use super::row::read_row;
use super::schema::{Schema, detect};
use super::source::Bytes;

/// The rows of a file.
pub struct RawRows {
    file: Arc<PathBuf>,
    /// The whole file, without its byte order mark.
    bytes: Vec<u8>,
    sha256: String,
    /// What place numbers count in this container.
    unit: &'static str,
    cuts: Vec<Cut>,
}

/// One row.
struct Cut {
    /// From 1.
    line: usize,
    what: What,
}

/// What a row is, before it is read.
enum What {
    /// JSON text at this place of the file.
    Json(Range<usize>),
    /// A value of a container that can only be read as a whole, or what is wrong with it.
    Ready(Result<Value, Fault>),
}

/// What one row came to.
pub struct ReadRow {
    /// The row, where it can be used, and the schema it follows.
    pub read: Option<(Conversation, Schema)>,
    /// What is wrong with it.
    pub problems: Vec<RowProblem>,
}

impl RawRows {
    /// Reads a file and cuts it: JSON lines, a JSON array, CSV/TSV with a header, or plain text, where blank lines separate the rows.
    ///
    /// # Errors
    /// The file cannot be read, is of a kind without rows, or is empty.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let extension = path
            .extension()
            .map(|e| e.to_string_lossy().to_ascii_lowercase())
            .unwrap_or_default();
        if let "parquet" | "arrow" | "feather" | "xlsx" | "gz" | "zst" | "zip" | "bz2" | "xz" = extension.as_str() {
            let hint =
                format!("Files of type .{extension} cannot be read: convert it to .jsonl (one JSON object a line).");
            return Err(DataError::Empty {
                path: path.to_owned(),
                hint,
            });
        }
        let Bytes { bytes, sha256 } = Bytes::read(path)?;
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        let (unit, cuts) = match (extension.as_str(), first) {
            ("txt" | "md" | "text", _) => ("line", paragraphs(&bytes)),
            ("csv", _) => ("line", table(&bytes, ',')),
            ("tsv", _) => ("line", table(&bytes, '\t')),
            (_, Some(b'[')) => ("element", array(&bytes)),
            ("json", Some(b'{')) => json_objects(&bytes),
            _ => ("line", lines(&bytes)),
        };
        if cuts.is_empty() {
            let hint = "The file is empty. Put one JSON object on each line, for example {\"messages\": [...]}.";
            return Err(DataError::Empty {
                path: path.to_owned(),
                hint: hint.to_owned(),
            });
        }
        Ok(Self {
            file: Arc::new(path.to_owned()),
            bytes,
            sha256,
            unit,
            cuts,
        })
    }

    /// Number of rows, broken ones counted.
    pub fn len(&self) -> usize {
        self.cuts.len()
    }

    /// A file that was opened has at least one row.
    pub fn is_empty(&self) -> bool {
        self.cuts.is_empty()
    }

    /// SHA-256 of the file in lower-case hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Reads row `row`, from 0; `None` where there is no such row.
    pub fn row(&self, row: usize, options: ReadOptions) -> Option<ReadRow> {
        let cut = self.cuts.get(row)?;
        let place = Place {
            row,
            line: cut.line,
            unit: self.unit,
        };
        let value = match &cut.what {
            What::Json(range) => parse(&self.bytes[range.clone()]),
            What::Ready(value) => value.clone(),
        };
        let mut notes = Vec::new();
        let read = value.and_then(|value| read_row(value, &mut notes)).and_then(|draft| {
            let unfit = notes.iter().position(|note: &Fault| note.unfit && !options.keep_empty);
            unfit.map_or(Ok(draft), |index| Err(notes.swap_remove(index)))
        });
        let draft = match read {
            Ok(draft) => draft,
            Err(fault) => {
                let problems = vec![fault.located(&self.file, place, true)];
                return Some(ReadRow { read: None, problems });
            }
        };
        let conversation = Conversation {
            messages: draft.messages,
            tools: draft.tools,
            documents: draft.documents,
            kind: draft.kind,
            source: Source {
                file: self.file.clone(),
                line: cut.line,
                row,
            },
            split: Split::Train,
        };
        Some(ReadRow {
            read: Some((conversation, draft.schema)),
            problems: notes
                .into_iter()
                .map(|note| note.located(&self.file, place, false))
                .collect(),
        })
    }
}

/// One JSON object a line; blank lines are no rows.
fn lines(bytes: &[u8]) -> Vec<Cut> {
    let mut cuts = Vec::new();
    let mut start = 0;
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if !line.trim_ascii().is_empty() {
            let end = start + line.trim_ascii_end().len();
            cuts.push(Cut::json(index + 1, start..end));
        }
        start += line.len() + 1;
    }
    cuts
}

/// The elements of a JSON array; their number stands for the line.
fn array(bytes: &[u8]) -> Vec<Cut> {
    let each = elements(bytes).into_iter().enumerate();
    each.map(|(index, range)| Cut::json(index + 1, range)).collect()
}

/// A `.json` file that starts with an object: a wrapper around a list of rows, one row, or JSON lines after all.
fn json_objects(bytes: &[u8]) -> (&'static str, Vec<Cut>) {
    let Ok(Value::Object(object)) = serde_json::from_slice(bytes) else {
        return ("line", lines(bytes));
    };
    let is_row = detect(&object).is_ok();
    let mut fields = object.into_iter().collect::<Vec<_>>();
    let list = fields
        .iter()
        .position(|(_, value)| is_list_of_objects(value))
        .filter(|_| !is_row);
    match list.map(|index| fields.swap_remove(index).1) {
        Some(Value::Array(list)) => {
            let each = list.into_iter().enumerate();
            (
                "element",
                each.map(|(index, value)| Cut::ready(index + 1, Ok(value))).collect(),
            )
        }
        _ => {
            let row = Value::Object(Map::from_iter(fields));
            ("line", vec![Cut::ready(1, Ok(row))])
        }
    }
}

/// Plain text: blank lines separate the rows.
fn paragraphs(bytes: &[u8]) -> Vec<Cut> {
    let (mut cuts, mut start, mut paragraph) = (Vec::new(), 1, Vec::<u8>::new());
    let mut close = |start: usize, paragraph: &mut Vec<u8>| {
        if !paragraph.is_empty() {
            let text = utf8(paragraph).map(|text| text_row(text.trim_end()));
            cuts.push(Cut::ready(start, text));
            paragraph.clear();
        }
    };
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |at| at + 1);
        let line = &line[..end];
        if line.trim_ascii().is_empty() {
            close(start, &mut paragraph);
            continue;
        }
        if paragraph.is_empty() {
            start = index + 1;
        } else {
            paragraph.push(b'\n');
        }
        paragraph.extend_from_slice(line);
    }
    close(start, &mut paragraph);
    cuts
}

/// A table with a header line: each record is an object of texts.
fn table(bytes: &[u8], separator: char) -> Vec<Cut> {
    let mut records = records(&String::from_utf8_lossy(bytes), separator).into_iter();
    let Some(header) = records.next() else {
        return Vec::new();
    };
    let value = |fields: Vec<String>| {
        if fields.len() != header.fields.len() {
            let (has, needed) = (fields.len(), header.fields.len());
            return Err(Fault::new(format!(
                "has {has} columns, but the header names {needed}. Check its quotes."
            )));
        }
        let names = header.fields.iter().map(|name| name.trim().to_owned());
        Ok(Value::Object(
            names.zip(fields.into_iter().map(Value::String)).collect(),
        ))
    };
    records
        .map(|record| Cut::ready(record.line, value(record.fields)))
        .collect()
}

impl Cut {
    fn json(line: usize, range: Range<usize>) -> Self {
        Self {
            line,
            what: What::Json(range),
        }
    }

    fn ready(line: usize, value: Result<Value, Fault>) -> Self {
        Self {
            line,
            what: What::Ready(value),
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
