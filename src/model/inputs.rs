//! What a forward pass reads besides weights: ids, rotary angles and where attention begins, built from plain vectors.
//! Knows nothing of where the ids come from.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::ModelError;
use crate::formats::config::ModelConfig;
use crate::kernels::segment_starts;

/// One batch on a device.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Ids, `[rows * len]`.
    pub ids: Tensor<1, Int>,
    /// Cosines of the rotary angles, `[rows, 1, len, head_dim]`.
    pub cos: Tensor<4>,
    /// Sines of the rotary angles, `[rows, 1, len, head_dim]`.
    pub sin: Tensor<4>,
    /// First key that each token attends to, `[rows, len]`; the last is the token itself.
    pub starts: Tensor<2, Int>,
    /// Rows in the batch.
    pub rows: usize,
    /// Tokens in a row.
    pub len: usize,
}

impl Inputs {
    /// Builds a batch of `rows` x `len` tokens; all slices are row-major.
    ///
    /// Attention is causal inside a segment and absent between segments; segment 0 (padding) attends to itself only.
    ///
    /// # Errors
    /// An id is outside the vocabulary.
    pub fn packed(
        config: &ModelConfig,
        ids: &[u32],
        positions: &[u32],
        segments: &[u32],
        rows: usize,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let len = ids.len().checked_div(rows).unwrap_or(0);
        let starts = segment_starts(segments, len);
        Self::build(config, ids, positions, starts, rows, device)
    }

    /// Builds one row that follows `past` tokens in the cache.
    ///
    /// # Errors
    /// An id is outside the vocabulary.
    pub fn following(config: &ModelConfig, ids: &[u32], past: usize, device: &Device) -> Result<Self, ModelError> {
        let len = ids.len();
        let positions: Vec<u32> = (past..past + len).map(|p| p as u32).collect();
        Self::build(config, ids, &positions, vec![0; len], 1, device)
    }

    fn build(
        config: &ModelConfig,
        ids: &[u32],
        positions: &[u32],
        starts: Vec<i32>,
        rows: usize,
        device: &Device,
    ) -> Result<Self, ModelError> {
        if let Some(position) = ids.iter().position(|id| *id as usize >= config.vocab_size) {
            return Err(ModelError::IdOutside {
                id: ids[position],
                position,
                vocab: config.vocab_size,
            });
        }
        let len = ids.len().checked_div(rows).unwrap_or(0);
        let (cos, sin) = angles(positions, config.head_dim, config.rope_theta);
        let table = |v: Vec<f32>| Tensor::<4>::from_data(TensorData::new(v, [rows, 1, len, config.head_dim]), device);
        let signed: Vec<i32> = ids.iter().map(|i| *i as i32).collect();
        Ok(Self {
            ids: Tensor::from_data(TensorData::new(signed, [rows * len]), device),
            cos: table(cos),
            sin: table(sin),
            starts: Tensor::from_data(TensorData::new(starts, [rows, len]), device),
            rows,
            len,
        })
    }
}

/// Cosines and sines for each position, both halves of the head alike (RoFormer, Su et al. 2021; half-split layout).
fn angles(positions: &[u32], head_dim: usize, theta: f64) -> (Vec<f32>, Vec<f32>) {
    let half = head_dim / 2;
    let inverse: Vec<f32> = (0..half)
        .map(|i| (1.0 / theta.powf(2.0 * i as f64 / head_dim as f64)) as f32)
        .collect();
    let (mut cos, mut sin) = (
        Vec::with_capacity(positions.len() * head_dim),
        Vec::with_capacity(positions.len() * head_dim),
    );
    for p in positions {
        for _ in 0..2 {
            for f in &inverse {
                let angle = *p as f32 * f;
                cos.push(angle.cos());
                sin.push(angle.sin());
            }
        }
    }
    (cos, sin)
}
