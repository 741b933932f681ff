//! Optimizers against PyTorch and transformers: six steps with given gradients; and their state from one process to the next.

use burn::tensor::{Device, Tensor, TensorData};
use burnish::recipe::OptimizerKind;
use burnish::train::{Optimizer, OptimizerConfig, Param};
use serde_json::Value;

use crate::golden::{close, floats, json};

const KINDS: [(&str, OptimizerKind); 4] = [
    ("adamw", OptimizerKind::AdamW),
    ("sgd", OptimizerKind::Sgd),
    ("lion", OptimizerKind::Lion),
    ("adafactor", OptimizerKind::Adafactor),
];

fn tensor(values: &Value, shape: [usize; 2]) -> Tensor<2> {
    let values: Vec<f32> = floats(values).into_iter().map(|v| v as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn params(golden: &Value) -> Vec<Param> {
    let matrix = Param::matrix("model.layers.0.mlp.up_proj.weight", tensor(&golden["start"][0], [5, 7]));
    let vector = Param::vector("model.norm.weight", tensor(&golden["start"][1], [1, 6]));
    vec![matrix, vector]
}

fn config(golden: &Value, kind: OptimizerKind) -> OptimizerConfig {
    OptimizerConfig {
        kind,
        beta1: 0.9,
        beta2: 0.99,
        eps: 1e-8,
        weight_decay: golden["weight_decay"].as_f64().expect("decay"),
    }
}

fn gradients(step: &Value) -> Vec<Tensor<2>> {
    vec![tensor(&step[0], [5, 7]), tensor(&step[1], [1, 6])]
}

#[test]
fn six_steps_agree_with_the_references() {
    let golden = json("optimizers.json");
    let lr = golden["lr"].as_f64().expect("rate");
    for (name, kind) in KINDS {
        let mut params = params(&golden);
        let mut optimizer = Optimizer::new(config(&golden, kind), &params);
        for step in golden["gradients"].as_array().expect("steps") {
            // Half the gradient and twice the scale: clipping goes through the scale.
            let halves = gradients(step).into_iter().map(|g| g * 0.5).collect();
            optimizer.update(&mut params, halves, 2.0, lr);
        }
        for (param, which) in params.iter().zip(["matrix", "vector"]) {
            let found: Vec<f32> = param.value.to_data().try_into_vec().expect("values");
            let expected = floats(&golden["after"][name][which]);
            let worst = found.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).abs());
            close(&format!("{name} {which}"), worst.fold(0.0, f64::max), 2e-6);
        }
    }
}

#[test]
fn an_optimizer_goes_on_from_its_state_as_if_nothing_had_been() {
    let golden = json("optimizers.json");
    let steps = golden["gradients"].as_array().expect("steps");
    for (name, kind) in KINDS {
        let mut whole = params(&golden);
        let mut optimizer = Optimizer::new(config(&golden, kind), &whole);
        for step in &steps[..3] {
            optimizer.update(&mut whole, gradients(step), 1.0, 0.02);
        }
        let mut resumed = whole.clone();
        let kept = optimizer.state(&whole);
        let mut other = Optimizer::new(config(&golden, kind), &resumed);
        let restored = other.restore(&resumed, optimizer.step, &mut |name, shape, _| {
            let (_, found) = kept.iter().find(|(known, _)| known == name).expect(name);
            assert_eq!(found.shape(), shape, "{name}");
            Ok(found.to_host()?)
        });
        restored.expect("restored");
        for step in &steps[3..] {
            optimizer.update(&mut whole, gradients(step), 1.0, 0.02);
            other.update(&mut resumed, gradients(step), 1.0, 0.02);
        }
        for (a, b) in whole.iter().zip(&resumed) {
            assert_eq!(a.value.to_data(), b.value.to_data(), "{name} {}", a.name);
        }
    }
}
