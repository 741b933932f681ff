//! The tensor table of GGUF: names, shapes, types and places, checked against the file. Knows no tensor's meaning.

use std::collections::BTreeMap;
use std::ops::Range;

use super::cursor::Cursor;
use super::kind::GgufType;

/// A tensor as the table describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    /// Sizes, outermost first (the file stores them innermost first).
    pub shape: Vec<usize>,
    /// How its values are coded.
    pub kind: GgufType,
    /// Its bytes in the file.
    pub bytes: Range<usize>,
}

/// A tensor before the place of the data is known.
struct Entry {
    name: String,
    shape: Vec<usize>,
    kind: u32,
    offset: u64,
}

/// Most dimensions of a tensor in ggml.
const MOST_DIMENSIONS: u32 = 4;

/// Reads `count` entries and places them in a file of `length` bytes whose data starts at the next multiple of `alignment`.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    count: u64,
    alignment: usize,
    length: usize,
) -> Result<BTreeMap<String, TensorInfo>, String> {
    let mut entries = Vec::new();
    for number in 0..count {
        entries.push(entry(cursor, number, count)?);
    }
    let data = cursor.at().next_multiple_of(alignment);
    let mut table = BTreeMap::new();
    for entry in entries {
        let (name, info) = place(entry, alignment, data, length)?;
        if table.insert(name.clone(), info).is_some() {
            return Err(format!("tensor \"{name}\" occurs twice"));
        }
    }
    Ok(table)
}

fn entry(cursor: &mut Cursor<'_>, number: u64, count: u64) -> Result<Entry, String> {
    let what = format!("the entry of tensor {} of {count}", number + 1);
    let name = cursor.text(&what)?;
    let dimensions = cursor.u32(&what)?;
    if dimensions > MOST_DIMENSIONS {
        return Err(format!(
            "tensor \"{name}\" has {dimensions} dimensions; at most {MOST_DIMENSIONS} are possible"
        ));
    }
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        let size = cursor.u64(&what)?;
        shape.push(usize::try_from(size).map_err(|_| format!("tensor \"{name}\" has a dimension of {size} values"))?);
    }
    shape.reverse();
    let (kind, offset) = (cursor.u32(&what)?, cursor.u64(&what)?);
    Ok(Entry {
        name,
        shape,
        kind,
        offset,
    })
}

fn place(entry: Entry, alignment: usize, data: usize, length: usize) -> Result<(String, TensorInfo), String> {
    let name = entry.name;
    let kind = GgufType::from_id(entry.kind).map_err(|kind| {
        let known: Vec<_> = GgufType::all().map(GgufType::name).collect();
        format!(
            "tensor \"{name}\" is of type {kind}, which is not supported. Supported: {}",
            known.join(", ")
        )
    })?;
    let row = entry.shape.last().copied().unwrap_or(1);
    let rows = entry
        .shape
        .iter()
        .rev()
        .skip(1)
        .try_fold(1_usize, |all, n| all.checked_mul(*n));
    let size = kind
        .row_bytes(row)
        .zip(rows)
        .and_then(|(row, rows)| row.checked_mul(rows));
    let Some(size) = size else {
        return Err(format!(
            "tensor \"{name}\" of shape {:?} cannot be stored as {} (blocks of {} values)",
            entry.shape,
            kind.name(),
            kind.block_values()
        ));
    };
    let offset = usize::try_from(entry.offset).unwrap_or(usize::MAX);
    if !offset.is_multiple_of(alignment) {
        return Err(format!(
            "tensor \"{name}\" starts at byte {offset}, which is no multiple of {alignment}"
        ));
    }
    let start = data.checked_add(offset);
    let end = start
        .and_then(|start| start.checked_add(size))
        .filter(|end| *end <= length);
    let (Some(start), Some(end)) = (start, end) else {
        return Err(format!(
            "tensor \"{name}\" ({size} bytes at byte {offset} of the data) ends behind the end of the file ({length} bytes). The file is cut off"
        ));
    };
    let info = TensorInfo {
        shape: entry.shape,
        kind,
        bytes: start..end,
    };
    Ok((name, info))
}
