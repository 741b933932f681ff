//! Bottleneck adapters, and embedding and head trained whole beside LoRA: beginning, learning, files, merging.

use burn::tensor::{Device, Tensor, TensorData};
use burnish::adapter::{Adapter, Bottlenecks, Lora, LoraSpec, VirtualTokens, detach};
use burnish::formats::peft_virtual::VirtualKind;
use burnish::formats::source::TensorSource;
use burnish::formats::weights::StoreType;
use burnish::formats::weights::WeightFile;
use burnish::model::{Decoder, Inputs};
use burnish::recipe::{MethodKind, MethodPart, ModelShape, Recipe, trainable};
use burnish::train::{Trained, Trainer};

use crate::architectures::{CASES, decoder as load};
use crate::golden::{close, gap, ids, json, padded, tiny_llama};
use crate::golden_tiny_llama::setup;

fn logits(model: &Decoder, row: &[u32]) -> Vec<f32> {
    let inputs = Inputs::following(model, row, 0, &model.device()).expect("inputs");
    let all: Tensor<2> = model.logits(model.hidden(&inputs, None));
    all.inner().into_data().iter::<f32>().collect()
}

/// What some steps make of an adapter: its losses, and the adapter.
fn trained(model: Decoder, adapter: Adapter, steps: usize) -> (Vec<f64>, Adapter) {
    let rows = ids(&json("tiny_llama.json")["input_ids"]);
    let labels = vec![vec![7i64; 17]; 2];
    let batch = padded(&rows, &labels, 258);
    let mut trainer = Trainer::new(model, Trained::from(adapter), setup(1e-2, 0.0)).expect("trainer");
    let losses = (0..steps).map(|_| trainer.step(std::slice::from_ref(&batch)).expect("step").loss);
    let losses = losses.collect();
    let Trained::Adapter(adapter) = trainer.trained else {
        panic!("adapter expected")
    };
    (losses, *adapter)
}

/// Saved and read again.
fn through_files(adapter: &Adapter, model: &Decoder) -> (tempfile::TempDir, Adapter) {
    let dir = tempfile::tempdir().expect("folder");
    adapter
        .save(dir.path(), "base", &model.config, StoreType::F32)
        .expect("save");
    let again = Adapter::load(dir.path(), &model.config, &model.device()).expect("load");
    (dir, again)
}

fn with(adapter: &Adapter, model: &Decoder) -> Decoder {
    let mut model = model.clone();
    adapter.attach(&mut model, false).expect("attach");
    model
}

#[test]
fn fresh_bottlenecks_change_nothing_in_any_architecture_and_trained_ones_do() {
    let device = Device::flex();
    for case in CASES {
        let base = load(case, &device);
        let row: Vec<u32> = (0..9).map(|i| 3 + 7 * i % 90).collect();
        let mut fresh = Bottlenecks::new(&base, 4, 3, &device);
        assert_eq!(fresh.layers.len(), 2 * base.blocks.len(), "{case}");
        let before = logits(&base, &row);
        assert_eq!(
            logits(&with(&Adapter::Bottleneck(fresh.clone()), &base), &row),
            before,
            "{case}"
        );
        for (path, layer) in &mut fresh.layers {
            // Not the same for all: a norm that subtracts the mean would undo that.
            let hidden = layer.up_bias.dims()[1];
            let bias: Vec<f32> = (0..hidden).map(|i| (i % 3) as f32 * 0.5).collect();
            layer.up_bias = Tensor::from_data(TensorData::new(bias, [1, hidden]), &device);
            let one = Adapter::Bottleneck(Bottlenecks {
                width: 4,
                layers: [(path.clone(), layer.clone())].into(),
            });
            // Each one is heard.
            assert!(gap(&logits(&with(&one, &base), &row), &before) > 1e-5, "{case} {path}");
        }
    }
}

#[test]
fn bottlenecks_learn_and_survive_their_files() {
    let device = Device::flex();
    let base = tiny_llama("untied", &device);
    let fresh = Adapter::Bottleneck(Bottlenecks::new(&base, 8, 3, &device));
    let layers = 2 * base.blocks.len() as u64;
    assert_eq!(fresh.parameters(), layers * (2 * 8 * 64 + 8 + 64));
    let (losses, adapter) = trained(base.clone(), fresh, 4);
    assert!(losses[3] < losses[0] - 0.05, "{losses:?}");
    let (dir, again) = through_files(&adapter, &base);
    let row = [1, 2, 3, 4, 5];
    assert_eq!(logits(&with(&again, &base), &row), logits(&with(&adapter, &base), &row));
    assert!(gap(&logits(&with(&adapter, &base), &row), &logits(&base, &row)) > 1e-2);
    let file = WeightFile::open(&dir.path().join("adapter_model.safetensors")).expect("weights");
    let name = "model.layers.1.mlp.down_proj.bottleneck.up.weight";
    assert_eq!(file.shape(name), Some(vec![64, 8]));
    let error = adapter.merge(&base).expect_err("must refuse").to_string();
    assert!(
        error.contains("bottleneck") && error.contains("cannot be merged"),
        "{error}"
    );
}

fn with_modules(base: &Decoder, names: &[&str]) -> Adapter {
    let spec = LoraSpec {
        r: 2,
        alpha: 4.0,
        dropout: 0.0,
        targets: vec!["q_proj".into()],
        rslora: false,
        dora: false,
    };
    let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
    let lora = Lora::new(base, spec, &[5, 6], 5, &base.device()).expect("adapter");
    lora.with_modules(&names, base).expect("modules").into()
}

#[test]
fn whole_modules_learn_survive_peft_s_files_and_merge() {
    let device = Device::flex();
    let (embed, head) = (
        "base_model.model.model.embed_tokens.weight",
        "base_model.model.lm_head.weight",
    );
    let cases: [(&str, &[&str], &[&str]); 5] = [
        ("untied", &["embed_tokens"], &[embed]),
        ("untied", &["lm_head"], &[head]),
        ("untied", &["embed_tokens", "lm_head"], &[embed, head]),
        ("tied", &["embed_tokens"], &[embed, head]),
        ("tied", &["embed_tokens", "lm_head"], &[embed, head]),
    ];
    // Of a few rows the packed head of the base adds up in another order.
    let row: Vec<u32> = (1..=12).collect();
    for (case, names, stored) in cases {
        let what = format!("{case} {names:?}");
        let base = tiny_llama(case, &device);
        let fresh = with_modules(&base, names);
        assert_eq!(logits(&with(&fresh, &base), &row), logits(&base, &row), "{what}");
        let matrices = if case == "tied" { 1 } else { names.len() as u64 };
        let lora = 2 * 2 * (64 + 64);
        let rows = if names == ["lm_head"] { 2 * 64 } else { 0 };
        assert_eq!(fresh.parameters(), lora + rows + matrices * 259 * 64, "{what}");
        let (losses, adapter) = trained(base.clone(), fresh, 3);
        assert!(losses[2] < losses[0] - 0.05, "{what}: {losses:?}");
        let (dir, again) = through_files(&adapter, &base);
        let tuned = logits(&with(&adapter, &base), &row);
        assert_eq!(logits(&with(&again, &base), &row), tuned, "{what}");
        assert!(gap(&tuned, &logits(&base, &row)) > 1e-2, "{what}");
        let file = WeightFile::open(&dir.path().join("adapter_model.safetensors")).expect("weights");
        let mut found: Vec<&str> = file
            .names()
            .filter(|name| !name.contains("lora") && !name.contains("token"))
            .collect();
        found.extend(file.names().filter(|name| name.ends_with("embed_tokens.weight")));
        found.sort_unstable();
        found.dedup();
        let mut stored = stored.to_vec();
        stored.sort_unstable();
        assert_eq!(found, stored, "{what}");
        let merged = adapter.merge(&base).expect("merge");
        close(&format!("{what} merged"), gap(&logits(&merged, &row), &tuned), 5e-5);
        // Taken out, nothing is left of it.
        let mut bare = with(&adapter, &base);
        detach(&mut bare);
        assert_eq!(logits(&bare, &row), logits(&base, &row), "{what}");
    }
}

#[test]
fn a_tied_head_that_peft_left_alone_keeps_the_base_s_embedding() {
    let device = Device::flex();
    let base = tiny_llama("tied", &device);
    let (_, adapter) = trained(base.clone(), with_modules(&base, &["embed_tokens"]), 2);
    let (dir, _) = through_files(&adapter, &base);
    let path = dir.path().join("adapter_config.json");
    let text = std::fs::read_to_string(&path).expect("config");
    let text = text.replace("\"ensure_weight_tying\": true", "\"ensure_weight_tying\": false");
    let mut config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    config["modules_to_save"] = serde_json::json!(["embed_tokens"]);
    std::fs::write(&path, config.to_string()).expect("write");
    let apart = Adapter::load(dir.path(), &base.config, &device).expect("load");
    let row = [1, 2, 3, 4, 5];
    let tuned = logits(&with(&apart, &base), &row);
    assert!(gap(&tuned, &logits(&with(&adapter, &base), &row)) > 1e-3);
    let merged = apart.merge(&base).expect("merge");
    close("untied by merging", gap(&logits(&merged, &row), &tuned), 5e-5);
    assert!(!merged.config.tie_word_embeddings);
}

#[test]
fn a_module_that_does_not_exist_is_refused_with_the_names_that_do() {
    let device = Device::flex();
    let base = tiny_llama("untied", &device);
    let Adapter::Lora(lora) = with_modules(&base, &[]) else {
        panic!("LoRA expected")
    };
    let error = lora
        .with_modules(&["wte".into()], &base)
        .expect_err("must refuse")
        .to_string();
    assert!(
        error.contains("\"wte\"") && error.contains("embed_tokens, lm_head"),
        "{error}"
    );
}

#[test]
fn a_recipe_s_count_of_trained_values_is_what_its_adapter_has() {
    let device = Device::flex();
    let lora = MethodPart {
        r: 3,
        ..MethodPart::default()
    };
    let modules = vec!["embed_tokens".to_string(), "lm_head".into()];
    let methods = [
        (
            "untied",
            MethodPart {
                dora: true,
                ..lora.clone()
            },
        ),
        (
            "untied",
            MethodPart {
                modules_to_save: modules.clone(),
                ..lora.clone()
            },
        ),
        (
            "tied",
            MethodPart {
                modules_to_save: modules,
                ..lora.clone()
            },
        ),
        (
            "untied",
            MethodPart {
                kind: MethodKind::Bottleneck,
                ..lora.clone()
            },
        ),
        (
            "untied",
            MethodPart {
                kind: MethodKind::Prefix,
                ..lora
            },
        ),
    ];
    for (case, method) in methods {
        let mut recipe = Recipe::new("model", vec![]);
        recipe.method = method;
        let base = tiny_llama(case, &device);
        let m = &recipe.method;
        let adapter = match m.kind {
            MethodKind::Bottleneck => Adapter::Bottleneck(Bottlenecks::new(&base, m.width, 1, &device)),
            MethodKind::Prefix => {
                let tokens = VirtualTokens::new(VirtualKind::Prefix, &base, &vec![3; m.virtual_tokens], &device);
                Adapter::from(tokens.expect(case))
            }
            _ => {
                let spec = LoraSpec {
                    r: m.r,
                    alpha: m.alpha,
                    dropout: 0.0,
                    targets: m.targets.clone(),
                    rslora: false,
                    dora: m.dora,
                };
                let lora = Lora::new(&base, spec, &[], 5, &device).expect(case);
                lora.with_modules(&m.modules_to_save, &base).expect(case).into()
            }
        };
        let expected = trainable(&recipe, &ModelShape::from(&base.config));
        assert_eq!(adapter.parameters(), expected, "{case} {:?}", recipe.method);
    }
}
