//! AdamW with moments in eight bits: against bitsandbytes' rule, against plain tensor operations on odd shapes, and its state in files.

use burn::tensor::{Device, Tensor, TensorData};
use burnish::formats::source::TensorSource;
use burnish::formats::weights::StoreType;
use burnish::kernels::{AdamStep, EightBitMoments, Moment, adamw8bit, adamw8bit_reference};
use burnish::recipe::OptimizerKind;
use burnish::train::{Kept, Optimizer, OptimizerConfig, Param};
use safetensors::SafeTensors;

use crate::devices;
use crate::golden::{matrix, path, weights};
use crate::kernels_kit::{assert_close, read, tensor};

const CONFIG: OptimizerConfig = OptimizerConfig {
    kind: OptimizerKind::AdamW8bit,
    beta1: 0.9,
    beta2: 0.99,
    eps: 1e-8,
    weight_decay: 0.1,
};

/// The constants of the first step at a learning rate of 0.1.
const FIRST: AdamStep = AdamStep {
    beta1: 0.9,
    beta2: 0.99,
    eps: 1e-8,
    rate: 1.0,
    correction: 0.1,
    kept: 0.99,
};

/// The gradients of the golden steps.
fn gradients(device: &Device) -> Vec<Tensor<2>> {
    let all = weights("adamw8bit.safetensors").read("gradients").expect("gradients");
    let [_, rows, columns] = all.shape[..] else {
        panic!("three dimensions")
    };
    let step = |values: &[f32]| Tensor::from_data(TensorData::new(values.to_vec(), [rows, columns]), device);
    all.values.chunks(rows * columns).map(step).collect()
}

fn start(device: &Device) -> Vec<Param> {
    let value = matrix(&weights("adamw8bit.safetensors"), "start", device);
    vec![Param::matrix("model.layers.0.mlp.up_proj.weight", value)]
}

/// What the optimizer keeps under a name, as numbers.
fn kept(optimizer: &Optimizer, params: &[Param], name: &str) -> Vec<f32> {
    let state = optimizer.state(params);
    let (_, kept) = state
        .iter()
        .find(|(known, _)| known.ends_with(&format!(".{name}")))
        .expect(name);
    kept.to_host().expect("read back").values
}

#[test]
fn steps_agree_with_the_rule_of_bitsandbytes() {
    let file = std::fs::read(path("adamw8bit.safetensors")).expect("golden file");
    let file = SafeTensors::deserialize(&file).expect("golden tensors");
    let floats = |name: &str| bytemuck::pod_collect_to_vec::<u8, f32>(file.tensor(name).expect(name).data());
    for (device_name, device) in devices::all() {
        let mut params = start(&device);
        let mut optimizer = Optimizer::new(CONFIG, &params);
        for gradient in gradients(&device) {
            optimizer.update(&mut params, vec![gradient], 1.0, 0.02);
        }
        // A moment within rounding of the middle between two codes may get either, and moves its value a little afterwards.
        let gaps: Vec<f32> = read(params[0].value.clone())
            .iter()
            .zip(floats("value"))
            .map(|(a, b)| (a - b).abs())
            .collect();
        let apart = gaps.iter().filter(|gap| **gap > 2e-6).count();
        let worst = gaps.iter().copied().fold(0.0, f32::max);
        assert!(
            apart <= 8 && worst < 2e-3,
            "{device_name}: {apart} values differ, at most by {worst}"
        );
        for moment in ["1", "2"] {
            let codes = kept(&optimizer, &params, &format!("state{moment}"));
            let expected = file.tensor(&format!("codes{moment}")).expect("codes");
            let gaps = codes
                .iter()
                .zip(expected.data())
                .map(|(a, b)| (a - f32::from(*b)).abs());
            let (apart, worst) = gaps.fold((0, 0.0f32), |(n, worst), gap| {
                (n + usize::from(gap > 0.0), worst.max(gap))
            });
            assert!(
                apart <= 8 && worst <= 1.0,
                "{device_name}: {apart} codes {moment} differ by {worst}"
            );
            let magnitudes = kept(&optimizer, &params, &format!("absmax{moment}"));
            let expected = floats(&format!("magnitudes{moment}"));
            assert_close(
                &format!("{device_name} magnitudes {moment}"),
                &magnitudes,
                &expected,
                1e-6,
            );
            // The gradients have whole blocks of zeros.
            let zeros = |all: &[f32]| all.iter().filter(|m| **m == 0.0).count();
            assert!(
                zeros(&expected) > 0 && zeros(&magnitudes) == zeros(&expected),
                "{device_name}"
            );
        }
    }
}

#[test]
fn every_code_stands_for_what_bitsandbytes_says() {
    let file = weights("adamw8bit.safetensors");
    let all: Vec<u8> = (0..=255).collect();
    let ones = [255u8; 256];
    // Nothing is forgotten and nothing comes: the change is the mean over the root of the mean square.
    let step = AdamStep {
        beta1: 1.0,
        beta2: 1.0,
        eps: 0.0,
        rate: 1.0,
        correction: 1.0,
        kept: 0.0,
    };
    for (name, device) in devices::all() {
        let change = |codes: [&[u8]; 2]| {
            let moments = EightBitMoments::from_parts([1, 256], codes, [&[2.0], &[4.0]], &device);
            let zeros = Tensor::<2>::zeros([1, 256], &device);
            read(adamw8bit(zeros.clone(), zeros, moments, step).0)
        };
        let signed = file.read("map.signed").expect("map").values;
        let expected: Vec<f32> = signed.iter().map(|entry| -entry).collect();
        assert_eq!(change([&all, &ones]), expected, "{name}: signed");
        // The first code of the unsigned map is 0, which nothing can be divided by.
        let unsigned = file.read("map.unsigned").expect("map").values;
        let expected: Vec<f32> = unsigned.iter().map(|entry| -1.0 / entry.sqrt()).collect();
        assert_close(name, &change([&ones, &all])[1..], &expected[1..], 1e-6);
    }
}

#[test]
fn steps_on_odd_shapes_agree_with_plain_operations() {
    let cpu = Device::flex();
    for shape in [[1, 1], [1, 255], [1, 256], [1, 257], [3, 171], [19, 41], [512, 2]] {
        let steps = 2..5;
        let mut expected = tensor(shape, 1.0, 1, &cpu);
        let mut plain = [expected.zeros_like(), expected.zeros_like()];
        for seed in steps.clone() {
            (expected, plain) = adamw8bit_reference(expected, tensor(shape, 1e-3, seed, &cpu), plain, FIRST);
        }
        let expected = read(expected);
        for (name, device) in devices::all() {
            let mut value = tensor(shape, 1.0, 1, &device);
            let mut moments = EightBitMoments::zeros(shape, &device);
            for seed in steps.clone() {
                (value, moments) = adamw8bit(value, tensor(shape, 1e-3, seed, &device), moments, FIRST);
            }
            let what = format!("{name} {shape:?}");
            let value = read(value);
            let apart = value
                .iter()
                .zip(&expected)
                .filter(|(a, b)| (*a - *b).abs() > 5e-6)
                .count();
            assert!(
                apart <= value.len() / 200,
                "{what}: {apart} of {} values differ",
                value.len()
            );
            assert_eq!(
                moments.codes(Moment::First).expect("codes").len(),
                value.len(),
                "{what}"
            );
            assert_eq!(
                moments.magnitudes(Moment::Second).expect("magnitudes").len(),
                value.len().div_ceil(256)
            );
        }
    }
}

#[test]
fn what_never_had_a_gradient_stays_as_it_is() {
    for (name, device) in devices::all() {
        let shape = [7, 100];
        let start = tensor(shape, 1.0, 3, &device);
        let still = AdamStep { kept: 1.0, ..FIRST };
        let mut moments = EightBitMoments::zeros(shape, &device);
        let mut value = start.clone();
        // The squares of the second are too small for any device, or nearly so.
        for size in [0.0, 1e-22, 0.0] {
            (value, moments) = adamw8bit(value, start.ones_like() * size, moments, still);
        }
        let (value, start) = (read(value), read(start));
        assert_close(name, &value, &start, 1e-6);
        assert_eq!(
            moments.magnitudes(Moment::Second).expect("magnitudes"),
            [0.0; 3],
            "{name}"
        );
    }
}

#[test]
fn moments_take_a_byte_each_and_small_tensors_keep_numbers() {
    let device = Device::flex();
    let moments = EightBitMoments::zeros([300, 1000], &device);
    assert_eq!(moments.bytes(), 300_000_usize.div_ceil(256) * 2 * (256 + 4));
    let stores = |rows| -> Vec<StoreType> {
        let params = vec![Param::matrix("w", Tensor::zeros([rows, 64], &device))];
        let state = Optimizer::new(CONFIG, &params).state(&params);
        state.iter().map(|(_, kept)| kept.store()).collect()
    };
    assert_eq!(stores(63), [StoreType::F32; 2]);
    assert_eq!(
        stores(64),
        [StoreType::U8, StoreType::U8, StoreType::F32, StoreType::F32]
    );
}

#[test]
fn eight_bits_go_on_from_their_state_as_if_nothing_had_been() {
    for (name, device) in devices::all() {
        let gradients = gradients(&device);
        let mut whole = start(&device);
        let mut optimizer = Optimizer::new(CONFIG, &whole);
        let step = |optimizer: &mut Optimizer, params: &mut Vec<Param>, at: usize| {
            optimizer.update(params, vec![gradients[at].clone()], 1.0, 0.02);
        };
        step(&mut optimizer, &mut whole, 0);
        step(&mut optimizer, &mut whole, 1);
        let mut resumed = whole.clone();
        let saved: Vec<(String, Kept)> = optimizer.state(&whole);
        let mut other = Optimizer::new(CONFIG, &resumed);
        let restored = other.restore(&resumed, optimizer.step, &mut |name, shape, store| {
            let (_, found) = saved.iter().find(|(known, _)| known == name).expect(name);
            assert_eq!((found.shape(), found.store()), (shape, store), "{name}");
            Ok(found.to_host()?)
        });
        restored.expect("restored");
        for at in 2..4 {
            step(&mut optimizer, &mut whole, at);
            step(&mut other, &mut resumed, at);
        }
        assert_eq!(whole[0].value.to_data(), resumed[0].value.to_data(), "{name}");
    }
}
