//! Keys and values of the tokens already seen, one pair per block. Knows nothing of sampling.

use burn::tensor::Tensor;

/// A KV cache for one row.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    /// Keys and values of each block, `[1, kv_heads, past, head_dim]`.
    layers: Vec<Option<(Tensor<4>, Tensor<4>)>>,
    len: usize,
}

impl Cache {
    /// An empty cache for a model of `layers` blocks.
    pub fn new(layers: usize) -> Self {
        Self {
            layers: vec![None; layers],
            len: 0,
        }
    }

    /// Tokens seen so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Has nothing been seen yet?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets everything after the first `len` tokens.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        for slot in &mut self.layers {
            *slot = slot
                .take()
                .filter(|_| len > 0)
                .map(|(k, v)| (k.narrow(2, 0, len), v.narrow(2, 0, len)));
        }
        self.len = len;
    }

    /// Adds the keys and values of new tokens of one block and returns all of them.
    pub(super) fn extend(&mut self, layer: usize, k: Tensor<4>, v: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let all = match self.layers[layer].take() {
            Some((old_k, old_v)) => (Tensor::cat(vec![old_k, k], 2), Tensor::cat(vec![old_v, v], 2)),
            None => (k, v),
        };
        self.layers[layer] = Some(all.clone());
        all
    }

    /// Counts the tokens of a finished pass.
    pub(super) fn advance(&mut self, tokens: usize) {
        self.len += tokens;
    }
}
