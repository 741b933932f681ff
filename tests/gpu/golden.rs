//! Reading the golden values and comparing with them. The values come from PyTorch, PEFT and TRL; see tests/golden/README.md.

use std::path::PathBuf;

use crate::devices;
use burn::tensor::{Device, Tensor, TensorData};
use burnish::batch::{Example, Packed, collate};
use burnish::formats::config::ModelConfig;
use burnish::formats::source::TensorSource;
use burnish::formats::weights::WeightFile;
use burnish::model::{Decoder, Storage};
use serde_json::Value;

pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

pub fn json(name: &str) -> Value {
    let text = std::fs::read_to_string(path(name)).expect("golden file");
    serde_json::from_str(&text).expect("golden JSON")
}

pub fn weights(name: &str) -> WeightFile {
    WeightFile::open(&path(name)).expect("golden tensors")
}

/// The tiny random Llama that every golden file is based on.
pub fn tiny_llama(case: &str, device: &Device) -> Decoder {
    tiny_llama_in(Storage::F32, case, device)
}

/// [`tiny_llama`] with its linear layers kept in another way.
pub fn tiny_llama_in(storage: Storage, case: &str, device: &Device) -> Decoder {
    let config = ModelConfig::from_value(&json(&format!("tiny_llama.{case}.config.json"))).expect("config");
    let file = weights("tiny_llama.safetensors");
    Decoder::from_source(config, storage, device, |name, shape| {
        Ok(file.read_shaped(&format!("untied.weight.{name}"), shape)?)
    })
    .expect("weights")
}

pub fn matrix(file: &WeightFile, name: &str, device: &Device) -> Tensor<2> {
    let t = file.read(name).expect(name);
    let dims = if t.shape.len() == 1 {
        [1, t.shape[0]]
    } else {
        [t.shape[0], t.shape[1]]
    };
    Tensor::from_data(TensorData::new(t.values, dims), device)
}

/// Largest absolute difference between a tensor and a golden one.
pub fn deviation<const D: usize>(found: Tensor<D>, file: &WeightFile, name: &str) -> f64 {
    let expected = file.read(name).expect(name).values;
    let found: Vec<f32> = found.inner().into_data().convert::<f32>().iter::<f32>().collect();
    assert_eq!(found.len(), expected.len(), "{name}: number of values");
    found
        .iter()
        .zip(&expected)
        .map(|(a, b)| f64::from((a - b).abs()))
        .fold(0.0, f64::max)
}

/// The deviation after Adam, which divides by the gradient's size: where a gradient is not clearly above rounding, its step may go
/// either way and is left out.
pub fn deviation_after_adam(found: &Tensor<2>, grad: &Tensor<2>, file: &WeightFile, name: &str) -> f64 {
    let values = |t: &Tensor<2>| t.clone().into_data().iter::<f32>().collect::<Vec<f32>>();
    let (found, grad) = (values(found), values(grad));
    let expected = file.read(name).expect(name).values;
    assert_eq!(found.len(), expected.len(), "{name}: number of values");
    let clear = grad.iter().map(|g| g.abs() > 1e-6);
    let gaps = found.iter().zip(&expected).map(|(a, b)| f64::from((a - b).abs()));
    gaps.zip(clear)
        .filter(|(_, clear)| *clear)
        .map(|(gap, _)| gap)
        .fold(0.0, f64::max)
}

/// The largest difference between two lists of one length.
pub fn gap(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "number of values");
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from((a - b).abs()))
        .fold(0.0, f64::max)
}

/// Asserts that a loss is the expected one, within two millionths of it.
pub fn close_loss(case: &str, loss: f64, expected: &Value) {
    let expected = expected.as_f64().expect("loss");
    close(
        &format!("{case} loss (relative)"),
        (loss - expected).abs() / expected,
        2e-6,
    );
}

/// Asserts and prints a deviation, so that `--nocapture` lists how close each value is. The tolerance is the CPU's.
pub fn close(what: &str, deviation: f64, tolerance: f64) {
    let tolerance = tolerance * devices::slack();
    println!("golden {what}: largest deviation {deviation:.2e} (tolerance {tolerance:.0e})");
    assert!(
        deviation <= tolerance,
        "{what}: deviation {deviation:.3e} is above {tolerance:.0e}"
    );
}

pub fn ids(value: &Value) -> Vec<Vec<u32>> {
    serde_json::from_value(value.clone()).expect("ids")
}

/// Rows of ids and labels (-100 = not learned), one example a row, padded.
pub fn padded(ids: &[Vec<u32>], labels: &[Vec<i64>], pad: u32) -> Packed {
    let examples: Vec<Example> = examples(ids, labels);
    let rows: Vec<Vec<usize>> = (0..examples.len()).map(|i| vec![i]).collect();
    collate(&examples, &rows, pad)
}

pub fn examples(ids: &[Vec<u32>], labels: &[Vec<i64>]) -> Vec<Example> {
    let mask = |l: &Vec<i64>| l.iter().map(|x| *x != -100).collect();
    ids.iter()
        .zip(labels)
        .enumerate()
        .map(|(row, (i, l))| Example {
            ids: i.clone(),
            mask: mask(l),
            row,
        })
        .collect()
}

pub fn floats(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).expect("numbers")
}
