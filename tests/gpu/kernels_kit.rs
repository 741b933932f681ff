//! Helpers of the kernel tests: reproducible values and comparison with a tolerance.
use burn::tensor::{Device, Gradients, Tensor, TensorData};

/// Reproducible values spread over `-scale..scale`, different for each `seed`.
pub fn values(count: usize, scale: f32, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / (1u32 << 23) as f32 - 1.0) * scale
    };
    (0..count).map(|_| next()).collect()
}

/// [`values`] as a tensor on `device`.
pub fn tensor<const D: usize>(shape: [usize; D], scale: f32, seed: u32, device: &Device) -> Tensor<D> {
    let data = values(shape.iter().product(), scale, seed);
    Tensor::from_data(TensorData::new(data, shape), device)
}

/// Elements in row-major order.
pub fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_data().unwrap().try_into_vec().unwrap()
}

/// The gradient of `leaf`, in row-major order.
pub fn gradient<const D: usize>(leaf: &Tensor<D>, gradients: &Gradients) -> Vec<f32> {
    read(leaf.grad(gradients).expect("the operation gives this input a gradient"))
}

/// Panics unless every element agrees within `tolerance` of the largest expected magnitude.
#[track_caller]
pub fn assert_close(what: &str, got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len(), "{what}: number of elements");
    let scale = expected.iter().fold(1e-6f32, |m, x| m.max(x.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!(
            (g - e).abs() <= tolerance * scale,
            "{what}: element {i} is {g}, expected {e} (largest {scale})"
        );
    }
}
