//! The cache of keys and values: what a model says token by token, after going back, and all at once.
use burn::tensor::Device;
use burnish::formats::config::ModelConfig;
use burnish::model::{Cache, Decoder, Inputs};
use serde_json::json;

use crate::kernels_kit::{assert_close, read};

fn model() -> Decoder {
    let config = json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 90,
        "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true,
        "hidden_act": "silu", "bos_token_id": 0, "eos_token_id": 0
    });
    Decoder::random(ModelConfig::from_value(&config).unwrap(), 5, &Device::flex()).unwrap()
}

/// Scores after each of `ids`, which follow what the cache holds.
fn scores(model: &Decoder, ids: &[u32], cache: &mut Cache) -> Vec<f32> {
    let inputs = Inputs::following(model, ids, cache.len(), &Device::flex()).unwrap();
    read(model.logits(model.hidden(&inputs, Some(cache))))
}

#[test]
fn the_cache_grows_and_goes_back_without_changing_what_is_said() {
    let model = model();
    // Longer than the room that a cache begins with or grows by at once.
    let ids: Vec<u32> = (0..300).map(|i| i * 37 % 90).collect();
    let whole = scores(&model, &ids, &mut Cache::new(2));
    let row = |i: usize| &whole[i * 90..(i + 1) * 90];

    let mut cache = Cache::new(2);
    scores(&model, &ids[..7], &mut cache);
    for i in 7..300 {
        assert_eq!(cache.len(), i);
        assert_close(
            &format!("token {i}"),
            &scores(&model, &ids[i..=i], &mut cache),
            row(i),
            1e-5,
        );
    }
    // Back to the middle, over something else, and back again.
    let copy = cache.clone();
    cache.truncate(150);
    scores(&model, &[1, 2, 3, 4, 5], &mut cache);
    cache.truncate(150);
    let rest = scores(&model, &ids[150..200], &mut cache);
    assert_close("after going back", &rest, &whole[150 * 90..200 * 90], 1e-5);
    // A copy keeps its own tokens.
    let mut copy = copy;
    copy.truncate(299);
    assert_close("copy", &scores(&model, &ids[299..], &mut copy), row(299), 1e-5);
    cache.truncate(0);
    assert!(cache.is_empty());
    assert_close("from the start", &scores(&model, &ids[..1], &mut cache), row(0), 1e-5);
}
