//! What a forward pass reads besides weights: ids, positions, rotary angles and where attention begins, built from plain vectors.
//! Knows nothing of where the ids come from.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{ModelError, rotary};
use crate::formats::config::{ModelConfig, Rope};
use crate::kernels::segment_starts;

/// One batch on a device.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Ids, `[rows * len]`.
    pub ids: Tensor<1, Int>,
    /// Positions, `[rows * len]`.
    pub positions: Tensor<1, Int>,
    /// Angles, one entry per rotary set of the config.
    pub rotary: Vec<Rotary>,
    /// First key that each token attends to, one entry per window of the config.
    pub starts: Vec<Starts>,
    /// Rows in the batch.
    pub rows: usize,
    /// Tokens in a row.
    pub len: usize,
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

/// A batch before it is on a device; all vectors are row-major.
struct Plain<'a> {
    ids: &'a [u32],
    positions: &'a [u32],
    /// First key of the segment of each token.
    starts: Vec<i32>,
    rows: usize,
    /// Tokens of the row that the cache holds.
    past: usize,
}

impl Inputs {
    /// Builds a batch of `rows` x `len` tokens; all slices are row-major.
    ///
    /// Attention is causal inside a segment and absent between segments; segment 0 (padding) attends to itself only.
    ///
    /// # Errors
    /// An id is outside the vocabulary, or a position outside a context that cannot be left.
    pub fn packed(
        config: &ModelConfig,
        ids: &[u32],
        positions: &[u32],
        segments: &[u32],
        rows: usize,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let len = ids.len().checked_div(rows).unwrap_or(0);
        let plain = Plain {
            ids,
            positions,
            starts: segment_starts(segments, len),
            rows,
            past: 0,
        };
        plain.build(config, device)
    }

    /// Builds one row that follows `past` tokens in the cache.
    ///
    /// # Errors
    /// As [`Self::packed`].
    pub fn following(config: &ModelConfig, ids: &[u32], past: usize, device: &Device) -> Result<Self, ModelError> {
        let positions: Vec<u32> = (past..past + ids.len()).map(|p| p as u32).collect();
        let plain = Plain {
            ids,
            positions: &positions,
            starts: vec![0; ids.len()],
            rows: 1,
            past,
        };
        plain.build(config, device)
    }
}

impl Plain<'_> {
    fn build(&self, config: &ModelConfig, device: &Device) -> Result<Inputs, ModelError> {
        self.check(config)?;
        let len = self.ids.len().checked_div(self.rows).unwrap_or(0);
        let integers = |v: &[u32]| {
            let signed: Vec<i32> = v.iter().map(|i| *i as i32).collect();
            Tensor::<1, Int>::from_data(TensorData::new(signed, [v.len()]), device)
        };
        let windows = config.windows().into_iter();
        Ok(Inputs {
            ids: integers(self.ids),
            positions: integers(self.positions),
            rotary: config.ropes.iter().map(|rope| self.rotary(rope, len, device)).collect(),
            starts: windows.map(|window| self.starts(window, len, device)).collect(),
            rows: self.rows,
            len,
        })
    }

    fn check(&self, config: &ModelConfig) -> Result<(), ModelError> {
        if let Some(position) = self.ids.iter().position(|id| *id as usize >= config.vocab_size) {
            return Err(ModelError::IdOutside {
                id: self.ids[position],
                position,
                vocab: config.vocab_size,
            });
        }
        let limit = config.max_position_embeddings;
        let beyond = self.positions.iter().find(|p| **p as usize >= limit);
        match beyond.filter(|_| config.fixed_context) {
            Some(position) => Err(ModelError::PositionOutside {
                position: *position as usize,
                limit,
            }),
            None => Ok(()),
        }
    }

    fn rotary(&self, rope: &Rope, len: usize, device: &Device) -> Rotary {
        let (cos, sin) = rotary::angles(rope, self.positions);
        let table = |v: Vec<f32>| Tensor::<4>::from_data(TensorData::new(v, [self.rows, 1, len, rope.dims]), device);
        Rotary {
            cos: table(cos),
            sin: table(sin),
        }
    }

    /// A window of `w` tokens ends with the token itself and never reaches into another segment.
    fn starts(&self, window: Option<usize>, len: usize, device: &Device) -> Starts {
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
