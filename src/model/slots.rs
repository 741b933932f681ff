//! Names for the places where a model keeps its weights, so that training and export can walk them. Knows no file format.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use super::{Decoder, Linear, Norm, Part, Weight};

/// One weight of a model, open to be read or replaced.
pub enum Slot<'a> {
    /// A matrix outside the blocks (embedding, positions, head).
    Matrix(&'a mut Weight),
    /// The matrix of a linear layer.
    Linear(&'a mut Weight, Stored),
    /// A vector (norms, biases).
    Vector(&'a mut Tensor<1>),
}

/// How a checkpoint stores what the model keeps as `[out, in]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Just so.
    AsIs,
    /// As `[in, out]`.
    Transposed,
}

impl Decoder {
    /// Every weight under its checkpoint name, in the order of the computation.
    pub fn slots_mut(&mut self) -> Vec<(String, Slot<'_>)> {
        let config = &self.config;
        let mut all = vec![(config.embed_name(), Slot::Matrix(&mut self.embed))];
        if let (Some(name), Some(positions)) = (config.positions_name(), &mut self.positions) {
            all.push((name, Slot::Matrix(positions)));
        }
        for (i, block) in self.blocks.iter_mut().enumerate() {
            let path = config.block_path(i);
            for (name, part) in block.parts() {
                match part {
                    Part::Linear(linear) => push_linear(&mut all, &format!("{path}.{name}"), linear),
                    Part::Norm(norm) => push_norm(&mut all, &format!("{path}.{name}"), norm),
                }
            }
        }
        push_norm(&mut all, &config.norm_path(), &mut self.norm);
        if let Some(head) = &mut self.head {
            all.push((config.head_name(), Slot::Matrix(head)));
        }
        all
    }

    /// How many bytes of weights are kept in each layout, the most first.
    pub fn stored(&mut self) -> Vec<(&'static str, u64)> {
        let mut sums: BTreeMap<&'static str, u64> = BTreeMap::new();
        for (_, slot) in self.slots_mut() {
            let (name, bytes) = match slot {
                Slot::Matrix(weight) | Slot::Linear(weight, _) => weight.stored(),
                Slot::Vector(values) => ("F32", 4 * values.dims()[0] as u64),
            };
            *sums.entry(name).or_default() += bytes;
        }
        let mut all: Vec<_> = sums.into_iter().collect();
        all.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        all
    }

    /// The linear layers of all blocks under their checkpoint paths (`model.layers.0.self_attn.q_proj`).
    pub fn linears_mut(&mut self) -> Vec<(String, &mut Linear)> {
        let mut all = vec![];
        for (i, block) in self.blocks.iter_mut().enumerate() {
            let path = self.config.block_path(i);
            for (name, part) in block.parts() {
                if let Part::Linear(linear) = part {
                    all.push((format!("{path}.{name}"), linear));
                }
            }
        }
        all
    }
}

fn push_linear<'a>(all: &mut Vec<(String, Slot<'a>)>, path: &str, linear: &'a mut Linear) {
    let stored = if linear.transposed {
        Stored::Transposed
    } else {
        Stored::AsIs
    };
    all.push((format!("{path}.weight"), Slot::Linear(&mut linear.weight, stored)));
    if let Some(bias) = &mut linear.bias {
        all.push((format!("{path}.bias"), Slot::Vector(bias)));
    }
}

fn push_norm<'a>(all: &mut Vec<(String, Slot<'a>)>, path: &str, norm: &'a mut Norm) {
    all.push((format!("{path}.weight"), Slot::Vector(&mut norm.weight)));
    if let Some(bias) = &mut norm.bias {
        all.push((format!("{path}.bias"), Slot::Vector(bias)));
    }
}
