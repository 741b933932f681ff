//! The step in plain tensor operations, for tests and comparison. Knows no codes: moments are tensors that hold what codes stand for.
use super::{AdamStep, BLOCK};
use crate::kernels::dynamic_map::{SIGNED, UNSIGNED};
use burn::tensor::{Int, Tensor, TensorData};

/// [`super::adamw8bit()`] with both moments as `f32` values: the value after the step, and the moments rounded to what their codes
/// would stand for.
///
/// # Shapes
/// - all: `[rows, columns]`
pub fn adamw8bit_reference(
    value: Tensor<2>,
    grad: Tensor<2>,
    moments: [Tensor<2>; 2],
    step: AdamStep,
) -> (Tensor<2>, [Tensor<2>; 2]) {
    let [first, second] = moments;
    let first = first * step.beta1 + grad.clone() * (1.0 - step.beta1);
    let second = second * step.beta2 + grad.clone() * grad * (1.0 - step.beta2);
    let root = second.clone().sqrt() / step.correction + step.eps;
    let value = value * step.kept - first.clone() / root * step.rate;
    (value, [rounded(first, &SIGNED), rounded(second, &UNSIGNED)])
}

/// Each value as the nearest entry of the map times the largest magnitude of its block.
fn rounded(values: Tensor<2>, map: &[f32; 256]) -> Tensor<2> {
    let [rows, columns] = values.dims();
    let device = values.device();
    let blocks = (rows * columns).div_ceil(BLOCK);
    let padding = Tensor::<1>::zeros([blocks * BLOCK - rows * columns], &device);
    let flat = values.reshape([-1]);
    let flat = match padding.dims()[0] {
        0 => flat,
        _ => Tensor::cat(vec![flat, padding], 0),
    };
    let blocked: Tensor<2> = flat.reshape([blocks, BLOCK]);
    let largest = blocked.clone().abs().max_dim(1);
    // Blocks of zeros stay so.
    let divisor = largest.clone() + largest.clone().equal_elem(0.0).float();
    let x: Tensor<1> = (blocked / divisor).reshape([-1]);
    let map = Tensor::<1>::from_data(TensorData::new(map.to_vec(), [256]), &device);
    let nearest: Tensor<2> = map.clone().select(0, places(x, map)).reshape([blocks, BLOCK]);
    let all: Tensor<1> = (nearest * largest).reshape([-1]);
    all.narrow(0, 0, rows * columns).reshape([rows, columns])
}

/// The place of the entry nearest to each number: eight rounds of halving.
fn places(x: Tensor<1>, map: Tensor<1>) -> Tensor<1, Int> {
    let middles = (map.clone().narrow(0, 0, 255) + map.narrow(0, 1, 255)) * 0.5;
    let mut place: Tensor<1, Int> = x.clone().mul_scalar(0.0).int();
    for half in [128i64, 64, 32, 16, 8, 4, 2, 1] {
        let middle = middles.clone().select(0, place.clone() + (half - 1));
        place = place + x.clone().greater(middle).int() * half;
    }
    place
}
