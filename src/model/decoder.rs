//! A whole decoder-only model: embedding, blocks, last norm, output head. Knows nothing of what is inside a block.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::front::{put_in_front, take_out};
use super::{Block, Cache, Front, Inputs, Norm, Pass, Weight};
use crate::formats::config::{ModelConfig, NormKind};
use crate::kernels::{Compute, narrowed, product};

/// Embedding rows that replace the base's own for a few ids (marker tokens that the base never learned).
#[derive(Clone, Debug)]
pub struct TokenRows {
    /// The ids, without repetition.
    pub ids: Vec<u32>,
    /// The rows in use, `[ids, hidden]`.
    pub rows: Tensor<2>,
}

/// Matrices outside the blocks that an adapter replaces as a whole.
#[derive(Clone, Debug, Default)]
pub struct Replaced {
    /// The embedding, `[vocab, hidden]`.
    pub embed: Option<Tensor<2>>,
    /// The output head, `[vocab, hidden]`; `None` leaves the base's own, which a tied one shares with the base's embedding.
    pub head: Option<Tensor<2>>,
}

/// A whole model.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Sizes and constants.
    pub config: ModelConfig,
    /// The embedding, `[vocab, hidden]`; also the head when tied.
    pub embed: Weight,
    /// Learned positions, `[positions, hidden]`, where the family has them.
    pub positions: Option<Weight>,
    /// The blocks in order.
    pub blocks: Vec<Box<dyn Block>>,
    /// The last norm.
    pub norm: Norm,
    /// The output head, `[vocab, hidden]`; `None` when tied.
    pub head: Option<Weight>,
    /// Rows of the embedding that an adapter replaces.
    pub token_rows: Option<TokenRows>,
    /// What of embedding and head an adapter replaces.
    pub replaced: Replaced,
    /// What an adapter puts in front of every row.
    pub front: Option<Front>,
    /// The type that the products of linear layers are computed in. Norms, attention, the residual stream and losses stay in `f32`.
    pub compute: Compute,
}

impl Decoder {
    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.norm.weight.device().inner()
    }

    /// The last hidden states after the final norm.
    ///
    /// # Shapes
    /// -> `[rows * len, hidden]`
    pub fn hidden(&self, inputs: &Inputs, mut cache: Option<&mut Cache>) -> Tensor<2> {
        let mut x = self.enter(inputs);
        for index in 0..self.blocks.len() {
            x = self.run_block(index, x, inputs, cache.as_deref_mut());
        }
        if let Some(cache) = cache {
            let front = self.front.as_ref().map_or(0, Front::tokens);
            cache.advance(inputs.len - inputs.embedded, front);
        }
        let x = match inputs.embedded {
            0 => x,
            count => take_out(x, inputs.rows, count),
        };
        self.norm.forward(x)
    }

    /// Tokens that fit into the context behind what stands in front of every row.
    pub fn context(&self) -> usize {
        let front = self.front.as_ref().map_or(0, Front::tokens);
        self.config.max_position_embeddings.saturating_sub(front)
    }

    /// The residual stream before the first block: embeddings, learned ones in front of each row, and the positions where they are
    /// learned.
    ///
    /// # Shapes
    /// -> `[rows * len, hidden]`
    pub fn enter(&self, inputs: &Inputs) -> Tensor<2> {
        let x = self.embed_ids(inputs.ids.clone());
        let x = match &self.front {
            Some(Front::Embeddings(front)) if inputs.embedded > 0 => put_in_front(front, x, inputs.rows),
            _ => x,
        };
        match &self.positions {
            Some(positions) => x + positions.rows(inputs.positions.clone()),
            None => x,
        }
    }

    /// The residual stream after a block.
    ///
    /// # Shapes
    /// `x`: `[rows * len, hidden]` -> the same
    ///
    /// # Panics
    /// If there is no block of that number.
    pub fn run_block(&self, index: usize, x: Tensor<2>, inputs: &Inputs, cache: Option<&mut Cache>) -> Tensor<2> {
        let mut pass = Pass {
            config: &self.config,
            inputs,
            cache,
            front: self.front.as_ref().filter(|_| !inputs.later),
            compute: self.compute,
            index,
        };
        self.blocks[index].forward(x, &mut pass)
    }

    /// Scores of every id for the given hidden states.
    ///
    /// # Shapes
    /// `hidden`: `[n, hidden]` -> `[n, vocab]`
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        let narrow = narrowed(hidden.clone(), self.compute);
        let logits = match &self.replaced.head {
            Some(head) => product(narrow, head.clone()),
            None => self.head.as_ref().unwrap_or(&self.embed).apply(narrow),
        };
        match &self.token_rows {
            Some(rows) if self.head.is_none() => {
                let change = hidden.matmul(self.row_change(rows).transpose());
                logits + change.matmul(one_hot(&rows.ids, self.config.vocab_size, &self.device()))
            }
            _ => logits,
        }
    }

    fn embed_ids(&self, ids: Tensor<1, Int>) -> Tensor<2> {
        let x = match &self.replaced.embed {
            Some(embed) => embed.clone().select(0, ids.clone()),
            None => self.embed.rows(ids.clone()),
        };
        let x = match &self.token_rows {
            Some(rows) => x + members(ids, &rows.ids).matmul(self.row_change(rows)),
            None => x,
        };
        // Families that learn the distance of norms from one also scale the embedding, by a factor in the type that is
        // computed in: f32.
        match self.config.family.norm {
            NormKind::RmsPlusOne => x * (self.config.hidden_size as f32).sqrt(),
            _ => x,
        }
    }

    /// New rows minus the base's own, `[ids, hidden]`.
    fn row_change(&self, rows: &TokenRows) -> Tensor<2> {
        rows.rows.clone() - self.rows_of(&rows.ids)
    }

    /// The embedding's own rows of a few ids, `[ids, hidden]`.
    pub fn rows_of(&self, ids: &[u32]) -> Tensor<2> {
        self.embed.rows(self.integers(ids))
    }

    /// The residual stream that a few ids begin with, without positions, `[ids, hidden]`.
    pub fn embedded(&self, ids: &[u32]) -> Tensor<2> {
        self.embed_ids(self.integers(ids))
    }

    fn integers(&self, ids: &[u32]) -> Tensor<1, Int> {
        let signed: Vec<i32> = ids.iter().map(|i| *i as i32).collect();
        Tensor::from_data(TensorData::new(signed, [ids.len()]), &self.device())
    }
}

/// One row per id of `all` that holds a one where it equals an id of `chosen`.
///
/// # Shapes
/// `all`: `[n]` -> `[n, chosen]`
fn members(all: Tensor<1, Int>, chosen: &[u32]) -> Tensor<2> {
    let columns = chosen
        .iter()
        .map(|id| all.clone().equal_elem(*id as i32).float())
        .collect::<Vec<_>>();
    Tensor::stack(columns, 1)
}

/// `[ids, width]` with a one at each id.
fn one_hot(ids: &[u32], width: usize, device: &Device) -> Tensor<2> {
    let mut values = vec![0f32; ids.len() * width];
    for (row, id) in ids.iter().enumerate() {
        values[row * width + *id as usize] = 1.0;
    }
    Tensor::from_data(TensorData::new(values, [ids.len(), width]), device)
}
