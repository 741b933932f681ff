//! The Llama decoder (Touvron et al. 2023): RMS norms, rotary grouped-query attention, SwiGLU. Knows nothing of files.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{Cache, Inputs, Linear};
use crate::formats::config::ModelConfig;
use crate::kernels::{causal_attention, rms_norm, rope, swiglu};

/// Embedding rows that replace the base's own for a few ids (marker tokens that the base never learned).
#[derive(Clone, Debug)]
pub struct TokenRows {
    /// The ids, without repetition.
    pub ids: Vec<u32>,
    /// The rows in use, `[ids, hidden]`.
    pub rows: Tensor<2>,
}

/// One decoder block.
#[derive(Clone, Debug)]
pub struct Block {
    /// `self_attn.q_proj`
    pub q: Linear,
    /// `self_attn.k_proj`
    pub k: Linear,
    /// `self_attn.v_proj`
    pub v: Linear,
    /// `self_attn.o_proj`
    pub o: Linear,
    /// `mlp.gate_proj`
    pub gate: Linear,
    /// `mlp.up_proj`
    pub up: Linear,
    /// `mlp.down_proj`
    pub down: Linear,
    /// `input_layernorm`
    pub norm_attention: Tensor<1>,
    /// `post_attention_layernorm`
    pub norm_mlp: Tensor<1>,
}

/// A whole model.
#[derive(Clone, Debug)]
pub struct Llama {
    /// Sizes and constants.
    pub config: ModelConfig,
    /// `model.embed_tokens`, `[vocab, hidden]`; also the head when tied.
    pub embed: Tensor<2>,
    /// The blocks in order.
    pub blocks: Vec<Block>,
    /// `model.norm`
    pub norm: Tensor<1>,
    /// `lm_head`, `[vocab, hidden]`; `None` when tied.
    pub head: Option<Tensor<2>>,
    /// Rows of the embedding that an adapter replaces.
    pub token_rows: Option<TokenRows>,
}

impl Llama {
    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.norm.device().inner()
    }

    /// The last hidden states after the final norm.
    ///
    /// # Shapes
    /// -> `[rows * len, hidden]`
    pub fn hidden(&self, inputs: &Inputs, mut cache: Option<&mut Cache>) -> Tensor<2> {
        // 1. Look up the embeddings.
        let mut x = self.embed_ids(inputs.ids.clone());
        // 2. Run the blocks.
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.forward(&self.config, x, inputs, cache.as_deref_mut().map(|c| (i, c)));
        }
        if let Some(cache) = cache {
            cache.advance(inputs.len);
        }
        // 3. Normalise.
        rms_norm(x, self.norm.clone(), self.config.rms_norm_eps)
    }

    /// Scores of every id for the given hidden states.
    ///
    /// # Shapes
    /// `hidden`: `[n, hidden]` -> `[n, vocab]`
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        let head = self.head.as_ref().unwrap_or(&self.embed).clone();
        let logits = hidden.clone().matmul(head.transpose());
        match &self.token_rows {
            Some(rows) if self.head.is_none() => {
                let change = hidden.matmul(self.row_change(rows).transpose());
                logits + change.matmul(one_hot(&rows.ids, self.config.vocab_size, &self.device()))
            }
            _ => logits,
        }
    }

    fn embed_ids(&self, ids: Tensor<1, Int>) -> Tensor<2> {
        let x = self.embed.clone().select(0, ids.clone());
        match &self.token_rows {
            Some(rows) => x + members(ids, &rows.ids).matmul(self.row_change(rows)),
            None => x,
        }
    }

    /// New rows minus the base's own, `[ids, hidden]`.
    fn row_change(&self, rows: &TokenRows) -> Tensor<2> {
        let ids: Vec<i32> = rows.ids.iter().map(|i| *i as i32).collect();
        let index = Tensor::<1, Int>::from_data(TensorData::new(ids, [rows.ids.len()]), &self.device());
        rows.rows.clone() - self.embed.clone().select(0, index)
    }
}

impl Block {
    fn forward(
        &self,
        config: &ModelConfig,
        x: Tensor<2>,
        inputs: &Inputs,
        cache: Option<(usize, &mut Cache)>,
    ) -> Tensor<2> {
        // 1. Attention over the normalised stream, added back.
        let y = rms_norm(x.clone(), self.norm_attention.clone(), config.rms_norm_eps);
        let x = x + self.attention(config, y, inputs, cache);
        // 2. SwiGLU over the normalised stream, added back.
        let y = rms_norm(x.clone(), self.norm_mlp.clone(), config.rms_norm_eps);
        let hidden = swiglu(self.gate.forward(y.clone()), self.up.forward(y));
        x + self.down.forward(hidden)
    }

    fn attention(
        &self,
        config: &ModelConfig,
        y: Tensor<2>,
        inputs: &Inputs,
        cache: Option<(usize, &mut Cache)>,
    ) -> Tensor<2> {
        let (rows, len, d) = (inputs.rows, inputs.len, config.head_dim);
        let split = |t: Tensor<2>, heads: usize| t.reshape([rows, len, heads, d]).swap_dims(1, 2);
        let q = split(self.q.forward(y.clone()), config.num_attention_heads);
        let k = split(self.k.forward(y.clone()), config.num_key_value_heads);
        let v = split(self.v.forward(y), config.num_key_value_heads);
        let turn = |t: Tensor<4>| rope(t, inputs.cos.clone(), inputs.sin.clone());
        let (q, k) = (turn(q), turn(k));
        let (k, v) = match cache {
            Some((layer, cache)) => cache.extend(layer, k, v),
            None => (k, v),
        };
        let out = causal_attention(q, k, v, inputs.starts.clone());
        self.o.forward(
            out.swap_dims(1, 2)
                .reshape([rows * len, config.num_attention_heads * d]),
        )
    }

    /// The linear layers with the names that adapters use.
    pub fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 7] {
        [
            ("self_attn.q_proj", &mut self.q),
            ("self_attn.k_proj", &mut self.k),
            ("self_attn.v_proj", &mut self.v),
            ("self_attn.o_proj", &mut self.o),
            ("mlp.gate_proj", &mut self.gate),
            ("mlp.up_proj", &mut self.up),
            ("mlp.down_proj", &mut self.down),
        ]
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
