//! The block of Qwen3 (Yang et al. 2025): as Llama, with every query and key head normalised before it is turned. Knows nothing of
//! files.

use burn::tensor::Tensor;

use super::block::{Block, Part, Pass};
use super::load::Weights;
use super::mlp::gated;
use super::{Linear, ModelError, Norm};

#[derive(Clone, Debug)]
struct Qwen3 {
    norm_attention: Norm,
    q: Linear,
    k: Linear,
    v: Linear,
    norm_q: Norm,
    norm_k: Norm,
    o: Linear,
    norm_mlp: Norm,
    gate: Linear,
    up: Linear,
    down: Linear,
}

/// Reads a block.
pub(super) fn load(weights: &mut Weights<'_>) -> Result<Box<dyn Block>, ModelError> {
    Ok(Box::new(Qwen3 {
        norm_attention: weights.norm("input_layernorm")?,
        q: weights.linear("self_attn.q_proj")?,
        k: weights.linear("self_attn.k_proj")?,
        v: weights.linear("self_attn.v_proj")?,
        norm_q: weights.norm("self_attn.q_norm")?,
        norm_k: weights.norm("self_attn.k_norm")?,
        o: weights.linear("self_attn.o_proj")?,
        norm_mlp: weights.norm("post_attention_layernorm")?,
        gate: weights.linear("mlp.gate_proj")?,
        up: weights.linear("mlp.up_proj")?,
        down: weights.linear("mlp.down_proj")?,
    }))
}

impl Block for Qwen3 {
    fn forward(&self, x: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<2> {
        // 1. Queries, keys and values of the normalised stream.
        let y = pass.narrowed(self.norm_attention.forward(x.clone()));
        let (q, k) = (self.q.forward(y.clone()), self.k.forward(y.clone()));
        let v = pass.heads(self.v.forward(y));
        // 2. Query and key heads normalised one by one, then turned by their positions.
        let q = pass.turn(pass.heads(self.norm_q.per_head(q)));
        let k = pass.turn(pass.heads(self.norm_k.per_head(k)));
        // 3. Attended, added back.
        let x = x + self.o.forward(pass.attend(q, k, v));
        // 4. SwiGLU of the normalised stream, added back.
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
            ("self_attn.q_norm", Part::Norm(&mut self.norm_q)),
            ("self_attn.k_norm", Part::Norm(&mut self.norm_k)),
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
