//! Prompt tuning and prefix tuning against PEFT: logits, loss, gradient, files; and decoding with a cache behind virtual tokens.

use burn::tensor::{Device, Tensor};
use burnish::adapter::{Adapter, VirtualTokens};
use burnish::formats::peft_virtual::VirtualKind;
use burnish::formats::weights::StoreType;
use burnish::formats::weights::WeightFile;
use burnish::infer::{Request, Sampling, generate};
use burnish::model::{Cache, Decoder, Inputs};
use burnish::train::{Trained, Trainer};

use crate::architectures::{CASES, decoder as load};
use crate::devices;
use crate::golden::{close, close_loss, deviation, gap, ids, json, matrix, padded, tiny_llama, weights};
use crate::golden_tiny_llama::setup;

const KINDS: [(&str, VirtualKind); 2] = [("prompt", VirtualKind::Prompt), ("prefix", VirtualKind::Prefix)];

fn golden_tokens(case: &str, kind: VirtualKind, device: &Device) -> Adapter {
    let rows = matrix(&weights("methods.safetensors"), &format!("{case}.embedding"), device);
    Adapter::from(VirtualTokens { kind, rows })
}

fn logits(model: &Decoder, rows: &[Vec<u32>]) -> Tensor<2> {
    let (flat, len) = (rows.concat(), rows[0].len() as u32);
    let positions: Vec<u32> = rows.iter().flat_map(|_| 0..len).collect();
    let segments = vec![1; flat.len()];
    let inputs = Inputs::packed(model, &flat, &positions, &segments, rows.len(), &model.device()).expect("inputs");
    model.logits(model.hidden(&inputs, None))
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.inner().into_data().iter::<f32>().collect()
}

#[test]
fn virtual_tokens_compute_and_learn_as_in_peft() {
    let device = devices::golden();
    let (j, file) = (json("methods.json"), weights("methods.safetensors"));
    let rows = ids(&j["input_ids"]);
    let labels: Vec<Vec<i64>> = serde_json::from_value(j["labels"].clone()).expect("labels");
    let batch = padded(&rows, &labels, 258);
    for (case, kind) in KINDS {
        let adapter = golden_tokens(case, kind, &device);
        let mut model = tiny_llama("untied", &device);
        adapter.attach(&mut model, false).expect("attach");
        let name = format!("{case}.logits");
        close(&name, deviation(logits(&model, &rows), &file, &name), 3e-5);
        let base = tiny_llama("untied", &device);
        let mut trainer = Trainer::new(base, Trained::from(adapter), setup(1e-2, 0.0)).expect("trainer");
        let (loss, grads) = trainer.gradients(std::slice::from_ref(&batch)).expect("gradients");
        close_loss(case, loss, &j["cases"][case]["loss"]);
        assert_eq!(grads.len(), 1);
        let name = format!("{case}.grad");
        close(&name, deviation(grads[0].clone(), &file, &name), 5e-6);
        let first = trainer.step(std::slice::from_ref(&batch)).expect("step").loss;
        let second = trainer.step(std::slice::from_ref(&batch)).expect("step").loss;
        assert!(second < first, "{case}: {first} {second}");
    }
}

#[test]
fn virtual_tokens_are_saved_as_peft_s_files() {
    let device = devices::golden();
    let config = tiny_llama("untied", &device).config;
    for (case, kind) in KINDS {
        let adapter = golden_tokens(case, kind, &device);
        let dir = tempfile::tempdir().expect("folder");
        adapter.save(dir.path(), "base", &config, StoreType::F32).expect("save");
        let text = std::fs::read_to_string(dir.path().join("adapter_config.json")).expect("config");
        let written: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        // What PEFT itself writes of these adapters.
        let (name, width, heads) = match kind {
            VirtualKind::Prompt => ("PROMPT_TUNING", 64, 4),
            VirtualKind::Prefix => ("PREFIX_TUNING", 32, 2),
        };
        assert_eq!(written["peft_type"], name);
        assert_eq!(written["num_virtual_tokens"], 5);
        assert_eq!(
            (&written["token_dim"], &written["num_attention_heads"]),
            (&width.into(), &heads.into())
        );
        assert_eq!(
            (&written["num_layers"], &written["num_transformer_submodules"]),
            (&2.into(), &1.into())
        );
        let file = WeightFile::open(&dir.path().join("adapter_model.safetensors")).expect("weights");
        assert_eq!(file.names().collect::<Vec<_>>(), ["prompt_embeddings"]);
        let Adapter::Virtual(again) = Adapter::load(dir.path(), &config, &device).expect("load") else {
            panic!("another kind")
        };
        assert_eq!(again.kind, kind);
        assert_eq!(
            deviation(
                again.rows,
                &weights("methods.safetensors"),
                &format!("{case}.embedding")
            ),
            0.0
        );
    }
}

#[test]
fn decoding_with_a_cache_sees_the_virtual_tokens_in_every_architecture() {
    let device = devices::golden();
    for case in CASES {
        let base = load(case, &device);
        let row: Vec<u32> = (0..9).map(|i| 3 + 7 * i % 90).collect();
        for (_, kind) in KINDS {
            let tokens = VirtualTokens::new(kind, &base, &[5, 17, 40], &device).expect(case);
            let mut model = base.clone();
            Adapter::from(tokens).attach(&mut model, false).expect(case);
            let whole = values(logits(&model, std::slice::from_ref(&row)));
            assert!(
                gap(&whole, &values(logits(&base, std::slice::from_ref(&row)))) > 1e-4,
                "{case} {kind:?}"
            );
            let (mut cache, mut parts) = (Cache::new(model.blocks.len()), vec![]);
            for part in [&row[..4], &row[4..5], &row[5..]] {
                let inputs = Inputs::following(&model, part, cache.len(), &device).expect(case);
                parts.extend(values(model.logits(model.hidden(&inputs, Some(&mut cache)))));
            }
            close(&format!("{case} {kind:?} in parts"), gap(&parts, &whole), 3e-5);
            // Two rows at once are as each alone.
            let two = values(logits(&model, &[row.clone(), row.iter().map(|id| id + 1).collect()]));
            close(
                &format!("{case} {kind:?} two rows"),
                gap(&two[..whole.len()], &whole),
                3e-5,
            );
            // A conversation may go back to a shorter beginning, and to nothing.
            cache.truncate(0);
            let inputs = Inputs::following(&model, &row, 0, &device).expect(case);
            let again = values(model.logits(model.hidden(&inputs, Some(&mut cache))));
            close(&format!("{case} {kind:?} again"), gap(&again, &whole), 3e-5);
        }
    }
}

#[test]
fn a_prefix_made_of_real_tokens_is_those_tokens() {
    let device = devices::golden();
    let base = tiny_llama("untied", &device);
    let real = [60, 61, 62];
    let row = [9, 8, 7, 6];
    let all = values(logits(&base, &[[&real[..], &row].concat()]));
    for (_, kind) in KINDS {
        let mut model = base.clone();
        let tokens = VirtualTokens::new(kind, &base, &real, &device).expect("tokens");
        Adapter::from(tokens).attach(&mut model, false).expect("attach");
        let behind = values(logits(&model, &[row.to_vec()]));
        close(&format!("{kind:?} of real tokens"), gap(&behind, &all[3 * 259..]), 2e-5);
        assert_eq!(model.context(), base.context() - 3);
    }
}

#[test]
fn generation_ends_where_the_context_does_behind_virtual_tokens() {
    let device = devices::golden();
    let mut model = tiny_llama("untied", &device);
    let tokens = VirtualTokens::new(VirtualKind::Prefix, &model, &[7; 6], &device).expect("tokens");
    Adapter::from(tokens).attach(&mut model, false).expect("attach");
    let prompt: Vec<u32> = (0..240).map(|i| i % 200).collect();
    let request = Request {
        prompt: &prompt,
        sampling: Sampling::default(),
        max_tokens: 100,
        stop_ids: &[],
        alternatives: 0,
    };
    let result = generate(&model, &request, &mut |_| true).expect("generation");
    assert_eq!(result.ids.len(), 256 - 6 - 240);
}

#[test]
fn an_adapter_of_another_width_is_refused() {
    let device = devices::golden();
    let mut model = tiny_llama("untied", &device);
    for (_, kind) in KINDS {
        let rows = Tensor::zeros([2, 63], &device);
        let error = Adapter::from(VirtualTokens { kind, rows }).attach(&mut model, false);
        let error = error.expect_err("must refuse").to_string();
        assert!(error.contains("63 wide"), "{error}");
    }
    let rows = Tensor::zeros([2, 64], &device);
    let kind = VirtualKind::Prompt;
    let error = Adapter::from(VirtualTokens { kind, rows })
        .merge(&model)
        .expect_err("must refuse");
    assert!(error.to_string().contains("cannot be merged"), "{error}");
}
