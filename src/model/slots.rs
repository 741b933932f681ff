//! Names for the places where a model keeps its weights, so that training and export can walk them. Knows no file format.

use burn::tensor::Tensor;

use super::{Linear, Llama};

/// One weight of a model, open to be read or replaced.
pub enum Slot<'a> {
    /// A matrix outside the blocks (embedding, head).
    Matrix(&'a mut Tensor<2>),
    /// A linear layer, whose weight may be packed.
    Linear(&'a mut Linear),
    /// A vector (norms).
    Vector(&'a mut Tensor<1>),
}

impl Llama {
    /// Every weight under its checkpoint name, in the order of [`crate::formats::config::ModelConfig::weight_shapes`].
    pub fn slots_mut(&mut self) -> Vec<(String, Slot<'_>)> {
        let mut all = vec![("model.embed_tokens.weight".to_string(), Slot::Matrix(&mut self.embed))];
        for (i, block) in self.blocks.iter_mut().enumerate() {
            let name = |n: &str| format!("model.layers.{i}.{n}.weight");
            all.push((name("input_layernorm"), Slot::Vector(&mut block.norm_attention)));
            for (n, linear) in [
                ("self_attn.q_proj", &mut block.q),
                ("self_attn.k_proj", &mut block.k),
                ("self_attn.v_proj", &mut block.v),
                ("self_attn.o_proj", &mut block.o),
            ] {
                all.push((name(n), Slot::Linear(linear)));
            }
            all.push((name("post_attention_layernorm"), Slot::Vector(&mut block.norm_mlp)));
            for (n, linear) in [
                ("mlp.gate_proj", &mut block.gate),
                ("mlp.up_proj", &mut block.up),
                ("mlp.down_proj", &mut block.down),
            ] {
                all.push((name(n), Slot::Linear(linear)));
            }
        }
        all.push(("model.norm.weight".into(), Slot::Vector(&mut self.norm)));
        if let Some(head) = &mut self.head {
            all.push(("lm_head.weight".into(), Slot::Matrix(head)));
        }
        all
    }

    /// The linear layers of all blocks under their checkpoint paths (`model.layers.0.self_attn.q_proj`).
    pub fn linears_mut(&mut self) -> Vec<(String, &mut Linear)> {
        let mut all = Vec::with_capacity(self.blocks.len() * 7);
        for (i, block) in self.blocks.iter_mut().enumerate() {
            for (name, linear) in block.linears_mut() {
                all.push((format!("model.layers.{i}.{name}"), linear));
            }
        }
        all
    }
}
