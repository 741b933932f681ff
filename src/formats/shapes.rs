//! Known models by the config alone, for measurements on random weights. Knows no files.

use serde_json::{Value, json};

/// Names of [`shape`], the smallest first.
pub const SHAPES: [&str; 3] = ["tiny", "smollm2-135m", "llama-3.2-1b"];

/// The config of a named shape as its `config.json` spells it.
pub fn shape(name: &str) -> Option<Value> {
    Some(match name {
        "tiny" => llama([64, 128, 2, 4, 2, 256], 512, json!({"rope_theta": 10_000.0})),
        "smollm2-135m" => llama([576, 1536, 30, 9, 3, 49_152], 8192, json!({"rope_theta": 100_000.0})),
        "llama-3.2-1b" => llama(
            [2048, 8192, 16, 32, 8, 128_256],
            131_072,
            json!({
                "rope_theta": 500_000.0,
                "rope_scaling": {
                    "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                    "original_max_position_embeddings": 8192
                }
            }),
        ),
        _ => return None,
    })
}

/// A Llama with a tied head: width, inner width, blocks, heads, heads of keys and values, ids; context; and what its positions are.
fn llama([hidden, inner, layers, heads, shared, vocab]: [usize; 6], context: usize, positions: Value) -> Value {
    let mut config = json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": hidden, "intermediate_size": inner,
        "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": shared, "head_dim": hidden / heads,
        "vocab_size": vocab, "max_position_embeddings": context, "rms_norm_eps": 1e-5, "tie_word_embeddings": true,
        "hidden_act": "silu"
    });
    if let (Value::Object(config), Value::Object(positions)) = (&mut config, positions) {
        config.extend(positions);
    }
    config
}
