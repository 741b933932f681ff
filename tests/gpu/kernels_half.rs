//! Products and values in half precision against numbers rounded by the `half` crate and sums in double precision.
use crate::devices;
use crate::kernels_kit::{gradient, read, tensor, values};
use burn::tensor::{Device, Tensor, TensorData};
use burnish::kernels::{Compute, PackedWeight, narrowed, packed_linear, product, rounded};
use half::{bf16, f16};

const HALVES: [Compute; 2] = [Compute::F16, Compute::Bf16];

/// Of a number that single precision has: conversions from double precision drop bits before they round.
fn round(x: f64, to: Compute) -> f64 {
    match to {
        Compute::F32 => x,
        Compute::F16 => f16::from_f32(x as f32).to_f64(),
        Compute::Bf16 => bf16::from_f32(x as f32).to_f64(),
    }
}

/// Half the distance of neighbouring numbers near one.
fn step(of: Compute) -> f64 {
    match of {
        Compute::F32 => f64::from(f32::EPSILON),
        Compute::F16 => 2f64.powi(-11),
        Compute::Bf16 => 2f64.powi(-8),
    }
}

/// `left [n, k] * right [k, m]` of rounded numbers.
fn reference(left: &[f32], right: &[f32], [n, k, m]: [usize; 3], to: Compute) -> Vec<f64> {
    let at = |v: &[f32], i: usize| round(f64::from(v[i]), to);
    let mut out = vec![0.0; n * m];
    for row in 0..n {
        for column in 0..m {
            let terms = (0..k).map(|i| at(left, row * k + i) * at(right, i * m + column));
            out[row * m + column] = terms.sum();
        }
    }
    out
}

fn transposed(values: &[f32], [rows, columns]: [usize; 2]) -> Vec<f32> {
    let all = (0..columns).flat_map(|c| (0..rows).map(move |r| (r, c)));
    all.map(|(r, c)| values[r * columns + c]).collect()
}

/// Within two roundings of the expected sum, and not the sum itself everywhere: something was rounded.
#[track_caller]
fn assert_rounded(what: &str, got: &[f32], expected: &[f64], to: Compute) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0f64, |m, x| m.max(x.abs()));
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let far = (f64::from(*got) - expected).abs();
        // Sums in single precision differ a little before they are rounded.
        assert!(
            far <= 2.0 * step(to) * expected.abs() + 1e-5 * largest,
            "{what}: number {i} is {got}, expected {expected}"
        );
        assert_eq!(
            round(f64::from(*got), to),
            f64::from(*got),
            "{what}: number {i} is no {}",
            to.name()
        );
    }
}

#[test]
fn numbers_are_rounded_to_the_nearest_with_ties_to_even() {
    let mut numbers = values(500, 3.0, 1);
    numbers.extend(values(100, 1e-6, 2));
    numbers.extend(values(100, 6e4, 3));
    for bits in [
        0x3f80_8000u32,
        0x3f81_8000,
        0x3f80_8001,
        0x3f80_7fff,
        0xbf80_8000,
        0x7f7f_ffff,
        1,
        0x8000_0000,
    ] {
        numbers.push(f32::from_bits(bits));
    }
    numbers.extend([f32::INFINITY, f32::NEG_INFINITY, 0.0]);
    for (name, device) in devices::all() {
        let x = Tensor::<2>::from_data(TensorData::new(numbers.clone(), [1, numbers.len()]), &device);
        for got in read(rounded(x.clone(), Compute::F32)).iter().zip(&numbers) {
            assert_eq!(got.0, got.1);
        }
        for (got, x) in read(rounded(x, Compute::Bf16)).iter().zip(&numbers) {
            assert_eq!(*got, bf16::from_f32(*x).to_f32(), "{name}: {x:e}");
        }
        let none = Tensor::<2>::from_data(TensorData::new(vec![f32::NAN], [1, 1]), &device);
        assert!(read(rounded(none, Compute::Bf16))[0].is_nan(), "{name}");
    }
    let device = Device::flex();
    let x = Tensor::<2>::from_data(TensorData::new(numbers.clone(), [1, numbers.len()]), &device);
    for (got, x) in read(rounded(x, Compute::F16)).iter().zip(&numbers) {
        assert_eq!(*got, f16::from_f32(*x).to_f32(), "{x:e}");
    }
}

#[test]
fn the_cpu_computes_in_both_and_shaders_in_f16_alone() {
    for compute in [Compute::F32, Compute::F16, Compute::Bf16] {
        assert!(compute.works_on(&Device::flex()), "{}", compute.name());
    }
    let Some(device) = devices::gpu() else { return };
    assert!(Compute::F32.works_on(&device) && Compute::F16.works_on(&device));
    assert!(!Compute::Bf16.works_on(&device), "WGSL has no such type");
}

/// Output and gradient of a product with a packed weight, whose numbers are `plain`.
fn check_packed(weight: &PackedWeight, plain: &[f32], n: usize, to: Compute, device: &Device, what: &str) {
    let [outputs, inputs] = weight.shape();
    let device = &device.clone().autodiff();
    let x = tensor([n, inputs], 1.0, 21, device).require_grad();
    let incoming = tensor([n, outputs], 1.0, 22, device);
    let y = packed_linear(narrowed(x.clone(), to), weight);
    let gradients = (y.clone() * incoming.clone()).sum().backward();
    let columns = transposed(plain, [outputs, inputs]);
    let expected = reference(&read(x.clone()), &columns, [n, inputs, outputs], to);
    assert_rounded(&format!("{what} output"), &read(y), &expected, to);
    let expected = reference(&read(incoming), plain, [n, outputs, inputs], to);
    assert_rounded(&format!("{what} gradient"), &gradient(&x, &gradients), &expected, to);
}

fn packed(device: &Device, [outputs, inputs]: [usize; 2]) -> Vec<(&'static str, PackedWeight)> {
    let plain = values(outputs * inputs, 0.5, 23);
    let halves: Vec<f16> = plain.iter().map(|x| f16::from_f32(*x)).collect();
    let shape = [outputs, inputs];
    let mut all = vec![
        ("f32", PackedWeight::from_f32(&plain, shape, device).unwrap()),
        ("f16", PackedWeight::from_f16(&halves, shape, device).unwrap()),
        ("nf4", PackedWeight::from_nf4(&plain, shape, true, device).unwrap()),
    ];
    if inputs.is_multiple_of(32) {
        all.push(("q8", PackedWeight::from_q8_0(&plain, shape, device).unwrap()));
    }
    all
}

#[test]
fn packed_products_are_rounded_as_their_input_is() {
    let device = Device::flex();
    for (n, shape) in [(9, [1, 1]), (12, [32, 64]), (17, [33, 259]), (64, [130, 192])] {
        for (layout, weight) in packed(&device, shape) {
            for to in HALVES {
                let what = format!("cpu {layout} {} {n} {shape:?}", to.name());
                check_packed(&weight, &read(weight.unpack()), n, to, &device, &what);
            }
        }
    }
    let Some(device) = devices::gpu() else { return };
    // One shape: the first product of a shape costs many seconds of tuning there.
    for (layout, weight) in packed(&device, [32, 64]) {
        let plain = read(weight.unpack());
        check_packed(&weight, &plain, 12, Compute::F16, &device, &format!("gpu {layout}"));
    }
}

#[test]
fn weights_of_an_odd_number_of_values_are_unpacked_to_halves() {
    // 33 x 33: the last word holds one number.
    let Some(device) = devices::gpu() else { return };
    let plain = values(33 * 33, 0.5, 5);
    let weight = PackedWeight::from_f32(&plain, [33, 33], &device).unwrap();
    check_packed(&weight, &plain, 12, Compute::F16, &device, "gpu 33 x 33");
}

#[test]
fn few_vectors_are_multiplied_in_single_precision() {
    for (name, device) in devices::all() {
        let (_, weight) = packed(&device, [32, 64]).remove(2);
        let x = tensor([3, 64], 1.0, 7, &device);
        let half = narrowed(x.clone(), Compute::F16);
        let exact = half.clone().cast(burn::tensor::FloatDType::F32);
        assert_eq!(
            read(packed_linear(half, &weight)),
            read(packed_linear(exact, &weight)),
            "{name}"
        );
    }
}

#[test]
fn rows_that_are_not_there_cost_nothing() {
    for (name, device) in devices::all() {
        for (layout, weight) in packed(&device, [32, 64]) {
            let x = Tensor::<2>::zeros([0, 64], &device.clone().autodiff()).require_grad();
            let y = packed_linear(narrowed(x.clone(), Compute::F16), &weight);
            assert_eq!(y.dims(), [0, 32], "{name} {layout}");
        }
    }
}

#[test]
fn products_of_plain_tensors_give_gradients_to_both() {
    let check = |device: &Device, to: Compute, [n, inputs, outputs]: [usize; 3], what: &str| {
        let device = &device.clone().autodiff();
        let x = tensor([n, inputs], 1.0, 31, device).require_grad();
        let weight = tensor([outputs, inputs], 1.0, 32, device).require_grad();
        let incoming = tensor([n, outputs], 1.0, 33, device);
        let y = product(narrowed(x.clone(), to), weight.clone());
        let gradients = (y.clone() * incoming.clone()).sum().backward();
        let (xs, ws, gs) = (read(x.clone()), read(weight.clone()), read(incoming));
        let expected = reference(&xs, &transposed(&ws, [outputs, inputs]), [n, inputs, outputs], to);
        assert_rounded(&format!("{what} output"), &read(y), &expected, to);
        let expected = reference(&gs, &ws, [n, outputs, inputs], to);
        assert_rounded(
            &format!("{what} gradient of x"),
            &gradient(&x, &gradients),
            &expected,
            to,
        );
        let expected = reference(&transposed(&gs, [n, outputs]), &xs, [outputs, n, inputs], to);
        assert_rounded(
            &format!("{what} gradient of W"),
            &gradient(&weight, &gradients),
            &expected,
            to,
        );
    };
    for to in HALVES {
        for shape in [[1, 1, 1], [12, 64, 32], [17, 259, 33]] {
            check(&Device::flex(), to, shape, &format!("cpu {} {shape:?}", to.name()));
        }
    }
    if let Some(device) = devices::gpu() {
        check(&device, Compute::F16, [12, 64, 32], "gpu");
    }
}
