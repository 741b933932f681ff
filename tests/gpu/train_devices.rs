//! Training on every device present gives the losses of the CPU. One tiny model whose matrices are all 16 x 16, since a software
//! Vulkan device spends many seconds on every new shape.

use burn::tensor::Device;
use burnish::adapter::{Adapter, Bottlenecks, Lora, LoraSpec, VirtualTokens};
use burnish::batch::{Example, Packed, collate};
use burnish::formats::config::ModelConfig;
use burnish::formats::peft_virtual::VirtualKind;
use burnish::kernels::PackedWeight;
use burnish::model::{Decoder, Weight};
use burnish::recipe::Schedule;
use burnish::train::{LrSchedule, OptimizerConfig, Passes, Trained, Trainer, TrainerSetup};

use crate::devices::all;

const SIDE: usize = 16;

pub fn config(layers: usize) -> ModelConfig {
    let config = serde_json::json!({
        "model_type": "llama", "hidden_size": SIDE, "intermediate_size": SIDE, "num_hidden_layers": layers,
        "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": SIDE, "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5, "rope_theta": 10_000.0, "tie_word_embeddings": true
    });
    ModelConfig::from_value(&config).expect("config")
}

/// Two packed segments and padding, 16 tokens in all.
pub fn batch() -> Packed {
    let example = |ids: &[u32], row| Example {
        ids: ids.to_vec(),
        mask: ids.iter().map(|i| *i > 3).collect(),
        row,
    };
    let examples = [
        example(&[1, 5, 9, 2, 7, 11, 15], 0),
        example(&[3, 4, 8, 12, 6, 10, 14, 13, 2], 1),
    ];
    collate(&examples, &[vec![0, 1]], 0)
}

/// What is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Full,
    Lora,
    DoraOverNf4,
    Bottleneck,
    Prefix,
    Prompt,
}

fn lora(model: &Decoder, dora: bool) -> Lora {
    let spec = LoraSpec {
        r: SIDE,
        alpha: 32.0,
        dropout: 0.0,
        targets: vec!["q_proj".into(), "down_proj".into()],
        rslora: false,
        dora,
    };
    Lora::new(model, spec, &[13], 4, &model.device()).expect("adapter")
}

/// The model with its linear layers in NF4.
fn in_nf4(mut model: Decoder) -> Decoder {
    let device = model.device();
    for (_, linear) in model.linears_mut() {
        let shape = linear.matrix().dims();
        let values: Vec<f32> = linear.matrix().into_data().iter::<f32>().collect();
        let packed = PackedWeight::from_nf4(&values, shape, true, &device).expect("weight");
        linear.weight = Weight::Frozen(Box::new(packed));
    }
    model
}

fn losses(device: &Device, how: How) -> Vec<f64> {
    let model = Decoder::random(config(1), 3, device).expect("model");
    let ids: Vec<u32> = (0..SIDE as u32).collect();
    let virtual_tokens = |kind| VirtualTokens::new(kind, &model, &ids, device).expect("adapter");
    let trained: Trained = match how {
        How::Full => Trained::Full,
        How::Lora => lora(&model, false).into(),
        How::DoraOverNf4 => lora(&in_nf4(model.clone()), true).into(),
        How::Bottleneck => Adapter::Bottleneck(Bottlenecks::new(&model, SIDE, 4, device)).into(),
        How::Prefix => Adapter::from(virtual_tokens(VirtualKind::Prefix)).into(),
        How::Prompt => Adapter::from(virtual_tokens(VirtualKind::Prompt)).into(),
    };
    let model = match how {
        How::DoraOverNf4 => in_nf4(model),
        _ => model,
    };
    let schedule = LrSchedule {
        kind: Schedule::Constant,
        peak: 1e-2,
        warmup: 0,
        total: 4,
        decay: 0,
    };
    let setup = TrainerSetup {
        optimizer: OptimizerConfig::default(),
        schedule,
        clip: 1.0,
        seed: 1,
        passes: Passes::default(),
    };
    let mut trainer = Trainer::new(model, trained, setup).expect("trainer");
    (0..4).map(|_| trainer.step(&[batch()]).expect("step").loss).collect()
}

fn compare(how: How) {
    let reference = losses(&Device::flex(), how);
    assert!(
        reference[3] < reference[0],
        "four steps must lower the loss: {reference:?}"
    );
    for (name, device) in all() {
        let found = losses(&device, how);
        let worst = found
            .iter()
            .zip(&reference)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        crate::golden::close(&format!("{name}: four steps, {how:?}"), worst, 1e-4);
    }
}

#[test]
fn full_training_agrees_on_every_device() {
    compare(How::Full);
}

#[test]
fn lora_training_agrees_on_every_device() {
    compare(How::Lora);
}

#[test]
fn the_other_methods_agree_on_every_device() {
    for how in [How::DoraOverNf4, How::Bottleneck, How::Prefix, How::Prompt] {
        compare(how);
    }
}
