//! The tensors of a GGUF file as a Hugging Face checkpoint would hold them: names, shapes, and the converters' changes undone. Knows no
//! config beyond the numbers of heads.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use super::names::{self, Change};
use super::{Gguf, GgufType, TensorInfo};
use crate::formats::FormatError;
use crate::formats::source::{PackedBytes, TensorSource};
use crate::formats::weights::HostTensor;

/// Tensors that describe the rotary embedding; the config holds what they say.
const IN_CONFIG: [&str; 3] = [
    "rope_freqs.weight",
    "rope_factors_long.weight",
    "rope_factors_short.weight",
];

/// A GGUF file seen as a checkpoint.
pub struct GgufWeights {
    gguf: Gguf,
    /// By Hugging Face name: the GGUF name and what was changed.
    index: BTreeMap<String, (String, Change)>,
    heads: Heads,
}

#[derive(Clone, Copy)]
struct Heads {
    query: usize,
    key: usize,
}

impl GgufWeights {
    /// Finds the Hugging Face name of every tensor.
    ///
    /// # Errors
    /// The architecture is unknown, there are no tensors, one has no place in the architecture, or rows do not divide into heads.
    pub fn new(gguf: Gguf) -> Result<Self, FormatError> {
        let invalid = |message: String| FormatError::invalid(gguf.path(), message);
        let architecture = super::hf::architecture(&gguf)?;
        let names = names::of(&architecture).ok_or_else(|| super::hf::unknown(&gguf, &architecture))?;
        let mut index = BTreeMap::new();
        for name in gguf.tensors().keys().filter(|name| !IN_CONFIG.contains(&name.as_str())) {
            let Some((hf, change)) = names.translate(name) else {
                return Err(invalid(format!(
                    "Tensor \"{name}\" has no place in a model of architecture \"{architecture}\" as Burnish knows it, so the model would not compute what it should. Choose another conversion of the model."
                )));
            };
            index.insert(hf, (name.clone(), change));
        }
        if index.is_empty() {
            return Err(invalid(
                "It holds a vocabulary only, no tensors. Choose the model's own file.".into(),
            ));
        }
        let heads = heads(&gguf, &architecture);
        let all = Self { gguf, index, heads };
        all.check()?;
        Ok(all)
    }

    /// Rows must divide into heads where they are to be reordered.
    fn check(&self) -> Result<(), FormatError> {
        for (name, (_, change)) in &self.index {
            let Some((info, _)) = self.find(name) else { continue };
            let rows = info.shape.first().copied().unwrap_or(0);
            let divisor = match change {
                Change::QueryRows => self.heads.query.saturating_mul(2),
                Change::KeyRows => self.heads.key.saturating_mul(2),
                Change::SortedQkv => self.heads.query.saturating_mul(3),
                Change::None | Change::AddedOne | Change::Transposed => continue,
            };
            if divisor == 0 || !rows.is_multiple_of(divisor) {
                let message = format!(
                    "Tensor \"{name}\" has shape {:?}, whose rows do not divide into {} query and {} key heads. Download or convert the file again.",
                    info.shape, self.heads.query, self.heads.key
                );
                return Err(FormatError::invalid(self.gguf.path(), message));
            }
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<(&TensorInfo, Change)> {
        let (gguf, change) = self.index.get(name)?;
        Some((self.gguf.tensors().get(gguf)?, *change))
    }

    /// Where row `row` of the Hugging Face tensor is in the file; `None` when rows are in order.
    fn row_order(&self, change: Change, rows: usize) -> Option<Vec<usize>> {
        match change {
            Change::QueryRows => Some(halves_from_pairs(rows, self.heads.query)),
            Change::KeyRows => Some(halves_from_pairs(rows, self.heads.key)),
            Change::SortedQkv => Some(turns_from_parts(rows, self.heads.query)),
            Change::None | Change::AddedOne | Change::Transposed => None,
        }
    }
}

fn heads(gguf: &Gguf, architecture: &str) -> Heads {
    let number = |key: &str| {
        gguf.whole(&format!("{architecture}.attention.{key}"))
            .map(|n| n as usize)
    };
    let query = number("head_count").unwrap_or(0);
    Heads {
        query,
        key: number("head_count_kv").unwrap_or(query),
    }
}

/// Undoes the converters' `permute`: in a head, the file's rows 2i and 2i+1 are Hugging Face's rows i and i + half.
fn halves_from_pairs(rows: usize, heads: usize) -> Vec<usize> {
    let head = rows / heads;
    let within = |row: usize| row % (head / 2) * 2 + row / (head / 2);
    (0..rows).map(|row| row / head * head + within(row % head)).collect()
}

/// The file has all query rows, then all key rows, then all value rows; Hugging Face takes turns: query, key and value of each head.
fn turns_from_parts(rows: usize, heads: usize) -> Vec<usize> {
    let head = rows / heads / 3;
    let place = |row: usize| {
        let (of_head, part, within) = (row / (3 * head), row / head % 3, row % head);
        part * (rows / 3) + of_head * head + within
    };
    (0..rows).map(place).collect()
}

/// Rows of `width` elements in another order.
fn reordered<T: Copy>(rows: &[T], order: &[usize], width: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(rows.len());
    for row in order {
        out.extend_from_slice(&rows[row * width..(row + 1) * width]);
    }
    out
}

fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns)
        .flat_map(|c| (0..rows).map(move |r| values[r * columns + c]))
        .collect()
}

impl TensorSource for GgufWeights {
    fn path(&self) -> &Path {
        self.gguf.path()
    }

    fn bytes(&self) -> u64 {
        self.gguf.size()
    }

    fn names(&self) -> Vec<String> {
        self.index.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let (info, change) = self.find(name)?;
        let mut shape = info.shape.clone();
        if change == Change::Transposed {
            shape.reverse();
        }
        Some(shape)
    }

    fn kind(&self, name: &str) -> Option<GgufType> {
        Some(self.find(name)?.0.kind)
    }

    fn read(&self, name: &str) -> Result<HostTensor, FormatError> {
        let missing = || FormatError::MissingTensor {
            path: self.gguf.path().into(),
            name: name.into(),
        };
        let (info, change) = self.find(name).ok_or_else(missing)?;
        let shape = self.shape(name).ok_or_else(missing)?;
        let mut values = info.kind.dequantise(self.gguf.tensor_bytes(info));
        let rows = info.shape.first().copied().unwrap_or(1);
        if let Some(order) = self.row_order(change, rows) {
            values = reordered(&values, &order, values.len() / rows.max(1));
        }
        match (change, info.shape.as_slice()) {
            (Change::AddedOne, _) => values.iter_mut().for_each(|v| *v -= 1.0),
            (Change::Transposed, [rows, columns]) => values = transposed(&values, *rows, *columns),
            _ => {}
        }
        Ok(HostTensor { shape, values })
    }

    fn packed(&self, name: &str) -> Option<PackedBytes<'_>> {
        let (info, change) = self.find(name)?;
        let shape: [usize; 2] = info.shape.as_slice().try_into().ok()?;
        let row = info.kind.row_bytes(shape[1])?;
        if change == Change::AddedOne {
            return None;
        }
        let bytes = self.gguf.tensor_bytes(info);
        let bytes = match self.row_order(change, shape[0]) {
            // Blocks never cross rows, so whole rows can move as they are.
            Some(order) => Cow::Owned(reordered(bytes, &order, row)),
            None => Cow::Borrowed(bytes),
        };
        Some(PackedBytes {
            kind: info.kind,
            shape,
            bytes,
        })
    }
}

/// The type that most matrices have, for people: `Q4_1`.
pub(super) fn main_type(gguf: &Gguf) -> Option<GgufType> {
    let mut bytes: BTreeMap<GgufType, usize> = BTreeMap::new();
    for info in gguf.tensors().values().filter(|info| info.shape.len() == 2) {
        *bytes.entry(info.kind).or_default() += info.bytes.len();
    }
    bytes.into_iter().max_by_key(|(_, bytes)| *bytes).map(|(kind, _)| kind)
}
