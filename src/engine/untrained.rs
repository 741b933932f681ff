//! Which tokens a base never trained, told from single rows of its embedding: rows that are all but zero, that equal rows of ids that no
//! text can have, or that look as they were made. Reads weights, runs no model.

use std::path::Path;

use super::Sink;
use crate::formats::source::{Checkpoint, PackedBytes};
use crate::protocol::Event;
use crate::tokens::Tokenizer;

/// Names of the token embedding.
const EMBEDDINGS: [&str; 4] = [
    "model.embed_tokens.weight",
    "transformer.wte.weight",
    "wte.weight",
    "gpt_neox.embed_in.weight",
];
/// Ordinary tokens that the special ones are compared with.
const SAMPLE: usize = 1000;
/// Unused rows that are looked at.
const UNUSED: usize = 64;
/// Below this part of the usual length a row is as good as zero.
const TINY: f32 = 0.1;
/// Special tokens that are compared with each other at most.
const TWINS: usize = 512;
/// Rows that point this much the same way are the same.
const SAME: f32 = 0.998;

/// Those of `ids` whose embedding the base never trained. Without weights, or where nothing can be told, none.
pub fn untrained(model: &Path, tokenizer: &Tokenizer, ids: &[u32], sink: Sink<'_>) -> Vec<u32> {
    if ids.is_empty() {
        return vec![];
    }
    let checkpoint = match Checkpoint::open(model) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            sink(Event::Warning {
                message: format!("Whether the base knows its special tokens was not looked at: {error}"),
            });
            return vec![];
        }
    };
    let packed = EMBEDDINGS.iter().find_map(|name| checkpoint.weights.packed(name));
    let Some(rows) = packed.map(Rows) else {
        return vec![];
    };
    let initial = checkpoint.config.get("initializer_range").and_then(|v| v.as_f64());
    let judge = Judge::new(&rows, tokenizer, initial);
    let mut special: Vec<u32> = tokenizer.special_ids().collect();
    special.sort_unstable();
    special.truncate(TWINS);
    let special: Vec<(u32, Vec<f32>)> = special
        .into_iter()
        .filter_map(|id| Some((id, rows.get(id as usize)?)))
        .collect();
    // Two tokens that mean different things never get the same row by training.
    let twin = |id: u32, row: &[f32]| {
        let same = |other: &[f32]| alike(length(row), length(other)) && cosine(row, other) > SAME;
        special.iter().any(|(other, there)| *other != id && same(there))
    };
    let known = |id: &u32| {
        rows.get(*id as usize)
            .is_none_or(|row| !judge.untrained(&row) && !twin(*id, &row))
    };
    ids.iter().copied().filter(|id| !known(id)).collect()
}

/// Rows of a matrix, widened one at a time.
struct Rows<'a>(PackedBytes<'a>);

impl Rows<'_> {
    fn get(&self, row: usize) -> Option<Vec<f32>> {
        let PackedBytes { kind, shape, bytes } = &self.0;
        let size = kind.row_bytes(shape[1])?;
        let bytes = bytes.get(row.checked_mul(size)?..(row + 1).checked_mul(size)?)?;
        Some(kind.dequantise(bytes))
    }

    fn count(&self) -> usize {
        self.0.shape[0]
    }
}

/// What ordinary and unused rows look like.
struct Judge {
    /// The middle one of the lengths of ordinary rows.
    usual: f32,
    /// The mean of all ordinary rows: where new rows are put when a vocabulary grows.
    middle: Vec<f32>,
    /// The mean of the unused rows and their mean length, where there are such rows and they agree.
    unused: Option<(Vec<f32>, f32)>,
    /// The spread of values before training, where ordinary rows have long left it.
    initial: Option<f32>,
}

impl Judge {
    fn new(rows: &Rows<'_>, tokenizer: &Tokenizer, initial: Option<f64>) -> Self {
        let known = tokenizer.vocab_size().min(rows.count());
        let step = (known / SAMPLE).max(1);
        let ordinary = (0..known).step_by(step).filter(|id| !tokenizer.is_special(*id as u32));
        let ordinary: Vec<Vec<f32>> = ordinary.filter_map(|id| rows.get(id)).collect();
        let mut lengths: Vec<f32> = ordinary.iter().map(|row| length(row)).collect();
        lengths.sort_by(f32::total_cmp);
        let usual = lengths.get(lengths.len() / 2).copied().unwrap_or(0.0);
        let unused: Vec<Vec<f32>> = (known..rows.count())
            .take(UNUSED)
            .filter_map(|id| rows.get(id))
            .collect();
        let width = ordinary.first().map_or(1, Vec::len);
        let spread = usual / (width as f32).sqrt();
        Self {
            usual,
            middle: mean(&ordinary),
            unused: agreed(&unused),
            initial: initial
                .map(|range| range as f32)
                .filter(|range| *range > 0.0 && !(0.6..=1.5).contains(&(spread / range))),
        }
    }

    fn untrained(&self, row: &[f32]) -> bool {
        let long = length(row);
        if long < TINY * self.usual {
            return true;
        }
        let near = |size: f32| alike(long, size);
        let unused = self.unused.as_ref();
        if unused.is_some_and(|(mean, size)| near(*size) && cosine(row, mean) > SAME) {
            return true;
        }
        if near(length(&self.middle)) && cosine(row, &self.middle) > SAME {
            return true;
        }
        // A row of random numbers has their spread, up to what chance allows at this width.
        let width = row.len() as f32;
        let slack = 4.0 / (2.0 * width).sqrt();
        self.initial
            .is_some_and(|range| (long / width.sqrt() / range - 1.0).abs() < slack)
    }
}

/// The mean of rows that all point one way, and their mean length.
fn agreed(rows: &[Vec<f32>]) -> Option<(Vec<f32>, f32)> {
    let middle = mean(rows);
    let agree = rows.len() > 1 && rows.iter().all(|row| cosine(row, &middle) > SAME);
    let size = rows.iter().map(|row| length(row)).sum::<f32>() / rows.len().max(1) as f32;
    (agree && size > 0.0).then_some((middle, size))
}

fn mean(rows: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (total, value) in sum.iter_mut().zip(row) {
            *total += value / rows.len() as f32;
        }
    }
    sum
}

/// Are two lengths about the same?
fn alike(a: f32, b: f32) -> bool {
    (0.7..=1.4).contains(&(a / b.max(f32::MIN_POSITIVE)))
}

fn length(row: &[f32]) -> f32 {
    row.iter().map(|v| v * v).sum::<f32>().sqrt()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot: f32 = a.iter().zip(b).map(|(x, y)| x * y).sum();
    dot / (length(a) * length(b)).max(f32::MIN_POSITIVE)
}
