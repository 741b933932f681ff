//! What a forward pass reads besides weights: ids, positions, rotary angles and where attention begins, built from plain vectors.
//! Knows nothing of where the ids come from.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{Decoder, ModelError, rotary};
use crate::formats::config::{ModelConfig, Rope};
use crate::kernels::segment_starts;

/// One batch on a device.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Ids, `[rows * len]`, without virtual tokens.
    pub ids: Tensor<1, Int>,
    /// Positions, `[rows * len]`.
    pub positions: Tensor<1, Int>,
    /// Angles, one entry per rotary set of the config.
    pub rotary: Vec<Rotary>,
    /// First key that each token attends to, one entry per window of the config.
    pub starts: Vec<Starts>,
    /// Rows in the batch.
    pub rows: usize,
    /// Tokens in a row, virtual ones included where they are computed.
    pub len: usize,
    /// The first tokens of each row that are virtual and have no ids.
    pub(super) embedded: usize,
    /// Does the first token that is computed come after cached ones?
    pub(super) later: bool,
}

/// Angles of one rotary set.
#[derive(Clone, Debug)]
pub struct Rotary {
    /// Cosines, `[rows, 1, len, rotated]`.
    pub cos: Tensor<4>,
    /// Sines, `[rows, 1, len, rotated]`.
    pub sin: Tensor<4>,
}

/// Where attention begins under one window.
#[derive(Clone, Debug)]
pub struct Starts {
    /// Tokens that a token sees, itself included; `None` is all of its segment.
    pub window: Option<usize>,
    /// First key of each token, `[rows, len]`; the last is the token itself.
    pub first: Tensor<2, Int>,
}

/// Where the tokens of a batch stand; all vectors are row-major.
struct Places {
    positions: Vec<u32>,
    /// First key of the segment of each token.
    starts: Vec<i32>,
    rows: usize,
    /// Keys in front of the row's first token.
    past: usize,
}

impl Inputs {
    /// Builds a batch of `rows` x `len` tokens for a model; all slices are row-major.
    ///
    /// Attention is causal inside a segment and absent between segments; segment 0 (padding) attends to itself only. Virtual tokens
    /// that the model has in front of its rows are seen by the first segment of each.
    ///
    /// # Errors
    /// An id is outside the vocabulary, or a position outside a context that cannot be left.
    pub fn packed(
        model: &Decoder,
        ids: &[u32],
        positions: &[u32],
        segments: &[u32],
        rows: usize,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let len = ids.len().checked_div(rows).unwrap_or(0);
        let places = Places {
            positions: positions.to_vec(),
            starts: segment_starts(segments, len),
            rows,
            past: 0,
        };
        Self::build(model, ids, places, device)
    }

    /// Builds one row that follows `past` tokens in the cache.
    ///
    /// # Errors
    /// As [`Self::packed`].
    pub fn following(model: &Decoder, ids: &[u32], past: usize, device: &Device) -> Result<Self, ModelError> {
        let places = Places {
            positions: (past..past + ids.len()).map(|p| p as u32).collect(),
            starts: vec![0; ids.len()],
            rows: 1,
            past,
        };
        Self::build(model, ids, places, device)
    }

    /// Where the residual stream holds a token, by its number without virtual tokens, row-major.
    pub fn place(&self, token: usize) -> usize {
        let len = self.len - self.embedded;
        token / len.max(1) * self.len + self.embedded + token % len.max(1)
    }

    fn build(model: &Decoder, ids: &[u32], places: Places, device: &Device) -> Result<Self, ModelError> {
        let config = &model.config;
        let later = places.past > 0;
        let (front, embedded) = match &model.front {
            Some(front) if later => (front.tokens(), 0),
            Some(front) => (front.tokens(), front.embedded()),
            None => (0, 0),
        };
        let places = places.behind(front, embedded);
        check(config, ids, &places.positions)?;
        let len = places.len();
        let windows = config.windows().into_iter();
        Ok(Self {
            ids: integers(ids, device),
            positions: integers(&places.positions, device),
            rotary: config.ropes.iter().map(|rope| places.rotary(rope, device)).collect(),
            starts: windows.map(|window| places.starts(window, device)).collect(),
            rows: places.rows,
            len,
            embedded,
            later,
        })
    }
}

fn integers(values: &[u32], device: &Device) -> Tensor<1, Int> {
    let signed: Vec<i32> = values.iter().map(|i| *i as i32).collect();
    Tensor::from_data(TensorData::new(signed, [values.len()]), device)
}

fn check(config: &ModelConfig, ids: &[u32], positions: &[u32]) -> Result<(), ModelError> {
    if let Some(position) = ids.iter().position(|id| *id as usize >= config.vocab_size) {
        return Err(ModelError::IdOutside {
            id: ids[position],
            position,
            vocab: config.vocab_size,
        });
    }
    let limit = config.max_position_embeddings;
    let beyond = positions.iter().find(|p| **p as usize >= limit);
    match beyond.filter(|_| config.fixed_context) {
        Some(position) => Err(ModelError::PositionOutside {
            position: *position as usize,
            limit,
        }),
        None => Ok(()),
    }
}

impl Places {
    fn len(&self) -> usize {
        self.positions.len().checked_div(self.rows).unwrap_or(0)
    }

    /// The same tokens behind `front` virtual ones, of which `embedded` (all or none) stand in the rows themselves.
    fn behind(self, front: usize, embedded: usize) -> Self {
        if front == 0 {
            return self;
        }
        let len = self.len().max(1);
        let mut moved = Self {
            positions: vec![],
            starts: vec![],
            rows: self.rows,
            past: self.past + front - embedded,
        };
        for (positions, starts) in self.positions.chunks(len).zip(self.starts.chunks(len)) {
            moved.positions.extend(0..embedded as u32);
            moved.positions.extend(positions.iter().map(|p| p + front as u32));
            moved.starts.extend(std::iter::repeat_n(0, embedded));
            // The row's first segment sees what is in front of it.
            let start = |start: &i32| if *start == 0 { 0 } else { start + front as i32 };
            moved.starts.extend(starts.iter().map(start));
        }
        moved
    }

    fn rotary(&self, rope: &Rope, device: &Device) -> Rotary {
        let (cos, sin) = rotary::angles(rope, &self.positions);
        let shape = [self.rows, 1, self.len(), rope.dims];
        let table = |v: Vec<f32>| Tensor::<4>::from_data(TensorData::new(v, shape), device);
        Rotary {
            cos: table(cos),
            sin: table(sin),
        }
    }

    /// A window of `w` tokens ends with the token itself and never reaches into another segment.
    fn starts(&self, window: Option<usize>, device: &Device) -> Starts {
        let len = self.len();
        let first = |(i, start): (usize, &i32)| match window {
            Some(window) => {
                let own = self.past + i % len.max(1);
                (*start).max((own + 1).saturating_sub(window) as i32)
            }
            None => *start,
        };
        let first: Vec<i32> = self.starts.iter().enumerate().map(first).collect();
        Starts {
            window,
            first: Tensor::from_data(TensorData::new(first, [self.rows, len]), device),
        }
    }
}
