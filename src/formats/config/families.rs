//! The table of families. A new architecture is one row here and one file in the `model` room. Knows no values of a config.
//!
//! Keys and defaults are those of transformers' configuration classes; names of weights are those of its modules.

use super::family::Bias::{Attention, Mlp, With, Without};
use super::family::Otherwise::{Derived, Flag, Needed, Number, Only, Text};
use super::family::Part::{HeadNorm, Norm};
use super::family::Width::{GateAndInner, Hidden, Inner, Keys, Queries, QueriesKeysValues};
use super::family::{Family, Key, Names, NormKind, Part, WindowRule, key, reads, spelt, writes};

/// Names that most families share.
const NAMES: Names = Names {
    base: "model",
    embed: "embed_tokens",
    positions: None,
    blocks: "layers",
    norm: "norm",
    head: "lm_head",
};

/// Llama's block (Touvron et al. 2023).
const LLAMA: &[Part] = &[
    Norm("input_layernorm"),
    reads("self_attn.q_proj", Hidden, Queries, Attention),
    reads("self_attn.k_proj", Hidden, Keys, Attention),
    reads("self_attn.v_proj", Hidden, Keys, Attention),
    writes("self_attn.o_proj", Queries, Hidden, Attention),
    Norm("post_attention_layernorm"),
    reads("mlp.gate_proj", Hidden, Inner, Mlp),
    reads("mlp.up_proj", Hidden, Inner, Mlp),
    writes("mlp.down_proj", Inner, Hidden, Mlp),
];

/// Keys of families with rotary positions and the usual spellings; a family's own list comes first and wins.
const COMMON: &[Key] = &[
    key("hidden_size", Needed),
    key("intermediate_size", Needed),
    key("num_hidden_layers", Needed),
    key("num_attention_heads", Needed),
    key("num_key_value_heads", Derived),
    key("head_dim", Derived),
    key("vocab_size", Needed),
    spelt("rms_norm_eps", "norm_eps", Number(1e-6)),
    key("hidden_act", Text("silu")),
    key("rope_theta", Number(10_000.0)),
    key("rope_scaling", Derived),
    key("rope_parameters", Derived),
    key("tie_word_embeddings", Flag(false)),
];

/// Keys of models where the later layers may use a window.
const WINDOWED: &[Key] = &[
    key("num_key_value_heads", Number(32.0)),
    key("max_position_embeddings", Number(32_768.0)),
    key("use_sliding_window", Flag(false)),
    key("sliding_window", Number(4096.0)),
    key("max_window_layers", Number(28.0)),
    key("layer_types", Derived),
];

/// Every family that can be loaded.
pub const FAMILIES: &[Family] = &[
    Family {
        name: "llama",
        models: "Llama 1, 2, 3, 3.1, 3.2; SmolLM and SmolLM2; TinyLlama",
        model_types: &["llama"],
        keys: &[
            &[
                key("max_position_embeddings", Number(2048.0)),
                key("attention_bias", Flag(false)),
                key("mlp_bias", Flag(false)),
            ],
            COMMON,
        ],
        window: WindowRule::Never,
        norm: NormKind::Rms,
        names: NAMES,
        block: LLAMA,
        transposed: false,
        aliases: &[],
    },
    Family {
        name: "llama",
        models: "Mistral",
        model_types: &["mistral"],
        keys: &[
            &[
                key("num_key_value_heads", Number(8.0)),
                key("max_position_embeddings", Number(131_072.0)),
                key("sliding_window", Number(4096.0)),
            ],
            COMMON,
        ],
        window: WindowRule::Every,
        norm: NormKind::Rms,
        names: NAMES,
        block: LLAMA,
        transposed: false,
        aliases: &[],
    },
    Family {
        name: "qwen2",
        models: "Qwen2, Qwen2.5",
        model_types: &["qwen2"],
        keys: &[&[key("use_mrope", Only(false))], WINDOWED, COMMON],
        window: WindowRule::FromLayer,
        norm: NormKind::Rms,
        names: NAMES,
        block: &[
            Norm("input_layernorm"),
            reads("self_attn.q_proj", Hidden, Queries, With),
            reads("self_attn.k_proj", Hidden, Keys, With),
            reads("self_attn.v_proj", Hidden, Keys, With),
            writes("self_attn.o_proj", Queries, Hidden, Without),
            Norm("post_attention_layernorm"),
            reads("mlp.gate_proj", Hidden, Inner, Without),
            reads("mlp.up_proj", Hidden, Inner, Without),
            writes("mlp.down_proj", Inner, Hidden, Without),
        ],
        transposed: false,
        aliases: &[],
    },
    Family {
        name: "qwen3",
        models: "Qwen3",
        model_types: &["qwen3"],
        keys: &[
            &[key("head_dim", Number(128.0)), key("attention_bias", Flag(false))],
            WINDOWED,
            COMMON,
        ],
        window: WindowRule::FromLayer,
        norm: NormKind::Rms,
        names: NAMES,
        block: &[
            Norm("input_layernorm"),
            reads("self_attn.q_proj", Hidden, Queries, Attention),
            reads("self_attn.k_proj", Hidden, Keys, Attention),
            reads("self_attn.v_proj", Hidden, Keys, Attention),
            HeadNorm("self_attn.q_norm"),
            HeadNorm("self_attn.k_norm"),
            writes("self_attn.o_proj", Queries, Hidden, Attention),
            Norm("post_attention_layernorm"),
            reads("mlp.gate_proj", Hidden, Inner, Without),
            reads("mlp.up_proj", Hidden, Inner, Without),
            writes("mlp.down_proj", Inner, Hidden, Without),
        ],
        transposed: false,
        aliases: &[],
    },
    Family {
        name: "smollm3",
        models: "SmolLM3",
        model_types: &["smollm3"],
        keys: &[
            &[
                key("num_key_value_heads", Number(4.0)),
                key("max_position_embeddings", Number(32_768.0)),
                key("rope_theta", Number(2_000_000.0)),
                key("no_rope_layers", Derived),
                key("no_rope_layer_interval", Number(4.0)),
                key("use_sliding_window", Flag(false)),
                key("sliding_window", Derived),
                key("layer_types", Derived),
                // Read by older versions of transformers only; the layers without rotary positions have the window.
                key("max_window_layers", Derived),
                key("attention_bias", Flag(false)),
                key("mlp_bias", Flag(false)),
                key("tie_word_embeddings", Flag(true)),
            ],
            COMMON,
        ],
        window: WindowRule::WithoutRope,
        norm: NormKind::Rms,
        names: NAMES,
        block: LLAMA,
        transposed: false,
        aliases: &[],
    },
    Family {
        name: "gemma3",
        models: "Gemma 3 (text)",
        model_types: &["gemma3_text"],
        keys: &[
            &[
                key("num_key_value_heads", Number(4.0)),
                key("head_dim", Number(256.0)),
                key("max_position_embeddings", Number(131_072.0)),
                spelt("hidden_activation", "hidden_act", Text("gelu_pytorch_tanh")),
                key("rope_theta", Number(1_000_000.0)),
                key("rope_local_base_freq", Number(10_000.0)),
                key("query_pre_attn_scalar", Number(256.0)),
                key("attention_bias", Flag(false)),
                key("sliding_window", Number(4096.0)),
                key("sliding_window_pattern", Number(6.0)),
                key("layer_types", Derived),
                key("use_bidirectional_attention", Only(false)),
                key("tie_word_embeddings", Flag(true)),
            ],
            COMMON,
        ],
        window: WindowRule::Pattern,
        norm: NormKind::RmsPlusOne,
        names: NAMES,
        block: &[
            Norm("input_layernorm"),
            reads("self_attn.q_proj", Hidden, Queries, Attention),
            reads("self_attn.k_proj", Hidden, Keys, Attention),
            reads("self_attn.v_proj", Hidden, Keys, Attention),
            HeadNorm("self_attn.q_norm"),
            HeadNorm("self_attn.k_norm"),
            writes("self_attn.o_proj", Queries, Hidden, Attention),
            Norm("post_attention_layernorm"),
            Norm("pre_feedforward_layernorm"),
            reads("mlp.gate_proj", Hidden, Inner, Without),
            reads("mlp.up_proj", Hidden, Inner, Without),
            writes("mlp.down_proj", Inner, Hidden, Without),
            Norm("post_feedforward_layernorm"),
        ],
        transposed: false,
        aliases: &[],
    },
    Family {
        name: "phi3",
        models: "Phi-3, Phi-3.5, Phi-4 mini",
        model_types: &["phi3"],
        keys: &[
            &[
                key("max_position_embeddings", Number(4096.0)),
                key("original_max_position_embeddings", Number(4096.0)),
                spelt("rms_norm_eps", "norm_eps", Number(1e-5)),
                key("partial_rotary_factor", Number(1.0)),
                key("sliding_window", Derived),
                key("attention_bias", Only(false)),
            ],
            COMMON,
        ],
        window: WindowRule::Every,
        norm: NormKind::Rms,
        names: NAMES,
        block: &[
            Norm("input_layernorm"),
            reads("self_attn.qkv_proj", Hidden, QueriesKeysValues, Without),
            writes("self_attn.o_proj", Queries, Hidden, Without),
            Norm("post_attention_layernorm"),
            reads("mlp.gate_up_proj", Hidden, GateAndInner, Without),
            writes("mlp.down_proj", Inner, Hidden, Without),
        ],
        transposed: false,
        aliases: &[],
    },
    Family {
        name: "gpt2",
        models: "GPT-2, DistilGPT-2",
        model_types: &["gpt2"],
        keys: &[&[
            spelt("n_embd", "hidden_size", Needed),
            spelt("n_inner", "intermediate_size", Derived),
            spelt("n_layer", "num_hidden_layers", Needed),
            spelt("n_head", "num_attention_heads", Needed),
            key("vocab_size", Needed),
            spelt("n_positions", "max_position_embeddings", Number(1024.0)),
            spelt("layer_norm_epsilon", "norm_eps", Number(1e-5)),
            spelt("activation_function", "hidden_act", Text("gelu_new")),
            key("scale_attn_weights", Only(true)),
            key("scale_attn_by_inverse_layer_idx", Only(false)),
            key("add_cross_attention", Only(false)),
            key("tie_word_embeddings", Flag(true)),
        ]],
        window: WindowRule::Never,
        norm: NormKind::Layer,
        names: Names {
            base: "transformer",
            embed: "wte",
            positions: Some("wpe"),
            blocks: "h",
            norm: "ln_f",
            head: "lm_head",
        },
        block: &[
            Norm("ln_1"),
            reads("attn.c_attn", Hidden, QueriesKeysValues, With),
            writes("attn.c_proj", Queries, Hidden, With),
            Norm("ln_2"),
            reads("mlp.c_fc", Hidden, Inner, With),
            writes("mlp.c_proj", Inner, Hidden, With),
        ],
        transposed: true,
        aliases: &[],
    },
    Family {
        name: "gpt_neox",
        models: "GPT-NeoX, Pythia",
        model_types: &["gpt_neox"],
        keys: &[&[
            key("hidden_size", Needed),
            key("intermediate_size", Needed),
            key("num_hidden_layers", Needed),
            key("num_attention_heads", Needed),
            key("vocab_size", Needed),
            key("max_position_embeddings", Number(2048.0)),
            spelt("layer_norm_eps", "norm_eps", Number(1e-5)),
            key("hidden_act", Text("gelu")),
            spelt("rotary_emb_base", "rope_theta", Number(10_000.0)),
            spelt("rotary_pct", "partial_rotary_factor", Number(0.25)),
            key("rope_scaling", Derived),
            key("rope_parameters", Derived),
            key("use_parallel_residual", Flag(true)),
            key("attention_bias", Flag(true)),
            key("tie_word_embeddings", Flag(false)),
        ]],
        window: WindowRule::Never,
        norm: NormKind::Layer,
        names: Names {
            base: "gpt_neox",
            embed: "embed_in",
            positions: None,
            blocks: "layers",
            norm: "final_layer_norm",
            head: "embed_out",
        },
        block: &[
            Norm("input_layernorm"),
            reads("attention.query_key_value", Hidden, QueriesKeysValues, Attention),
            writes("attention.dense", Queries, Hidden, Attention),
            Norm("post_attention_layernorm"),
            reads("mlp.dense_h_to_4h", Hidden, Inner, With),
            writes("mlp.dense_4h_to_h", Inner, Hidden, With),
        ],
        transposed: false,
        aliases: &[("embed_out.weight", "lm_head.weight")],
    },
];

/// Keys that never change what a decoder computes on a given row of ids: bookkeeping, training, generation settings.
///
/// Dropouts are among them: they act in pretraining only, and fine-tuning here takes its own from the recipe.
#[rustfmt::skip]
pub const HARMLESS: &[&str] = &[
    "model_type", "architectures", "auto_map", "torch_dtype", "dtype", "transformers_version", "use_cache", "tokenizer_class",
    "initializer_range", "pretraining_tp", "is_decoder", "chunk_size_feed_forward", "gradient_checkpointing", "name_or_path",
    "attention_dropout", "hidden_dropout", "classifier_dropout", "attn_pdrop", "embd_pdrop", "resid_pdrop",
    "attn_implementation", "output_attentions", "output_hidden_states", "output_scores", "return_dict",
    "return_dict_in_generate", "torchscript", "use_bfloat16", "problem_type", "id2label", "label2id", "num_labels",
    "finetuning_task", "task_specific_params", "begin_suppress_tokens", "suppress_tokens", "bad_words_ids",
    "length_penalty", "max_length", "min_length", "num_beams", "num_beam_groups", "diversity_penalty", "do_sample",
    "early_stopping", "encoder_no_repeat_ngram_size", "exponential_decay_length_penalty", "no_repeat_ngram_size",
    "num_return_sequences", "remove_invalid_values", "repetition_penalty", "temperature", "top_k", "top_p", "typical_p",
    "tf_legacy_loss", "summary_type", "summary_use_proj", "summary_activation", "summary_proj_to_labels",
    "summary_first_dropout", "n_ctx", "reorder_and_upcast_attn", "cache_implementation", "is_llama_config",
    "unsloth_version", "unsloth_fixed", "transformers.js_config",
];

/// The family of a `model_type`.
pub fn family(model_type: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|f| f.model_types.contains(&model_type))
}
