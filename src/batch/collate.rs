//! Examples to one rectangular micro-batch, with the shift by one. Does not decide which examples go together.

use super::Example;

/// A micro-batch of `rows` x `len` tokens, all vectors flat in row-major order.
/// `targets[i]` is the id that follows `ids[i]` in its segment, `mask[i]` whether that target is learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    /// Number of rows.
    pub rows: usize,
    /// Tokens in a row, padding included.
    pub len: usize,
    /// Token ids, `pad_id` in the padding.
    pub ids: Vec<u32>,
    /// The next id inside the segment; `pad_id` (and never learned) after a segment's last token.
    pub targets: Vec<u32>,
    /// Whether the target at the same place is learned.
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
        self.mask.iter().filter(|learned| **learned).count()
    }

    /// Number of tokens that are not padding.
    pub fn tokens(&self) -> usize {
        self.segments.iter().filter(|segment| **segment != 0).count()
    }

    fn with_room(rows: usize, len: usize) -> Self {
        let places = rows * len;
        Self {
            rows,
            len,
            ids: Vec::with_capacity(places),
            targets: Vec::with_capacity(places),
            mask: Vec::with_capacity(places),
            positions: Vec::with_capacity(places),
            segments: Vec::with_capacity(places),
            sources: Vec::new(),
        }
    }

    fn push_segment(&mut self, example: &Example, segment: u32, pad_id: u32) {
        let count = example.ids.len();
        self.ids.extend_from_slice(&example.ids);
        self.targets.extend_from_slice(&example.ids[1..]);
        self.targets.push(pad_id);
        self.mask.extend_from_slice(&example.mask[1..]);
        self.mask.push(false);
        self.positions.extend(0..count as u32);
        self.segments.extend(std::iter::repeat_n(segment, count));
    }

    fn pad_to(&mut self, places: usize, pad_id: u32) {
        self.ids.resize(places, pad_id);
        self.targets.resize(places, pad_id);
        self.mask.resize(places, false);
        self.positions.resize(places, 0);
        self.segments.resize(places, 0);
    }
}

/// Collates rows of one or more examples each (one example a row when not packed), padded with `pad_id` to the longest row.
///
/// `rows` holds indices into `examples`; segments stand in the given order. The last token of a segment predicts nothing,
/// so a segment never learns the first token of its neighbour. Empty examples make no segment.
pub fn collate(examples: &[Example], rows: &[Vec<usize>], pad_id: u32) -> Packed {
    let row_len = |row: &Vec<usize>| row.iter().map(|index| examples[*index].ids.len()).sum::<usize>();
    let len = rows.iter().map(row_len).max().unwrap_or(0);
    let mut packed = Packed::with_room(rows.len(), len);
    for (number, row) in rows.iter().enumerate() {
        let full = row.iter().filter(|index| !examples[**index].ids.is_empty());
        for (segment, &index) in (1u32..).zip(full) {
            packed.push_segment(&examples[index], segment, pad_id);
            packed.sources.push(index);
        }
        packed.pad_to((number + 1) * len, pad_id);
    }
    packed
}
