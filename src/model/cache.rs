//! Keys and values of the tokens already seen, one pair per block. Knows nothing of sampling.
//!
//! Each block's buffers have spare room at their end, so that a new token is written in place instead of all older ones being copied.

use burn::tensor::Tensor;

/// Tokens of room that a buffer grows by, at least.
const STEP: usize = 128;

/// A KV cache for one row.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    layers: Vec<Option<Pair>>,
    len: usize,
}

/// Keys and values of one block, `[1, kv_heads, room, head_dim]`.
#[derive(Clone, Debug)]
struct Pair {
    keys: Tensor<4>,
    values: Tensor<4>,
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

    /// Forgets everything after the first `len` tokens; their places are written anew.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        if self.len == 0 {
            // Nothing is kept of the buffers, and no tensor can be cut to nothing when they have to grow.
            self.layers.fill(None);
        }
    }

    /// Adds the keys and values of new tokens of one block, `[1, kv_heads, new, head_dim]`, and returns all of them.
    pub(super) fn extend(&mut self, layer: usize, k: Tensor<4>, v: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let len = self.len + k.dims()[2];
        // Taken out of its place, the pair is the only handle: the device writes in place.
        let Pair { keys, values } = match self.layers[layer].take() {
            Some(pair) => Pair {
                keys: write(pair.keys, self.len, k),
                values: write(pair.values, self.len, v),
            },
            None => Pair { keys: k, values: v },
        };
        let all = (keys.clone().narrow(2, 0, len), values.clone().narrow(2, 0, len));
        self.layers[layer] = Some(Pair { keys, values });
        all
    }

    /// Counts the tokens of a finished pass.
    pub(super) fn advance(&mut self, tokens: usize) {
        self.len += tokens;
    }
}

/// Writes `new` behind the first `len` tokens of a buffer, which grows if there is no room.
fn write(buffer: Tensor<4>, len: usize, new: Tensor<4>) -> Tensor<4> {
    let [rows, heads, room, width] = buffer.dims();
    let needed = len + new.dims()[2];
    let buffer = if needed <= room {
        buffer
    } else {
        let more = (needed - len).max(STEP).max(len / 4);
        let spare = Tensor::zeros([rows, heads, more, width], &buffer.device());
        Tensor::cat(vec![buffer.narrow(2, 0, len), spare], 2)
    };
    buffer.slice_assign([0..rows, 0..heads, len..needed, 0..width], new)
}
