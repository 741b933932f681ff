//! Encoded rows to fixed batches as plain vectors: packing, ordering, collation. The shift by one happens here, once.
//! Knows nothing of tensors.
use crate::tokens::Encoded;

/// One row ready for batching.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    pub ids: Vec<u32>,
    pub mask: Vec<bool>,
    /// Index of the conversation it came from (for messages).
    pub row: usize,
}

impl Example {
    pub fn new(e: &Encoded, row: usize) -> Self {
        Self {
            ids: e.ids.clone(),
            mask: e.mask.clone(),
            row,
        }
    }
}

/// A micro-batch of `rows` x `len` tokens, all vectors flat in row-major order.
/// `targets[i]` is the id that follows `ids[i]` in its segment, `mask[i]` whether that target is learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    pub rows: usize,
    pub len: usize,
    pub ids: Vec<u32>,
    pub targets: Vec<u32>,
    pub mask: Vec<bool>,
    /// Position inside the segment, from 0.
    pub positions: Vec<u32>,
    /// Segment number inside the row, from 1; 0 is padding.
    pub segments: Vec<u32>,
    /// Indices of the examples in this micro-batch (for messages).
    pub sources: Vec<usize>,
}
impl Packed {
    /// Number of learned targets.
    pub fn supervised(&self) -> usize {
        self.mask.iter().filter(|m| **m).count()
    }
    /// Number of tokens that are not padding.
    pub fn tokens(&self) -> usize {
        self.segments.iter().filter(|s| **s != 0).count()
    }
}

/// Groups example lengths into bins of at most `max_len`: best-fit decreasing as TRL's "bfd" (stable sort, oldest of equally tight bins).
pub fn pack_bfd(_lengths: &[usize], _max_len: usize) -> Vec<Vec<usize>> {
    todo!()
}

/// Collates rows of one or more examples each (one example a row when not packed), padded with `pad_id` to the longest row.
pub fn collate(_examples: &[Example], _rows: &[Vec<usize>], _pad_id: u32) -> Packed {
    todo!()
}
