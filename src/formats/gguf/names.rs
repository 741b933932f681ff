//! Tensor names of llama.cpp's converters and what Hugging Face calls them, per architecture, with what the converters changed. Knows names,
//! not values. Source: llama.cpp's `gguf-py/gguf/tensor_mapping.py` and `conversion/`.

/// What a converter did to a tensor, to be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// Rows of each query head were interleaved for the rotary embedding of the original Llama.
    QueryRows,
    /// The same for key heads.
    KeyRows,
    /// One was added to a norm weight.
    AddedOne,
    /// A `Conv1D` was turned into a linear layer.
    Transposed,
    /// Query, key and value rows that took turns by head were sorted into three parts.
    SortedQkv,
}

use Change::{AddedOne, KeyRows, None as Same, QueryRows, SortedQkv, Transposed};

/// One line of a table: GGUF stem, Hugging Face stem, change. `{}` is the layer's number.
type Line = (&'static str, &'static str, Change);

/// An architecture's names.
pub(super) struct Names {
    lines: &'static [&'static [Line]],
}

const TOP: &[Line] = &[("token_embd", "model.embed_tokens", Same), ("output", "lm_head", Same)];
const NORM: &[Line] = &[("output_norm", "model.norm", Same)];
const ATTENTION_NORMS: &[Line] = &[
    ("blk.{}.attn_norm", "model.layers.{}.input_layernorm", Same),
    ("blk.{}.ffn_norm", "model.layers.{}.post_attention_layernorm", Same),
];
const ROTATED: &[Line] = &[
    ("blk.{}.attn_q", "model.layers.{}.self_attn.q_proj", QueryRows),
    ("blk.{}.attn_k", "model.layers.{}.self_attn.k_proj", KeyRows),
];
const PLAIN: &[Line] = &[
    ("blk.{}.attn_q", "model.layers.{}.self_attn.q_proj", Same),
    ("blk.{}.attn_k", "model.layers.{}.self_attn.k_proj", Same),
];
const VALUES: &[Line] = &[
    ("blk.{}.attn_v", "model.layers.{}.self_attn.v_proj", Same),
    ("blk.{}.attn_output", "model.layers.{}.self_attn.o_proj", Same),
];
const OUTPUT: &[Line] = &[("blk.{}.attn_output", "model.layers.{}.self_attn.o_proj", Same)];
const GATED: &[Line] = &[
    ("blk.{}.ffn_gate", "model.layers.{}.mlp.gate_proj", Same),
    ("blk.{}.ffn_up", "model.layers.{}.mlp.up_proj", Same),
    ("blk.{}.ffn_down", "model.layers.{}.mlp.down_proj", Same),
];
const HEAD_NORMS: &[Line] = &[
    ("blk.{}.attn_q_norm", "model.layers.{}.self_attn.q_norm", Same),
    ("blk.{}.attn_k_norm", "model.layers.{}.self_attn.k_norm", Same),
];
const GEMMA_NORMS: &[Line] = &[
    ("output_norm", "model.norm", AddedOne),
    ("blk.{}.attn_norm", "model.layers.{}.input_layernorm", AddedOne),
    (
        "blk.{}.post_attention_norm",
        "model.layers.{}.post_attention_layernorm",
        AddedOne,
    ),
    ("blk.{}.ffn_norm", "model.layers.{}.pre_feedforward_layernorm", AddedOne),
    (
        "blk.{}.post_ffw_norm",
        "model.layers.{}.post_feedforward_layernorm",
        AddedOne,
    ),
    ("blk.{}.attn_q_norm", "model.layers.{}.self_attn.q_norm", AddedOne),
    ("blk.{}.attn_k_norm", "model.layers.{}.self_attn.k_norm", AddedOne),
];
const PHI: &[Line] = &[
    ("blk.{}.attn_qkv", "model.layers.{}.self_attn.qkv_proj", Same),
    ("blk.{}.ffn_up", "model.layers.{}.mlp.gate_up_proj", Same),
    ("blk.{}.ffn_down", "model.layers.{}.mlp.down_proj", Same),
];
const GPT2: &[Line] = &[
    ("token_embd", "transformer.wte", Same),
    ("position_embd", "transformer.wpe", Same),
    ("output_norm", "transformer.ln_f", Same),
    ("output", "lm_head", Same),
    ("blk.{}.attn_norm", "transformer.h.{}.ln_1", Same),
    ("blk.{}.attn_qkv", "transformer.h.{}.attn.c_attn", Transposed),
    ("blk.{}.attn_output", "transformer.h.{}.attn.c_proj", Transposed),
    ("blk.{}.ffn_norm", "transformer.h.{}.ln_2", Same),
    ("blk.{}.ffn_up", "transformer.h.{}.mlp.c_fc", Transposed),
    ("blk.{}.ffn_down", "transformer.h.{}.mlp.c_proj", Transposed),
];
const NEOX: &[Line] = &[
    ("token_embd", "gpt_neox.embed_in", Same),
    ("output_norm", "gpt_neox.final_layer_norm", Same),
    ("output", "embed_out", Same),
    ("blk.{}.attn_norm", "gpt_neox.layers.{}.input_layernorm", Same),
    (
        "blk.{}.attn_qkv",
        "gpt_neox.layers.{}.attention.query_key_value",
        SortedQkv,
    ),
    ("blk.{}.attn_output", "gpt_neox.layers.{}.attention.dense", Same),
    ("blk.{}.ffn_norm", "gpt_neox.layers.{}.post_attention_layernorm", Same),
    ("blk.{}.ffn_up", "gpt_neox.layers.{}.mlp.dense_h_to_4h", Same),
    ("blk.{}.ffn_down", "gpt_neox.layers.{}.mlp.dense_4h_to_h", Same),
];

/// Architectures by the name in `general.architecture`, and their names.
const ARCHITECTURES: &[(&str, Names)] = &[
    (
        "llama",
        Names {
            lines: &[TOP, NORM, ATTENTION_NORMS, ROTATED, VALUES, GATED],
        },
    ),
    (
        "smollm3",
        Names {
            lines: &[TOP, NORM, ATTENTION_NORMS, ROTATED, VALUES, GATED],
        },
    ),
    (
        "qwen2",
        Names {
            lines: &[TOP, NORM, ATTENTION_NORMS, PLAIN, VALUES, GATED],
        },
    ),
    (
        "qwen3",
        Names {
            lines: &[TOP, NORM, ATTENTION_NORMS, PLAIN, HEAD_NORMS, VALUES, GATED],
        },
    ),
    (
        "gemma3",
        Names {
            lines: &[TOP, GEMMA_NORMS, PLAIN, VALUES, GATED],
        },
    ),
    (
        "phi3",
        Names {
            lines: &[TOP, NORM, ATTENTION_NORMS, OUTPUT, PHI],
        },
    ),
    ("gpt2", Names { lines: &[GPT2] }),
    ("gptneox", Names { lines: &[NEOX] }),
];

/// The architectures that are known.
pub(super) fn known() -> String {
    let names: Vec<&str> = ARCHITECTURES.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

/// The names of an architecture.
pub(super) fn of(architecture: &str) -> Option<&'static Names> {
    let found = ARCHITECTURES.iter().find(|(name, _)| *name == architecture);
    found.map(|(_, names)| names)
}

impl Names {
    /// The Hugging Face name of a GGUF tensor, and what was changed.
    pub fn translate(&self, name: &str) -> Option<(String, Change)> {
        let (stem, kind) = name.rsplit_once('.')?;
        if !matches!(kind, "weight" | "bias") {
            return None;
        }
        let (plain, layer) = without_layer(stem);
        let line = self.lines.iter().copied().flatten().find(|(gguf, ..)| *gguf == plain)?;
        let hf = match layer {
            Some(layer) => line.1.replace("{}", layer),
            None => line.1.to_string(),
        };
        // A bias has no columns to swap.
        let change = if kind == "bias" && line.2 == Transposed {
            Same
        } else {
            line.2
        };
        Some((format!("{hf}.{kind}"), change))
    }
}

/// `blk.12.attn_q` as `blk.{}.attn_q` and `12`.
fn without_layer(stem: &str) -> (String, Option<&str>) {
    let parts = stem.strip_prefix("blk.").and_then(|rest| rest.split_once('.'));
    match parts {
        Some((layer, rest)) if !layer.is_empty() && layer.bytes().all(|b| b.is_ascii_digit()) => {
            (format!("blk.{{}}.{rest}"), Some(layer))
        }
        _ => (stem.to_string(), None),
    }
}
