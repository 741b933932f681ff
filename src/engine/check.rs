//! `devices --check`: a small product (in f16 too, where the device has it) and a masked cross-entropy with its gradient on a device, compared with the CPU.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::devices;
use crate::kernels::{Compute, masked_cross_entropy, narrowed, product};

/// Rows, inner size and columns of the product.
const SIZES: (usize, usize, usize) = (16, 64, 32);
/// Largest difference that rounding explains at these sizes.
const TOLERANCE: f32 = 1e-4;
/// The same for products in f16, whose numbers here are below 64.
const HALF_TOLERANCE: f32 = 0.05;

/// Runs the check; the answer is for people and begins with `ok` or `failed`.
pub fn check(name: &str) -> String {
    // A driver may panic where it should return an error; the other devices are still to be checked.
    let result = catch_unwind(AssertUnwindSafe(|| compare(name)));
    match result {
        Ok(Ok(worst)) if worst <= TOLERANCE => {
            format!("ok, differs from the CPU by at most {worst:.1e}{}", check_half(name))
        }
        Ok(Ok(worst)) => format!("failed: differs from the CPU by {worst:.1e}; results on this device would be wrong"),
        Ok(Err(message)) => format!("failed: {message}"),
        Err(_) => "failed: the driver ended the calculation with a panic".into(),
    }
}

fn compare(name: &str) -> Result<f32, String> {
    let (device, _) = devices::open(name).map_err(|e| e.to_string())?;
    let expected = calculate(&Device::flex())?;
    let found = calculate(&device)?;
    Ok(farthest(&expected, &found))
}

/// What is to be said of products in f16, where the device has it.
fn check_half(name: &str) -> String {
    let result = catch_unwind(AssertUnwindSafe(|| compare_half(name)));
    match result {
        Ok(Ok(None)) => String::new(),
        Ok(Ok(Some(worst))) if worst <= HALF_TOLERANCE => format!(", in f16 by at most {worst:.1e}"),
        Ok(Ok(Some(worst))) => format!("; in f16 it differs by {worst:.1e}: compute in f32 on this device"),
        Ok(Err(message)) => format!("; f16 failed ({message}): compute in f32 on this device"),
        Err(_) => "; f16 ended with a panic of the driver: compute in f32 on this device".into(),
    }
}

/// The largest difference from the CPU's products in f16; `None` where the device has no f16.
fn compare_half(name: &str) -> Result<Option<f32>, String> {
    let (device, _) = devices::open(name).map_err(|e| e.to_string())?;
    if !Compute::F16.works_on(&device) {
        return Ok(None);
    }
    let (rows, inner, columns) = SIZES;
    let half_product = |device: &Device| {
        let left = Tensor::<2>::from_data(TensorData::new(wave(rows * inner, 0.37), [rows, inner]), device);
        let right = Tensor::<2>::from_data(TensorData::new(wave(inner * columns, 0.11), [columns, inner]), device);
        values(product(narrowed(left, Compute::F16), right).try_into_data())
    };
    Ok(Some(farthest(&half_product(&Device::flex())?, &half_product(&device)?)))
}

/// The largest difference; infinite where something is not a number.
fn farthest(expected: &[f32], found: &[f32]) -> f32 {
    let worst = expected.iter().zip(found).map(|(a, b)| (a - b).abs());
    // `max` would pass over what is not a number.
    worst.fold(0.0, |max: f32, d| if d.is_nan() { f32::INFINITY } else { max.max(d) })
}

fn wave(count: usize, step: f32) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * step).sin()).collect()
}

/// The losses, then the gradient of their sum by the left factor.
fn calculate(device: &Device) -> Result<Vec<f32>, String> {
    let (rows, inner, columns) = SIZES;
    let device = device.clone().autodiff();
    let left = Tensor::<2>::from_data(TensorData::new(wave(rows * inner, 0.37), [rows, inner]), &device).require_grad();
    let right = Tensor::<2>::from_data(TensorData::new(wave(inner * columns, 0.11), [inner, columns]), &device);
    let targets: Vec<i32> = (0..rows).map(|i| (i * 7 % columns) as i32).collect();
    let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [rows]), &device);
    let losses = masked_cross_entropy(left.clone().matmul(right), targets, Tensor::ones([rows], &device));
    let mut gradients = losses.clone().sum().backward();
    let gradient = left.grad_remove(&mut gradients).ok_or("no gradient came back")?;
    let mut all = values(losses.inner().try_into_data())?;
    all.extend(values(gradient.try_into_data())?);
    Ok(all)
}

fn values<E: std::fmt::Debug>(data: Result<TensorData, E>) -> Result<Vec<f32>, String> {
    let data = data.map_err(|e| format!("{e:?}"))?;
    Ok(data.convert::<f32>().iter::<f32>().collect())
}
