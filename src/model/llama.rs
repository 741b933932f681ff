//! The block of Llama (Touvron et al. 2023): RMS norms, rotary grouped-query attention, SwiGLU. Also of those that differ only in
//! what the config and the weights say: Mistral (Jiang et al. 2023) attends in a window; Qwen2 and Qwen2.5 (Yang et al. 2024) have
//! biases on queries, keys and values, and a window in later layers; SmolLM3 (Bakouch et al. 2025) has no rotary positions in
//! some layers (NoPE, Yang et al. 2025). Knows nothing of files.

use burn::tensor::Tensor;

use super::block::{Block, Part, Pass};
use super::load::Weights;
use super::mlp::gated;
use super::{Linear, ModelError, Norm};

#[derive(Clone, Debug)]
struct Llama {
    norm_attention: Norm,
    q: Linear,
    k: Linear,
    v: Linear,
    o: Linear,
    norm_mlp: Norm,
    gate: Linear,
    up: Linear,
    down: Linear,
}

/// Reads a block.
pub(super) fn load(weights: &mut Weights<'_>) -> Result<Box<dyn Block>, ModelError> {
    Ok(Box::new(Llama {
        norm_attention: weights.norm("input_layernorm")?,
        q: weights.linear("self_attn.q_proj")?,
        k: weights.linear("self_attn.k_proj")?,
        v: weights.linear("self_attn.v_proj")?,
        o: weights.linear("self_attn.o_proj")?,
        norm_mlp: weights.norm("post_attention_layernorm")?,
        gate: weights.linear("mlp.gate_proj")?,
        up: weights.linear("mlp.up_proj")?,
        down: weights.linear("mlp.down_proj")?,
    }))
}

impl Block for Llama {
    fn forward(&self, x: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<2> {
        // 1. Queries, keys and values of the normalised stream, with biases where the weights have them.
        let y = pass.narrowed(self.norm_attention.forward(x.clone()));
        let q = pass.heads(self.q.forward(y.clone()));
        let k = pass.heads(self.k.forward(y.clone()));
        let v = pass.heads(self.v.forward(y));
        // 2. Turned by their positions where this layer has any, attended (in its window, if it has one), added back.
        let (q, k) = (pass.turn(q), pass.turn(k));
        let x = x + self.o.forward(pass.attend(q, k, v));
        // 3. SwiGLU of the normalised stream, added back.
        let y = pass.narrowed(self.norm_mlp.forward(x.clone()));
        let inner = gated(pass.config.activation, self.gate.forward(y.clone()), self.up.forward(y));
        x + self.down.forward(pass.narrowed(inner))
    }

    fn parts(&mut self) -> Vec<(&'static str, Part<'_>)> {
        vec![
            ("input_layernorm", Part::Norm(&mut self.norm_attention)),
            ("self_attn.q_proj", Part::Linear(&mut self.q)),
            ("self_attn.k_proj", Part::Linear(&mut self.k)),
            ("self_attn.v_proj", Part::Linear(&mut self.v)),
            ("self_attn.o_proj", Part::Linear(&mut self.o)),
            ("post_attention_layernorm", Part::Norm(&mut self.norm_mlp)),
            ("mlp.gate_proj", Part::Linear(&mut self.gate)),
            ("mlp.up_proj", Part::Linear(&mut self.up)),
            ("mlp.down_proj", Part::Linear(&mut self.down)),
        ]
    }

    fn copy(&self) -> Box<dyn Block> {
        Box::new(self.clone())
    }
}
