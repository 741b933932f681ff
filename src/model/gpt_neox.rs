//! The block of GPT-NeoX (Black et al. 2022) and Pythia: layer norms, rotary positions on a part of each head, attention and
//! feed-forward layer side by side. Knows nothing of files.

use burn::tensor::Tensor;

use super::block::{Block, Part, Pass};
use super::load::Weights;
use super::mlp::activate;
use super::{Linear, ModelError, Norm};

#[derive(Clone, Debug)]
struct GptNeoX {
    norm_attention: Norm,
    qkv: Linear,
    o: Linear,
    norm_mlp: Norm,
    up: Linear,
    down: Linear,
}

/// Reads a block.
pub(super) fn load(weights: &mut Weights<'_>) -> Result<Box<dyn Block>, ModelError> {
    Ok(Box::new(GptNeoX {
        norm_attention: weights.norm("input_layernorm")?,
        qkv: weights.linear("attention.query_key_value")?,
        o: weights.linear("attention.dense")?,
        norm_mlp: weights.norm("post_attention_layernorm")?,
        up: weights.linear("mlp.dense_h_to_4h")?,
        down: weights.linear("mlp.dense_4h_to_h")?,
    }))
}

impl GptNeoX {
    fn attention(&self, y: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<2> {
        let (rows, len) = (pass.inputs.rows, pass.inputs.len);
        let (heads, d) = (pass.config.num_attention_heads, pass.config.head_dim);
        // Query, key and value of one head stand side by side, head after head.
        let qkv = self
            .qkv
            .forward(pass.narrowed(y))
            .reshape([rows, len, heads, 3 * d])
            .swap_dims(1, 2);
        let part = |i: usize| qkv.clone().narrow(3, i * d, d);
        let (q, k) = (pass.turn(part(0)), pass.turn(part(1)));
        self.o.forward(pass.attend(q, k, part(2)))
    }

    fn mlp(&self, y: Tensor<2>, pass: &Pass<'_>) -> Tensor<2> {
        let inner = activate(pass.config.activation, self.up.forward(pass.narrowed(y)));
        self.down.forward(pass.narrowed(inner))
    }
}

impl Block for GptNeoX {
    fn forward(&self, x: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<2> {
        // 1. Attention over the normalised stream.
        let attended = self.attention(self.norm_attention.forward(x.clone()), pass);
        // 2. The feed-forward layer, of the stream before attention (parallel) or after it; both added back.
        if pass.config.parallel_residual {
            return x.clone() + attended + self.mlp(self.norm_mlp.forward(x), pass);
        }
        let x = x + attended;
        x.clone() + self.mlp(self.norm_mlp.forward(x), pass)
    }

    fn parts(&mut self) -> Vec<(&'static str, Part<'_>)> {
        vec![
            ("input_layernorm", Part::Norm(&mut self.norm_attention)),
            ("attention.query_key_value", Part::Linear(&mut self.qkv)),
            ("attention.dense", Part::Linear(&mut self.o)),
            ("post_attention_layernorm", Part::Norm(&mut self.norm_mlp)),
            ("mlp.dense_h_to_4h", Part::Linear(&mut self.up)),
            ("mlp.dense_4h_to_h", Part::Linear(&mut self.down)),
        ]
    }

    fn copy(&self) -> Box<dyn Block> {
        Box::new(self.clone())
    }
}
