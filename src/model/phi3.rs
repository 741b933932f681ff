//! The block of Phi-3 (Abdin et al. 2024): as Llama, with queries, keys and values in one matrix, gate and values in another.
//! Knows nothing of files.

use burn::tensor::Tensor;

use super::block::{Block, Part, Pass};
use super::load::Weights;
use super::mlp::gated;
use super::{Linear, ModelError, Norm};

#[derive(Clone, Debug)]
struct Phi3 {
    norm_attention: Norm,
    qkv: Linear,
    o: Linear,
    norm_mlp: Norm,
    gate_up: Linear,
    down: Linear,
}

/// Reads a block.
pub(super) fn load(weights: &mut Weights<'_>) -> Result<Box<dyn Block>, ModelError> {
    Ok(Box::new(Phi3 {
        norm_attention: weights.norm("input_layernorm")?,
        qkv: weights.linear("self_attn.qkv_proj")?,
        o: weights.linear("self_attn.o_proj")?,
        norm_mlp: weights.norm("post_attention_layernorm")?,
        gate_up: weights.linear("mlp.gate_up_proj")?,
        down: weights.linear("mlp.down_proj")?,
    }))
}

impl Block for Phi3 {
    fn forward(&self, x: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<2> {
        // 1. Queries, keys and values of the normalised stream, side by side in this order.
        let qkv = self.qkv.forward(pass.narrowed(self.norm_attention.forward(x.clone())));
        let [q, k, v] = pass.split_qkv(qkv);
        // 2. Turned by their positions, attended, added back.
        let (q, k) = (pass.turn(q), pass.turn(k));
        let x = x + self.o.forward(pass.attend(q, k, v));
        // 3. SwiGLU of the normalised stream, the gate before the values; added back.
        let both = self.gate_up.forward(pass.narrowed(self.norm_mlp.forward(x.clone())));
        let inner = pass.config.intermediate_size;
        let (gate, up) = (both.clone().narrow(1, 0, inner), both.narrow(1, inner, inner));
        x + self
            .down
            .forward(pass.narrowed(gated(pass.config.activation, gate, up)))
    }

    fn parts(&mut self) -> Vec<(&'static str, Part<'_>)> {
        vec![
            ("input_layernorm", Part::Norm(&mut self.norm_attention)),
            ("self_attn.qkv_proj", Part::Linear(&mut self.qkv)),
            ("self_attn.o_proj", Part::Linear(&mut self.o)),
            ("post_attention_layernorm", Part::Norm(&mut self.norm_mlp)),
            ("mlp.gate_up_proj", Part::Linear(&mut self.gate_up)),
            ("mlp.down_proj", Part::Linear(&mut self.down)),
        ]
    }

    fn copy(&self) -> Box<dyn Block> {
        Box::new(self.clone())
    }
}
