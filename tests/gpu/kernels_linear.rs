//! Multiplication by packed weights against plain matrix products.
use crate::devices;
use crate::kernels_kit::{assert_close, gradient, read, tensor, values};
use burn::tensor::{Device, Tensor, TensorData};
use burnish::kernels::{PackedSizeError, PackedWeight, ROWS_AT_ONCE, packed_linear, packed_linear_reference};
use half::f16;

const TOLERANCE: f32 = 2e-6;

fn halves(count: usize) -> Vec<f16> {
    values(count, 0.5, 4).into_iter().map(f16::from_f32).collect()
}

/// Output and gradient of `x`.
fn run(
    op: impl FnOnce(Tensor<2>) -> Tensor<2>,
    [n, inputs]: [usize; 2],
    transposed: bool,
    device: &Device,
) -> [Vec<f32>; 2] {
    let device = &device.clone().autodiff();
    let shape = if transposed { [inputs, n] } else { [n, inputs] };
    let leaf = tensor(shape, 1.0, 11, device).require_grad();
    let x = if transposed {
        leaf.clone().transpose()
    } else {
        leaf.clone()
    };
    let y = op(x);
    let incoming = tensor(y.dims(), 1.0, 12, device);
    let gradients = (y.clone() * incoming).sum().backward();
    [read(y), gradient(&leaf, &gradients)]
}

fn check(weight: &PackedWeight, plain: &[f32], n: usize, transposed: bool, device: &Device, what: &str) {
    let shape = weight.shape();
    let cpu = Device::flex();
    let plain = Tensor::<2>::from_data(TensorData::new(plain.to_vec(), shape), &cpu.clone().autodiff());
    let x = [n, shape[1]];
    let [y, grad] = run(|x| packed_linear_reference(x, plain), x, transposed, &cpu);
    let [got_y, got_grad] = run(|x| packed_linear(x, weight), x, transposed, device);
    assert_close(&format!("{what} {n} {shape:?} output"), &got_y, &y, TOLERANCE);
    assert_close(&format!("{what} {n} {shape:?} gradient"), &got_grad, &grad, TOLERANCE);
}

fn check_both_layouts(n: usize, shape: [usize; 2], transposed: bool, device: &Device, what: &str) {
    let plain = values(shape[0] * shape[1], 0.5, 4);
    let weight = PackedWeight::from_f32(&plain, shape, device).unwrap();
    check(&weight, &plain, n, transposed, device, &format!("{what} f32"));
    let packed = halves(plain.len());
    let plain: Vec<f32> = packed.iter().map(|x| x.to_f32()).collect();
    let weight = PackedWeight::from_f16(&packed, shape, device).unwrap();
    check(&weight, &plain, n, transposed, device, &format!("{what} f16"));
}

#[test]
fn packed_linear_equals_matmul_on_the_cpu() {
    for (n, shape) in [(1, [1, 1]), (3, [7, 5]), (17, [33, 259]), (64, [130, 192])] {
        for transposed in [false, true] {
            check_both_layouts(n, shape, transposed, &Device::flex(), "cpu");
        }
    }
}

#[test]
fn packed_linear_works_block_by_block() {
    // 9 million numbers: three blocks of rows on the CPU.
    let shape = [3000, 3001];
    let packed = halves(shape[0] * shape[1]);
    let plain: Vec<f32> = packed.iter().map(|x| x.to_f32()).collect();
    let weight = PackedWeight::from_f16(&packed, shape, &Device::flex()).unwrap();
    check(&weight, &plain, 2, false, &Device::flex(), "cpu f16");
}

#[test]
fn packed_linear_equals_matmul_on_the_gpu() {
    let Some(device) = devices::gpu() else { return };
    // One shape: the first product of a shape costs many seconds of tuning there.
    check_both_layouts(4, [8, 8], false, &device, "gpu");
}

#[test]
fn weights_unpack_to_what_was_packed() {
    for (name, device) in devices::all() {
        for shape in [[1, 1], [3, 7], [16, 8], [129, 257]] {
            let plain = values(shape[0] * shape[1], 2.0, 6);
            let weight = PackedWeight::from_f32(&plain, shape, &device).unwrap();
            assert_eq!(read(weight.unpack()), plain, "{name} f32 {shape:?}");
            assert_eq!(weight.bytes(), 4 * plain.len() + 4);
            let packed = halves(plain.len());
            let weight = PackedWeight::from_f16(&packed, shape, &device).unwrap();
            let plain: Vec<f32> = packed.iter().map(|x| x.to_f32()).collect();
            assert_eq!(read(weight.unpack()), plain, "{name} f16 {shape:?}");
            assert_eq!(weight.bytes(), 4 * plain.len().div_ceil(2) + 4);
        }
    }
}

#[test]
fn packing_too_few_numbers_is_an_error() {
    let error = PackedWeight::from_f32(&[1.0; 5], [2, 3], &Device::flex()).unwrap_err();
    let expected = PackedSizeError::Numbers {
        outputs: 2,
        inputs: 3,
        expected: 6,
        found: 5,
    };
    assert_eq!(error, expected);
    assert_eq!(error.to_string(), "A weight of 2 x 3 needs 6 numbers, and 5 were given");
}

#[test]
fn a_gpu_keeps_large_weights_in_pieces_and_the_cpu_whole() {
    // One row of numbers in f32 fits into a piece, two do not.
    let inputs = ROWS_AT_ONCE / 4 / 2 + 4;
    let values = vec![f16::ONE; 2 * inputs];
    for (name, device) in devices::all() {
        let weight = PackedWeight::from_f16(&values, [2, inputs], &device).expect("whole rows");
        let expected = if name == "cpu" { 1 } else { 2 };
        assert_eq!(weight.pieces(), expected, "{name}");
    }
}
