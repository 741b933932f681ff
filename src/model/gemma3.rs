//! The block of Gemma 3 (text; Gemma team 2025): norms before and after both sublayers, normalised query and key heads, local
//! and global attention with rotary angles of their own, GeGLU. Knows nothing of files.

use burn::tensor::Tensor;

use super::block::{Block, Part, Pass};
use super::load::Weights;
use super::mlp::gated;
use super::{Linear, ModelError, Norm};

#[derive(Clone, Debug)]
struct Gemma3 {
    before_attention: Norm,
    q: Linear,
    k: Linear,
    v: Linear,
    norm_q: Norm,
    norm_k: Norm,
    o: Linear,
    after_attention: Norm,
    before_mlp: Norm,
    gate: Linear,
    up: Linear,
    down: Linear,
    after_mlp: Norm,
}

/// Reads a block.
pub(super) fn load(weights: &mut Weights<'_>) -> Result<Box<dyn Block>, ModelError> {
    Ok(Box::new(Gemma3 {
        before_attention: weights.norm("input_layernorm")?,
        q: weights.linear("self_attn.q_proj")?,
        k: weights.linear("self_attn.k_proj")?,
        v: weights.linear("self_attn.v_proj")?,
        norm_q: weights.norm("self_attn.q_norm")?,
        norm_k: weights.norm("self_attn.k_norm")?,
        o: weights.linear("self_attn.o_proj")?,
        after_attention: weights.norm("post_attention_layernorm")?,
        before_mlp: weights.norm("pre_feedforward_layernorm")?,
        gate: weights.linear("mlp.gate_proj")?,
        up: weights.linear("mlp.up_proj")?,
        down: weights.linear("mlp.down_proj")?,
        after_mlp: weights.norm("post_feedforward_layernorm")?,
    }))
}

impl Block for Gemma3 {
    fn forward(&self, x: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<2> {
        // 1. Queries, keys and values of the normalised stream.
        let y = pass.narrowed(self.before_attention.forward(x.clone()));
        let (q, k) = (self.q.forward(y.clone()), self.k.forward(y.clone()));
        let v = pass.heads(self.v.forward(y));
        // 2. Query and key heads normalised one by one, then turned by the angles of this layer's kind, local or global.
        let q = pass.turn(pass.heads(self.norm_q.per_head(q)));
        let k = pass.turn(pass.heads(self.norm_k.per_head(k)));
        // 3. Attended, in the window where the layer is local; normalised, added back.
        let y = self.o.forward(pass.attend(q, k, v));
        let x = x + self.after_attention.forward(y);
        // 4. GeGLU of the normalised stream; normalised, added back.
        let y = pass.narrowed(self.before_mlp.forward(x.clone()));
        let inner = gated(pass.config.activation, self.gate.forward(y.clone()), self.up.forward(y));
        x + self.after_mlp.forward(self.down.forward(pass.narrowed(inner)))
    }

    fn parts(&mut self) -> Vec<(&'static str, Part<'_>)> {
        vec![
            ("input_layernorm", Part::Norm(&mut self.before_attention)),
            ("self_attn.q_proj", Part::Linear(&mut self.q)),
            ("self_attn.k_proj", Part::Linear(&mut self.k)),
            ("self_attn.v_proj", Part::Linear(&mut self.v)),
            ("self_attn.q_norm", Part::Norm(&mut self.norm_q)),
            ("self_attn.k_norm", Part::Norm(&mut self.norm_k)),
            ("self_attn.o_proj", Part::Linear(&mut self.o)),
            ("post_attention_layernorm", Part::Norm(&mut self.after_attention)),
            ("pre_feedforward_layernorm", Part::Norm(&mut self.before_mlp)),
            ("mlp.gate_proj", Part::Linear(&mut self.gate)),
            ("mlp.up_proj", Part::Linear(&mut self.up)),
            ("mlp.down_proj", Part::Linear(&mut self.down)),
            ("post_feedforward_layernorm", Part::Norm(&mut self.after_mlp)),
        ]
    }

    fn copy(&self) -> Box<dyn Block> {
        Box::new(self.clone())
    }
}
