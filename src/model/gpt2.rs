//! The block of GPT-2 (Radford et al. 2019): layer norms, attention without rotary positions (learned ones are added to the
//! embedding), a plain feed-forward layer, biases everywhere. Knows nothing of files.

use burn::tensor::Tensor;

use super::block::{Block, Part, Pass};
use super::load::Weights;
use super::mlp::activate;
use super::{Linear, ModelError, Norm};

#[derive(Clone, Debug)]
struct Gpt2 {
    norm_attention: Norm,
    qkv: Linear,
    o: Linear,
    norm_mlp: Norm,
    up: Linear,
    down: Linear,
}

/// Reads a block.
pub(super) fn load(weights: &mut Weights<'_>) -> Result<Box<dyn Block>, ModelError> {
    Ok(Box::new(Gpt2 {
        norm_attention: weights.norm("ln_1")?,
        qkv: weights.linear("attn.c_attn")?,
        o: weights.linear("attn.c_proj")?,
        norm_mlp: weights.norm("ln_2")?,
        up: weights.linear("mlp.c_fc")?,
        down: weights.linear("mlp.c_proj")?,
    }))
}

impl Block for Gpt2 {
    fn forward(&self, x: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<2> {
        // 1. Queries, keys and values of the normalised stream, side by side in this order.
        let qkv = self.qkv.forward(pass.narrowed(self.norm_attention.forward(x.clone())));
        let [q, k, v] = pass.split_qkv(qkv);
        // 2. Attended, added back.
        let x = x + self.o.forward(pass.attend(q, k, v));
        // 3. The feed-forward layer of the normalised stream, added back.
        let inner = self.up.forward(pass.narrowed(self.norm_mlp.forward(x.clone())));
        x + self
            .down
            .forward(pass.narrowed(activate(pass.config.activation, inner)))
    }

    fn parts(&mut self) -> Vec<(&'static str, Part<'_>)> {
        vec![
            ("ln_1", Part::Norm(&mut self.norm_attention)),
            ("attn.c_attn", Part::Linear(&mut self.qkv)),
            ("attn.c_proj", Part::Linear(&mut self.o)),
            ("ln_2", Part::Norm(&mut self.norm_mlp)),
            ("mlp.c_fc", Part::Linear(&mut self.up)),
            ("mlp.c_proj", Part::Linear(&mut self.down)),
        ]
    }

    fn copy(&self) -> Box<dyn Block> {
        Box::new(self.clone())
    }
}
