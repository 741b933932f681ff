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
    /// Virtual tokens in front of the first one.
    front: usize,
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
            front: 0,
        }
    }

    /// Keys of each block that are held.
    fn held(&self) -> usize {
        if self.len == 0 { 0 } else { self.front + self.len }
    }

    /// Keys and values of all blocks as [`super::Front::KeysValues`] has them; `None` where nothing is held.
    pub fn as_front(&self) -> Option<Tensor<2>> {
        let len = self.held();
        let flat = |tensor: &Tensor<4>| {
            let [rows, heads, _, width] = tensor.dims();
            let new = tensor.clone().narrow(2, 0, len).swap_dims(1, 2);
            new.reshape([rows * len, heads * width])
        };
        let pairs = self.layers.iter().flatten();
        let parts: Vec<Tensor<2>> = pairs.flat_map(|pair| [flat(&pair.keys), flat(&pair.values)]).collect();
        (len > 0 && !parts.is_empty()).then(|| Tensor::cat(parts, 1))
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

    /// Adds the keys and values of new tokens of one block, `[1, kv_heads, new, head_dim]` (at first the virtual ones too), and returns
    /// all of them.
    pub(super) fn extend(&mut self, layer: usize, k: Tensor<4>, v: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let held = self.held();
        let len = held + k.dims()[2];
        // Taken out of its place, the pair is the only handle: the device writes in place.
        let Pair { keys, values } = match self.layers[layer].take() {
            Some(pair) => Pair {
                keys: write(pair.keys, held, k),
                values: write(pair.values, held, v),
            },
            None => Pair { keys: k, values: v },
        };
        let all = (keys.clone().narrow(2, 0, len), values.clone().narrow(2, 0, len));
        self.layers[layer] = Some(Pair { keys, values });
        all
    }

    /// Counts the tokens of a finished pass, behind `front` virtual ones.
    pub(super) fn advance(&mut self, tokens: usize, front: usize) {
        self.len += tokens;
        self.front = front;
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
