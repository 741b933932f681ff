//! NF4 against bitsandbytes: the numbers bit for bit, memory, products and gradients, lookups, weights in several buffers; and Q8_0 made
//! from numbers.
use crate::devices;
use crate::kernels_kit::{assert_close, gradient, read, tensor, values};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burnish::kernels::{PackedLayout, PackedSizeError, PackedWeight, packed_linear, packed_linear_reference};
use safetensors::SafeTensors;

const TOLERANCE: f32 = 2e-6;
const CASES: [&str; 4] = ["w64x128", "w96x208", "w5x13", "edge4x128"];

/// One weight of the golden file.
struct Golden {
    name: &'static str,
    weight: Vec<f32>,
    shape: [usize; 2],
    /// What its values become, plain and with double quantisation.
    values: [Vec<f32>; 2],
}

fn golden() -> Vec<Golden> {
    let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/nf4.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&file).unwrap();
    let floats =
        |name: String| -> Option<Vec<f32>> { Some(bytemuck::pod_collect_to_vec(file.tensor(&name).ok()?.data())) };
    let codes = [
        -1.0,
        -0.6961928,
        -0.52507305,
        -0.3949175,
        -0.28444138,
        -0.18477343,
        -0.091050036,
        0.0,
        0.0795803,
        0.1609302,
        0.2461123,
        0.33791524,
        0.44070983,
        0.562617,
        0.72295684,
        1.0f32,
    ];
    CASES
        .map(|name| {
            let shape = file.tensor(&format!("{name}.weight")).unwrap().shape().to_vec();
            let weight = floats(format!("{name}.weight")).unwrap();
            let packed = file.tensor(&format!("{name}.packed")).unwrap().data().to_vec();
            let restore = |magnitudes: Vec<f32>| -> Vec<f32> {
                let code = |i: usize| usize::from(packed[i / 2] >> (4 * (1 - i % 2)) & 15);
                (0..weight.len()).map(|i| codes[code(i)] * magnitudes[i / 64]).collect()
            };
            let plain = restore(floats(format!("{name}.absmax")).unwrap());
            let double = restore(floats(format!("{name}.dq.absmax_restored")).unwrap());
            // What bitsandbytes itself restores.
            if let Some(values) = floats(format!("{name}.dequant")) {
                assert_eq!(plain, values, "{name}");
            }
            assert_eq!(double, floats(format!("{name}.dq.dequant")).unwrap(), "{name}");
            Golden {
                name,
                weight,
                shape: [shape[0], shape[1]],
                values: [plain, double],
            }
        })
        .into()
}

impl Golden {
    fn packed(&self, double: bool, device: &Device) -> PackedWeight {
        PackedWeight::from_nf4(&self.weight, self.shape, double, device).unwrap()
    }

    /// In buffers of at most `rows` rows.
    fn split(&self, double: bool, rows: usize, device: &Device) -> PackedWeight {
        let limit = Some(4 + rows * 4 * self.shape[1]);
        let weight = PackedWeight::from_nf4_within(&self.weight, self.shape, double, limit, device).unwrap();
        assert_eq!(weight.pieces(), self.shape[0].div_ceil(rows), "{}", self.name);
        weight
    }
}

/// Blocks whose numbers are not the same bit for bit.
fn different_blocks(got: &[f32], expected: &[f32]) -> Vec<usize> {
    assert_eq!(got.len(), expected.len());
    let blocks = got.chunks(64).zip(expected.chunks(64)).enumerate();
    blocks
        .filter(|(_, (got, expected))| got != expected)
        .map(|(i, _)| i)
        .collect()
}

#[test]
fn nf4_holds_the_numbers_that_bitsandbytes_restores() {
    let device = Device::flex();
    for golden in golden() {
        let plain = read(golden.packed(false, &device).unpack());
        assert!(
            different_blocks(&plain, &golden.values[0]).is_empty(),
            "{}",
            golden.name
        );
        let double = read(golden.packed(true, &device).unpack());
        assert!(
            different_blocks(&double, &golden.values[1]).is_empty(),
            "{}",
            golden.name
        );
        // Rows end inside blocks, and in one part inside a group of blocks.
        for (double, all) in [(false, &plain), (true, &double)] {
            for rows in [1, 2, 3, 90] {
                let split = read(golden.split(double, rows, &device).unpack());
                assert!(different_blocks(&split, all).is_empty(), "{} by {rows}", golden.name);
            }
        }
    }
    let Some(device) = devices::gpu() else { return };
    for golden in golden() {
        for double in [false, true] {
            // A GPU may multiply and add in one rounding.
            let expected = &golden.values[usize::from(double)];
            let what = format!("{} on the gpu", golden.name);
            assert_close(&what, &read(golden.packed(double, &device).unpack()), expected, 1e-6);
            assert_close(&what, &read(golden.split(double, 3, &device).unpack()), expected, 1e-6);
        }
    }
}

#[test]
fn a_large_weight_takes_4_13_bits_a_number() {
    let shape = [256, 4096];
    let weight = values(shape[0] * shape[1], 0.1, 5);
    let bits = |double| {
        let packed = PackedWeight::from_nf4(&weight, shape, double, &Device::flex()).unwrap();
        packed.bytes() as f64 * 8.0 / weight.len() as f64
    };
    assert!((bits(true) - 4.127).abs() < 0.003, "{}", bits(true));
    assert!((bits(false) - 4.5).abs() < 0.003, "{}", bits(false));
}

/// Product and gradient of `n` vectors against the plain matrix.
fn check_linear(what: &str, plain: &[f32], shape: [usize; 2], weight: &PackedWeight, n: usize, device: &Device) {
    let run = |device: &Device, op: &dyn Fn(Tensor<2>) -> Tensor<2>| {
        let device = &device.clone().autodiff();
        let x = tensor([n, shape[1]], 1.0, 21, device).require_grad();
        let y = op(x.clone());
        let incoming = tensor(y.dims(), 1.0, 22, device);
        let gradients = (y.clone() * incoming).sum().backward();
        [read(y), gradient(&x, &gradients)]
    };
    let cpu = Device::flex();
    let plain = Tensor::<2>::from_data(TensorData::new(plain.to_vec(), shape), &cpu.clone().autodiff());
    let [y, grad] = run(&cpu, &|x| packed_linear_reference(x, plain.clone()));
    let [got_y, got_grad] = run(device, &|x| packed_linear(x, weight));
    assert_close(&format!("{what} {n} output"), &got_y, &y, TOLERANCE);
    assert_close(&format!("{what} {n} gradient"), &got_grad, &grad, TOLERANCE);
}

impl Golden {
    /// Checks products with this weight in some packing, doubly quantised or not, against plain ones.
    fn check(&self, double: bool, weight: &PackedWeight, n: usize, device: &Device) {
        check_linear(
            self.name,
            &self.values[usize::from(double)],
            self.shape,
            weight,
            n,
            device,
        );
    }
}

#[test]
fn products_with_nf4_equal_plain_ones_on_the_cpu() {
    let device = Device::flex();
    for golden in golden() {
        for double in [false, true] {
            // One vector, few and many take different ways.
            for n in [1, 2, 9] {
                golden.check(double, &golden.packed(double, &device), n, &device);
                golden.check(double, &golden.split(double, 3, &device), n, &device);
            }
        }
    }
    // Enough rows for several tasks.
    let (shape, weight) = ([1100, 192], values(1100 * 192, 0.3, 9));
    let packed = PackedWeight::from_nf4(&weight, shape, true, &device).unwrap();
    let plain = read(packed.unpack());
    for n in [1, 4, 40] {
        check_linear("several tasks", &plain, shape, &packed, n, &device);
    }
}

#[test]
fn products_with_nf4_equal_plain_ones_on_the_gpu() {
    let Some(device) = devices::gpu() else { return };
    for golden in golden().iter().filter(|golden| golden.name == "w5x13") {
        for (double, n) in [(true, 3), (false, 1)] {
            golden.check(double, &golden.packed(double, &device), n, &device);
        }
        // More vectors than the product of packed rows takes, in buffers that begin inside blocks.
        check_linear(
            golden.name,
            &golden.values[1],
            golden.shape,
            &golden.split(true, 3, &device),
            9,
            &device,
        );
    }
}

#[test]
fn rows_are_looked_up_in_nf4() {
    for (name, device) in devices::all() {
        for golden in golden().iter().filter(|golden| golden.name == "w5x13") {
            let ids = [2, 0, 4, 9];
            let mut expected: Vec<f32> = ids[..3]
                .iter()
                .flat_map(|id| golden.values[1][id * 13..][..13].to_vec())
                .collect();
            // A row that the weight does not have is zero.
            expected.resize(4 * 13, 0.0);
            let ids = Tensor::<1, Int>::from_data(TensorData::new(ids.map(|id| id as i32).to_vec(), [4]), &device);
            for weight in [golden.packed(true, &device), golden.split(true, 2, &device)] {
                assert_close(
                    &format!("{name} rows"),
                    &read(weight.rows(ids.clone())),
                    &expected,
                    1e-6,
                );
            }
        }
    }
}

#[test]
fn empty_weights_and_wrong_sizes() {
    for (name, device) in devices::all() {
        let none = PackedWeight::from_nf4(&[], [0, 64], true, &device).unwrap();
        assert_eq!(
            packed_linear(Tensor::zeros([2, 64], &device), &none).dims(),
            [2, 0],
            "{name}"
        );
        let narrow = PackedWeight::from_nf4(&[], [3, 0], true, &device).unwrap();
        assert_eq!(
            read(packed_linear(Tensor::zeros([2, 0], &device), &narrow)),
            vec![0.0; 6],
            "{name}"
        );
    }
    let device = Device::flex();
    let error = PackedWeight::from_nf4(&[0.0; 5], [2, 3], false, &device).unwrap_err();
    assert!(
        matches!(
            error,
            PackedSizeError::Numbers {
                expected: 6,
                found: 5,
                ..
            }
        ),
        "{error}"
    );
    let error = PackedWeight::from_blocks(PackedLayout::Nf4, &[], [0, 0], &device).unwrap_err();
    assert!(matches!(error, PackedSizeError::NotStored { .. }), "{error}");
}

#[test]
fn eight_bits_are_within_half_a_step() {
    let device = Device::flex();
    let weight = values(6 * 64, 0.7, 3);
    let packed = PackedWeight::from_q8_0(&weight, [6, 64], &device).unwrap();
    assert_eq!(packed.bytes(), 12 * 34 + 4);
    for (block, got) in weight.chunks(32).zip(read(packed.unpack()).chunks(32)) {
        let step = block.iter().fold(0f32, |m, v| m.max(v.abs())) / 127.0;
        for (v, got) in block.iter().zip(got) {
            // Half a step, and the scale's own rounding to half precision, 127 times.
            assert!(
                (v - got).abs() <= step * (0.5 + 127.0 * 5e-4),
                "{v} became {got}, step {step}"
            );
        }
    }
    let error = PackedWeight::from_q8_0(&[0.0; 40], [1, 40], &device).unwrap_err();
    assert!(
        matches!(
            error,
            PackedSizeError::Row {
                inputs: 40,
                block: 32,
                ..
            }
        ),
        "{error}"
    );
}
