//! A file's prepared rows as bytes: a table of rows in JSON, then all ids, then all masks, then a hash over everything before it. Knows
//! bytes, no files. What does not read back exactly as it was written gives nothing.

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::PreparedRow;
use crate::audit::{EndCount, Fate, RowFacts};
use crate::batch::Example;
use crate::data::Kind;

/// What the bytes begin with.
const MAGIC: &[u8; 16] = b"burnish rows v1\n";
/// Magic, length of the table, number of ids, bytes of an id.
const HEAD: usize = 16 + 8 + 8 + 1;
/// Bytes of the hash at the end.
const HASH: usize = 32;

/// A row without its ids. Tuples, so that names are not written a hundred thousand times.
#[derive(Serialize, Deserialize)]
struct Meta(
    /// Row and line.
    (usize, usize),
    Option<Kind>,
    /// The key of the prompt.
    u64,
    /// Fate, bits, whole, dropped.
    (Fate, u16, u32, u16),
    [EndCount; 4],
    /// The facts' word, the problem.
    (String, String),
    /// Lengths of the examples.
    Vec<usize>,
);

impl Meta {
    fn of(row: &PreparedRow) -> Self {
        let f = &row.facts;
        Self(
            (row.row, row.line),
            row.kind,
            row.prompt,
            (f.fate, f.bits, f.whole, f.dropped),
            f.ends,
            (f.word.clone(), row.problem.clone()),
            row.examples.iter().map(|e| e.ids.len()).collect(),
        )
    }

    fn row(self, examples: Vec<Example>) -> PreparedRow {
        let Meta((row, line), kind, prompt, (fate, bits, whole, dropped), ends, (word, problem), _) = self;
        PreparedRow {
            file: 0,
            row,
            line,
            kind,
            prompt,
            held_out: false,
            facts: RowFacts {
                fate,
                bits,
                whole,
                dropped,
                ends,
                word,
            },
            problem,
            examples,
        }
    }
}

/// Rows to bytes; `None` where the table cannot be written.
pub(super) fn pack(rows: &[PreparedRow]) -> Option<Vec<u8>> {
    let table = serde_json::to_vec(&rows.iter().map(Meta::of).collect::<Vec<_>>()).ok()?;
    let examples = || rows.iter().flat_map(|row| &row.examples);
    let ids = || examples().flat_map(|e| e.ids.iter().copied());
    let (count, top) = ids().fold((0usize, 0), |(count, top), id| (count + 1, top.max(id)));
    let width = if top <= u32::from(u16::MAX) { 2 } else { 4 };
    let mut bytes = Vec::with_capacity(HEAD + table.len() + count * width + count.div_ceil(8) + HASH);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(table.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&(count as u64).to_le_bytes());
    bytes.push(width as u8);
    bytes.extend_from_slice(&table);
    for id in ids() {
        bytes.extend_from_slice(&id.to_le_bytes()[..width]);
    }
    let (mut byte, mut bit) = (0u8, 0);
    for learned in examples().flat_map(|e| e.mask.iter()) {
        byte |= u8::from(*learned) << bit;
        bit += 1;
        if bit == 8 {
            bytes.push(byte);
            (byte, bit) = (0, 0);
        }
    }
    if bit > 0 {
        bytes.push(byte);
    }
    let hash = Sha256::digest(&bytes);
    bytes.extend_from_slice(&hash);
    Some(bytes)
}

/// Bytes to rows; `None` unless they are exactly what [`pack`] wrote.
pub(super) fn unpack(bytes: &[u8]) -> Option<Vec<PreparedRow>> {
    let parts = Parts::find(bytes)?;
    let body = bytes.get(..bytes.len().checked_sub(HASH)?)?;
    let hash = &bytes[body.len()..];
    let (right, table) = rayon::join(
        || Sha256::digest(body).as_slice() == hash,
        || serde_json::from_slice::<Vec<Meta>>(parts.table).ok(),
    );
    let table = table.filter(|_| right)?;
    let mut start = 0usize;
    let mut placed = Vec::with_capacity(table.len());
    for meta in table {
        let lengths: usize = meta.6.iter().try_fold(0usize, |sum, n| sum.checked_add(*n))?;
        placed.push((start, meta));
        start = start.checked_add(lengths)?;
    }
    if start != parts.count {
        return None;
    }
    placed
        .into_par_iter()
        .with_min_len(256)
        .map(|(mut at, meta)| {
            let mut examples = Vec::with_capacity(meta.6.len());
            for length in &meta.6 {
                examples.push(parts.example(at..at + length, meta.0.0)?);
                at += length;
            }
            Some(meta.row(examples))
        })
        .collect()
}

/// The sections of the bytes.
struct Parts<'a> {
    table: &'a [u8],
    count: usize,
    width: usize,
    ids: &'a [u8],
    mask: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Cuts the bytes; `None` where their lengths do not add up.
    fn find(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (table, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<8>()?;
        let (width, rest) = rest.split_first()?;
        let table = usize::try_from(u64::from_le_bytes(*table)).ok()?;
        let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
        let width = Some(usize::from(*width)).filter(|width| [2, 4].contains(width))?;
        let (table, rest) = rest.split_at_checked(table)?;
        let (ids, rest) = rest.split_at_checked(count.checked_mul(width)?)?;
        let (mask, rest) = rest.split_at_checked(count.div_ceil(8))?;
        (rest.len() == HASH).then_some(Self {
            table,
            count,
            width,
            ids,
            mask,
        })
    }

    /// The ids and mask of some places.
    fn example(&self, places: Range<usize>, row: usize) -> Option<Example> {
        let bytes = self.ids.get(places.start * self.width..places.end * self.width)?;
        let ids = match self.width {
            2 => bytes
                .chunks_exact(2)
                .map(|b| u32::from(u16::from_le_bytes([b[0], b[1]])))
                .collect(),
            _ => bytes
                .chunks_exact(4)
                .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect(),
        };
        let mask = places.map(|at| self.mask[at / 8] >> (at % 8) & 1 == 1).collect();
        Some(Example { ids, mask, row })
    }
}
