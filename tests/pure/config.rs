//! Configs of all families: both spellings mean the same, defaults are those of transformers, and what is not implemented is
//! refused by name and value.

use burnish::formats::config::{Activation, FAMILIES, Layer, ModelConfig, Role, Scaling};
use serde_json::{Value, json};

fn llama() -> Value {
    json!({
        "model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100
    })
}

fn of_type(model_type: &str) -> Value {
    with(llama(), json!({ "model_type": model_type, "num_hidden_layers": 7 }))
}

/// The first with the keys of the second.
fn with(mut config: Value, more: Value) -> Value {
    for (key, value) in more.as_object().expect("an object") {
        config[key] = value.clone();
    }
    config
}

fn read(config: Value) -> ModelConfig {
    ModelConfig::from_value(&config).expect("a configuration")
}

fn refused(config: Value) -> String {
    ModelConfig::from_value(&config).expect_err("must refuse")
}

#[test]
fn both_spellings_of_rotary_settings_mean_the_same() {
    let llama3 = json!({
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192
    });
    let old = with(llama(), json!({ "rope_theta": 500_000.0, "rope_scaling": llama3 }));
    let new = with(
        llama(),
        json!({ "rope_parameters": with(llama3, json!({ "rope_theta": 500_000.0 })) }),
    );
    assert_eq!(read(old.clone()), read(new));
    let rope = &read(old).ropes[0];
    assert_eq!((rope.theta, rope.dims), (500_000.0, 16));
    let expected = Scaling::Llama3 {
        factor: 8.0,
        low: 1.0,
        high: 4.0,
        original: 8192.0,
    };
    assert_eq!(rope.scaling, expected);

    let old = with(llama(), json!({ "rope_scaling": { "type": "linear", "factor": 4.0 } }));
    let new = with(
        llama(),
        json!({ "rope_parameters": { "rope_type": "linear", "factor": 4.0 } }),
    );
    assert_eq!(read(old), read(new));

    let gemma = with(
        of_type("gemma3_text"),
        json!({ "head_dim": 16, "sliding_window": 9, "query_pre_attn_scalar": 16 }),
    );
    let old = with(
        gemma.clone(),
        json!({
            "rope_theta": 1e6, "rope_local_base_freq": 1e4, "rope_scaling": { "rope_type": "linear", "factor": 8.0 },
            "sliding_window_pattern": 6
        }),
    );
    let new = with(
        gemma.clone(),
        json!({
            "rope_parameters": {
                "full_attention": { "rope_type": "linear", "factor": 8.0, "rope_theta": 1e6 },
                "sliding_attention": { "rope_type": "default", "rope_theta": 1e4 }
            },
            "_sliding_window_pattern": 6,
            "layer_types": [
                "sliding_attention", "sliding_attention", "sliding_attention", "sliding_attention", "sliding_attention",
                "full_attention", "sliding_attention"
            ]
        }),
    );
    assert_eq!(read(old.clone()), read(new));
    let config = read(old);
    let local = Layer {
        window: Some(9),
        rope: Some(1),
    };
    let global = Layer {
        window: None,
        rope: Some(0),
    };
    assert_eq!(config.layers, [local, local, local, local, local, global, local]);
    assert_eq!(config.ropes.iter().map(|r| r.theta).collect::<Vec<_>>(), [1e6, 1e4]);

    let neox = json!({
        "model_type": "gpt_neox", "hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 1,
        "num_attention_heads": 4, "vocab_size": 100
    });
    let old = with(neox.clone(), json!({ "rotary_pct": 0.5, "rotary_emb_base": 20_000 }));
    let new = with(
        neox.clone(),
        json!({ "rope_parameters": { "rope_theta": 20_000.0, "partial_rotary_factor": 0.5, "rope_type": "default" } }),
    );
    assert_eq!(read(old.clone()), read(new));
    assert_eq!((read(old).ropes[0].dims, read(neox).ropes[0].dims), (8, 4));
}

#[test]
fn what_a_config_leaves_out_is_as_in_transformers() {
    let layers = |config: ModelConfig, f: fn(&Layer) -> bool| config.layers.iter().map(f).collect::<Vec<_>>();
    let windowed = |l: &Layer| l.window.is_some();
    let qwen = read(of_type("qwen2"));
    assert!(!qwen.tie_word_embeddings && layers(qwen, windowed) == [false; 7]);
    let window = json!({ "use_sliding_window": true, "sliding_window": 3, "max_window_layers": 5 });
    let some = layers(read(with(of_type("qwen2"), window)), windowed);
    assert_eq!(some, [false, false, false, false, false, true, true]);
    let smol = read(of_type("smollm3"));
    assert_eq!(smol.ropes[0].theta, 2e6);
    assert!(smol.tie_word_embeddings);
    assert_eq!(
        layers(smol, |l| l.rope.is_some()),
        [true, true, true, false, true, true, true]
    );
    let mistral = |more: Value| read(with(of_type("mistral"), more)).layers[0].window;
    assert_eq!(mistral(json!({})), Some(4096));
    assert_eq!(mistral(json!({ "sliding_window": null })), None);
    assert_eq!(mistral(json!({ "sliding_window": 12 })), Some(12));
    let gpt2 =
        json!({ "model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 100, "n_inner": null });
    let gpt2 = read(gpt2);
    assert_eq!((gpt2.intermediate_size, gpt2.max_position_embeddings), (256, 1024));
    assert!(gpt2.tie_word_embeddings && gpt2.ropes.is_empty() && gpt2.fixed_context);
    assert_eq!(gpt2.activation, Activation::GeluTanh);
    let qwen3 = read(of_type("qwen3"));
    assert_eq!((qwen3.head_dim, qwen3.score_divisor), (128, 128.0));
}

#[test]
fn parameters_are_those_of_published_models() {
    let count = |config: Value| read(config).parameters();
    let gpt2 = json!({ "model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50_257 });
    assert_eq!(count(gpt2), 124_439_808);
    let pythia = json!({
        "model_type": "gpt_neox", "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 6,
        "num_attention_heads": 8, "vocab_size": 50_304
    });
    assert_eq!(count(pythia), 70_426_624);
    let qwen = json!({
        "model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
        "num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151_936, "tie_word_embeddings": true
    });
    assert_eq!(count(qwen), 494_032_768);
    let qwen3 = json!({
        "model_type": "qwen3", "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "head_dim": 128,
        "num_attention_heads": 16, "num_key_value_heads": 8, "vocab_size": 151_936, "tie_word_embeddings": true
    });
    assert_eq!(count(qwen3), 596_049_920);
    let gemma = json!({
        "model_type": "gemma3_text", "hidden_size": 640, "intermediate_size": 2048, "num_hidden_layers": 18, "head_dim": 256,
        "num_attention_heads": 4, "num_key_value_heads": 1, "vocab_size": 262_144, "sliding_window": 512
    });
    assert_eq!(count(gemma), 268_098_176);
    let phi = json!({
        "model_type": "phi3", "hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 32,
        "num_attention_heads": 32, "vocab_size": 32_064
    });
    assert_eq!(count(phi), 3_821_079_552);
}

#[test]
fn names_of_weights_do_not_repeat() {
    for family in FAMILIES {
        let sizes = json!({
            "model_type": family.model_types[0], "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3,
            "num_attention_heads": 4, "vocab_size": 100, "tie_word_embeddings": false
        });
        let gpt2 = json!({
            "model_type": "gpt2", "n_embd": 64, "n_layer": 3, "n_head": 4, "vocab_size": 100, "tie_word_embeddings": false
        });
        let config = read(match family.name {
            "gpt2" => gpt2,
            "gpt_neox" => sizes,
            _ => with(sizes, json!({ "num_key_value_heads": 2 })),
        });
        let weights = config.weights();
        let mut names: Vec<&str> = weights.iter().map(|w| w.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), weights.len(), "{}", family.name);
        assert_eq!(weights.last().map(|w| w.role), Some(Role::Head), "{}", family.name);
        for linear in config.linears() {
            assert!(
                names.contains(&format!("{}.weight", linear.path).as_str()),
                "{}",
                linear.path
            );
        }
    }
}

#[test]
fn what_is_not_implemented_is_refused_by_name_and_value() {
    let gpt2 = json!({ "model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 100 });
    let rope = |rope: Value| with(llama(), json!({ "rope_scaling": rope }));
    let cases = [
        (of_type("mamba"), ["\"mamba\"", "gemma3_text"]),
        (of_type("gemma3"), ["\"gemma3\"", "gemma3_text"]),
        (json!({ "hidden_size": 4 }), ["model_type", "missing"]),
        (
            with(llama(), json!({ "hidden_act": "mish" })),
            ["\"hidden_act\": \"mish\"", "silu"],
        ),
        (
            with(of_type("gemma3_text"), json!({ "attn_logit_softcapping": 50.0 })),
            ["attn_logit_softcapping", "50.0"],
        ),
        (
            with(of_type("gemma3_text"), json!({ "final_logit_softcapping": 30.0 })),
            ["final_logit_softcapping", "30.0"],
        ),
        (
            with(of_type("gemma3_text"), json!({ "use_bidirectional_attention": true })),
            ["bidirectional", "false"],
        ),
        (
            with(llama(), json!({ "num_local_experts": 8 })),
            ["\"num_local_experts\": 8", "llama"],
        ),
        (
            with(llama(), json!({ "partial_rotary_factor": 0.5 })),
            ["\"partial_rotary_factor\": 0.5", "llama"],
        ),
        (
            with(llama(), json!({ "sliding_window": 4096 })),
            ["\"sliding_window\": 4096", "llama"],
        ),
        (
            with(llama(), json!({ "rope_interleaved": true })),
            ["\"rope_interleaved\": true", "llama"],
        ),
        (
            with(
                llama(),
                json!({ "quantization_config": { "quant_method": "gptq", "bits": 4 } }),
            ),
            ["\"quantization_config\"", "\"gptq\""],
        ),
        (
            rope(json!({ "rope_type": "spiral", "factor": 2.0 })),
            ["\"spiral\"", "llama3"],
        ),
        (
            rope(json!({ "rope_type": "linear", "factor": 2.0, "twist": 3 })),
            ["\"twist\": 3", "linear"],
        ),
        (rope(json!({ "rope_type": "linear" })), ["rope_scaling", "\"factor\""]),
        (
            rope(json!({ "rope_type": "linear", "factor": "two" })),
            ["\"factor\" is \"two\"", "positive number"],
        ),
        (
            rope(json!({ "rope_type": "longrope", "short_factor": [1.0], "factor": 2.0 })),
            ["short_factor", "8 are needed"],
        ),
        (rope(json!("yarn")), ["\"rope_scaling\" is \"yarn\"", "object"]),
        (
            with(of_type("qwen3"), json!({ "layer_types": ["full_attention"] })),
            ["layer_types", "7 entries"],
        ),
        (
            with(of_type("qwen3"), json!({ "layer_types": vec!["linear_attention"; 7] })),
            ["\"linear_attention\"", "full_attention"],
        ),
        (
            with(of_type("qwen3"), json!({ "layer_types": vec!["sliding_attention"; 7] })),
            ["sliding_attention", "sliding_window"],
        ),
        (
            with(gpt2.clone(), json!({ "scale_attn_weights": false })),
            ["\"scale_attn_weights\": false", "true"],
        ),
        (
            with(gpt2.clone(), json!({ "add_cross_attention": true })),
            ["\"add_cross_attention\": true", "false"],
        ),
        (with(gpt2, json!({ "n_embd": -3 })), ["\"n_embd\" is -3", "positive"]),
        (
            with(llama(), json!({ "num_key_value_heads": 3 })),
            ["num_attention_heads 4", "num_key_value_heads 3"],
        ),
        (
            with(llama(), json!({ "num_hidden_layers": 4_000_000_000_u32 })),
            ["num_hidden_layers", "4096"],
        ),
        (
            with(llama(), json!({ "hidden_size": 4_000_000_000_u32 })),
            ["hidden_size is 4000000000", "16777216"],
        ),
        (
            with(
                llama(),
                json!({ "num_attention_heads": 999, "num_key_value_heads": 999 }),
            ),
            ["999", "heads"],
        ),
        (
            with(llama(), json!({ "attention_bias": "yes" })),
            ["\"attention_bias\" is \"yes\"", "true or false"],
        ),
    ];
    for (config, expected) in cases {
        let message = refused(config);
        for part in expected {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

#[test]
fn notes_and_switched_off_features_are_accepted() {
    let notes = json!({
        "_name_or_path": "x", "architectures": ["LlamaForCausalLM"], "torch_dtype": "bfloat16", "use_cache": true,
        "bos_token_id": 1, "eos_token_id": [2, 3], "pad_token_id": 0, "initializer_range": 0.02, "pretraining_tp": 1,
        "attention_dropout": 0.1, "num_local_experts": 0, "quantization_config": null, "rope_interleaved": false,
        "is_llama_config": true, "transformers.js_config": { "dtype": "q4" }, "final_logit_softcapping": null,
        "mlp_bias": false, "pruned_heads": {}, "rope_scaling": null, "rope_parameters": null
    });
    assert_eq!(read(with(llama(), notes)), read(llama()));
}
