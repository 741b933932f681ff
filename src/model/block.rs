//! What all decoder blocks have in common: the pass they run in, attention over heads, and the table of architectures.
//! Knows no block from the inside.

use std::fmt::Debug;

use burn::tensor::Tensor;

use super::front::cat;
use super::load::Weights;
use super::{Cache, Front, Inputs, Linear, ModelError, Norm};
use super::{gemma3, gpt_neox, gpt2, llama, phi3, qwen3};
use crate::formats::config::{Layer, ModelConfig};
use crate::kernels::{Compute, causal_attention, narrowed, rope};

/// A decoder block: reads the residual stream and returns it changed.
pub trait Block: Debug + Send + Sync {
    /// # Shapes
    /// `x`: `[rows * len, hidden]` -> the same
    fn forward(&self, x: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<2>;

    /// The modules that hold weights, under their checkpoint paths in the block.
    fn parts(&mut self) -> Vec<(&'static str, Part<'_>)>;

    /// A copy that shares the weights' memory.
    fn copy(&self) -> Box<dyn Block>;
}

impl Clone for Box<dyn Block> {
    fn clone(&self) -> Self {
        self.copy()
    }
}

/// A module of a block, open to be read or replaced.
pub enum Part<'a> {
    /// A linear layer.
    Linear(&'a mut Linear),
    /// A norm.
    Norm(&'a mut Norm),
}

/// Reads a block's weights.
type Loader = fn(&mut Weights<'_>) -> Result<Box<dyn Block>, ModelError>;

/// The architectures, by the name in the table of families (`formats::config::families`).
const ARCHITECTURES: [(&str, Loader); 8] = [
    ("llama", llama::load),
    ("qwen2", llama::load),
    ("qwen3", qwen3::load),
    ("smollm3", llama::load),
    ("gemma3", gemma3::load),
    ("phi3", phi3::load),
    ("gpt2", gpt2::load),
    ("gpt_neox", gpt_neox::load),
];

/// Reads the next block.
pub(super) fn load(weights: &mut Weights<'_>) -> Result<Box<dyn Block>, ModelError> {
    let name = weights.config.family.name;
    let (_, loader) = ARCHITECTURES
        .iter()
        .find(|(architecture, _)| *architecture == name)
        .ok_or(ModelError::NoDecoder(name))?;
    loader(weights)
}

/// One forward pass, as one block sees it.
pub struct Pass<'a> {
    /// Sizes and constants of the model.
    pub config: &'a ModelConfig,
    /// The batch.
    pub inputs: &'a Inputs,
    /// Keys and values of earlier tokens.
    pub cache: Option<&'a mut Cache>,
    /// What stands in front of the rows, unless the cache holds it already.
    pub front: Option<&'a Front>,
    /// The type that products are computed in.
    pub compute: Compute,
    /// The block's number.
    pub index: usize,
}

impl Pass<'_> {
    fn layer(&self) -> Layer {
        self.config.layers[self.index]
    }

    /// What linear layers take in, in the type that they compute in: once for all that read it.
    ///
    /// # Shapes
    /// Any; the output is the same.
    pub fn narrowed(&self, x: Tensor<2>) -> Tensor<2> {
        narrowed(x, self.compute)
    }

    /// # Shapes
    /// `[rows * len, heads * head_dim]` -> `[rows, heads, len, head_dim]`
    pub fn heads(&self, x: Tensor<2>) -> Tensor<4> {
        let d = self.config.head_dim;
        let heads = x.dims()[1] / d;
        x.reshape([self.inputs.rows, self.inputs.len, heads, d]).swap_dims(1, 2)
    }

    /// Queries, keys and values that stand side by side in this order.
    ///
    /// # Shapes
    /// `[rows * len, (heads + 2 kv_heads) * head_dim]` -> three times `[rows, heads or kv_heads, len, head_dim]`
    pub fn split_qkv(&self, qkv: Tensor<2>) -> [Tensor<4>; 3] {
        let queries = self.config.num_attention_heads * self.config.head_dim;
        let keys = self.config.num_key_value_heads * self.config.head_dim;
        [(0, queries), (queries, keys), (queries + keys, keys)]
            .map(|(from, width)| self.heads(qkv.clone().narrow(1, from, width)))
    }

    /// Turns the leading numbers of each head by the angles of this block's rotary set, if it has one.
    ///
    /// # Shapes
    /// `x`: `[rows, heads, len, head_dim]` -> the same
    pub fn turn(&self, x: Tensor<4>) -> Tensor<4> {
        let Some(set) = self.layer().rope else {
            return x;
        };
        let angles = &self.inputs.rotary[set];
        let (cos, sin) = (angles.cos.clone(), angles.sin.clone());
        let (turned, d) = (cos.dims()[3], self.config.head_dim);
        if turned == d {
            return rope(x, cos, sin);
        }
        let rest = x.clone().narrow(3, turned, d - turned);
        Tensor::cat(vec![rope(x.narrow(3, 0, turned), cos, sin), rest], 3)
    }

    /// Attention of the new queries to the keys in front, the cached and the new ones, in this block's window; for the linear layer that
    /// follows.
    ///
    /// # Shapes
    /// `q`: `[rows, heads, len, head_dim]`, `k` and `v`: `[rows, kv_heads, len, head_dim]` -> `[rows * len, heads * head_dim]`
    pub fn attend(&mut self, q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<2> {
        let [rows, heads, len, d] = q.dims();
        let front = self
            .front
            .and_then(|front| front.keys_values(self.index, rows, self.config));
        let (k, v) = match front {
            Some([keys, values]) => (cat([keys, k], 2), cat([values, v], 2)),
            None => (k, v),
        };
        let (k, v) = match self.cache.as_deref_mut() {
            Some(cache) => cache.extend(self.index, k, v),
            None => (k, v),
        };
        // The kernel divides by the root of the head's width.
        let scale = (d as f64 / self.config.score_divisor).sqrt();
        let q = if scale == 1.0 { q } else { q * scale };
        let window = self.layer().window;
        let starts = self.inputs.starts.iter().find(|s| s.window == window);
        let starts = starts.unwrap_or(&self.inputs.starts[0]).first.clone();
        let out = causal_attention(q, k, v, starts);
        self.narrowed(out.swap_dims(1, 2).reshape([rows * len, heads * d]))
    }
}
