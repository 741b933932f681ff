//! Block layouts of GGUF: the numbers in them against GGUF's reference decoder, products, gradients and lookups against plain tensors.
use crate::devices;
use crate::kernels_kit::{assert_close, gradient, read, tensor};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burnish::kernels::{PackedLayout, PackedSizeError, PackedWeight, packed_linear, packed_linear_reference};
use safetensors::SafeTensors;

const TOLERANCE: f32 = 2e-6;
const LAYOUTS: [(&str, PackedLayout); 11] = [
    ("BF16", PackedLayout::Bf16),
    ("Q4_0", PackedLayout::Q4_0),
    ("Q4_1", PackedLayout::Q4_1),
    ("Q5_0", PackedLayout::Q5_0),
    ("Q5_1", PackedLayout::Q5_1),
    ("Q8_0", PackedLayout::Q8_0),
    ("Q2_K", PackedLayout::Q2K),
    ("Q3_K", PackedLayout::Q3K),
    ("Q4_K", PackedLayout::Q4K),
    ("Q5_K", PackedLayout::Q5K),
    ("Q6_K", PackedLayout::Q6K),
];

/// A stored weight: its bytes, its numbers and its shape.
struct Golden {
    name: &'static str,
    layout: PackedLayout,
    bytes: Vec<u8>,
    values: Vec<f32>,
    shape: [usize; 2],
}

fn golden() -> Vec<Golden> {
    let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/blocks.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&file).unwrap();
    let read = |(name, layout): (&'static str, PackedLayout)| {
        let values = file.tensor(&format!("{name}.values")).unwrap();
        Golden {
            name,
            layout,
            bytes: file.tensor(&format!("{name}.bytes")).unwrap().data().to_vec(),
            values: bytemuck::pod_collect_to_vec(values.data()),
            shape: [values.shape()[0], values.shape()[1]],
        }
    };
    LAYOUTS.map(read).into()
}

impl Golden {
    fn weight(&self, device: &Device) -> PackedWeight {
        PackedWeight::from_blocks(self.layout, &self.bytes, self.shape, device).unwrap()
    }

    /// The weight in two buffers, as on a device that binds little at once.
    fn split(&self, device: &Device) -> PackedWeight {
        let limit = Some(4 + 2 * 4 * self.shape[1]);
        let weight = PackedWeight::from_blocks_within(self.layout, &self.bytes, self.shape, limit, device).unwrap();
        assert_eq!(weight.pieces(), 2, "{}", self.name);
        weight
    }

    /// The same weight `times` times, one below the other.
    fn repeated(self, times: usize) -> Self {
        Self {
            bytes: self.bytes.repeat(times),
            values: self.values.repeat(times),
            shape: [self.shape[0] * times, self.shape[1]],
            ..self
        }
    }
}

#[test]
fn blocks_hold_the_numbers_that_gguf_finds() {
    for golden in golden() {
        let got = read(golden.weight(&Device::flex()).unpack());
        assert_eq!(got, golden.values, "{}", golden.name);
    }
    let Some(device) = devices::gpu() else { return };
    for golden in golden() {
        // A GPU may multiply and add in one rounding.
        assert_close(
            golden.name,
            &read(golden.weight(&device).unpack()),
            &golden.values,
            1e-6,
        );
    }
}

/// Product and gradient of `x` against the plain matrix.
fn check_linear(golden: &Golden, weight: &PackedWeight, n: usize, device: &Device) {
    let run = |device: &Device, op: &dyn Fn(Tensor<2>) -> Tensor<2>| {
        let device = &device.clone().autodiff();
        let x = tensor([n, golden.shape[1]], 1.0, 21, device).require_grad();
        let y = op(x.clone());
        let incoming = tensor(y.dims(), 1.0, 22, device);
        let gradients = (y.clone() * incoming).sum().backward();
        [read(y), gradient(&x, &gradients)]
    };
    let cpu = Device::flex();
    let plain = Tensor::<2>::from_data(
        TensorData::new(golden.values.clone(), golden.shape),
        &cpu.clone().autodiff(),
    );
    let [y, grad] = run(&cpu, &|x| packed_linear_reference(x, plain.clone()));
    let [got_y, got_grad] = run(device, &|x| packed_linear(x, weight));
    let what = format!("{} {n} x {:?}", golden.name, golden.shape);
    assert_close(&format!("{what} output"), &got_y, &y, TOLERANCE);
    assert_close(&format!("{what} gradient"), &got_grad, &grad, TOLERANCE);
}

#[test]
fn products_with_blocks_equal_plain_ones_on_the_cpu() {
    let device = Device::flex();
    for golden in golden() {
        // One vector, few and many take different ways.
        for n in [1, 2, 8, 9, 33] {
            check_linear(&golden, &golden.weight(&device), n, &device);
            check_linear(&golden, &golden.split(&device), n, &device);
        }
        // Enough rows for several tasks.
        let large = golden.repeated(71);
        check_linear(&large, &large.weight(&device), 1, &device);
        check_linear(&large, &large.weight(&device), 5, &device);
    }
}

#[test]
fn products_with_blocks_equal_plain_ones_on_the_gpu() {
    let Some(device) = devices::gpu() else { return };
    // Two layouts and shapes: shaders and matrix products cost many seconds of compiling and tuning there, and how each layout is
    // read is what the test of unpacking covers.
    for golden in golden()
        .into_iter()
        .filter(|golden| matches!(golden.name, "Q4_1" | "Q6_K"))
    {
        let n = if golden.shape[1] == 64 { 1 } else { 3 };
        check_linear(&golden, &golden.weight(&device), n, &device);
    }
}

#[test]
fn many_vectors_are_multiplied_by_blocks_on_the_gpu() {
    let Some(device) = devices::gpu() else { return };
    let golden = golden().into_iter().find(|golden| golden.name == "Q4_1").unwrap();
    let x = tensor([9, golden.shape[1]], 1.0, 23, &device);
    let plain = Tensor::<2>::from_data(TensorData::new(golden.values.clone(), golden.shape), &Device::flex());
    let expected = read(packed_linear_reference(
        tensor([9, golden.shape[1]], 1.0, 23, &Device::flex()),
        plain,
    ));
    let got = read(packed_linear(x, &golden.split(&device)));
    assert_close("Q4_1 in two buffers", &got, &expected, TOLERANCE);
}

#[test]
fn rows_are_looked_up_in_blocks() {
    for (name, device) in devices::all() {
        // On lavapipe one layout: every shader costs seconds there.
        for golden in golden()
            .into_iter()
            .filter(|golden| device == Device::flex() || golden.name == "Q5_K")
        {
            let [rows, inputs] = golden.shape;
            let ids = [2, 0, 2, 1, 3];
            let mut expected = vec![];
            for id in ids {
                let row = golden.values.chunks(inputs).nth(id).map(<[f32]>::to_vec);
                // A row that the weight does not have is zero.
                expected.extend(row.unwrap_or_else(|| vec![0.0; inputs]));
            }
            let ids = Tensor::<1, Int>::from_data(TensorData::new(ids.map(|id| id as i32).to_vec(), [5]), &device);
            for weight in [golden.weight(&device), golden.split(&device)] {
                let got = weight.rows(ids.clone());
                assert_eq!(got.dims(), [5, inputs]);
                assert_close(&format!("{name} {} rows", golden.name), &read(got), &expected, 1e-6);
            }
            assert_eq!(rows, 3);
        }
    }
}

#[test]
fn empty_operands_give_empty_or_zero_results() {
    for (name, device) in devices::all() {
        let golden = golden().into_iter().find(|golden| golden.name == "Q4_1").unwrap();
        let weight = golden.weight(&device);
        let x = Tensor::<2>::zeros([0, golden.shape[1]], &device);
        assert_eq!(packed_linear(x, &weight).dims(), [0, golden.shape[0]], "{name}");
        let no_rows = PackedWeight::from_blocks(golden.layout, &[], [0, golden.shape[1]], &device).unwrap();
        let x = tensor([2, golden.shape[1]], 1.0, 1, &device);
        assert_eq!(packed_linear(x, &no_rows).dims(), [2, 0], "{name}");
        let no_columns = PackedWeight::from_blocks(golden.layout, &[], [3, 0], &device).unwrap();
        let y = packed_linear(Tensor::zeros([2, 0], &device), &no_columns);
        assert_eq!(read(y), vec![0.0; 6], "{name}");
    }
}

#[test]
fn blocks_that_do_not_fill_their_rows_are_an_error() {
    let device = Device::flex();
    let error = PackedWeight::from_blocks(PackedLayout::Q4_1, &[0; 20], [1, 48], &device).unwrap_err();
    assert!(
        matches!(
            error,
            PackedSizeError::Row {
                inputs: 48,
                block: 32,
                ..
            }
        ),
        "{error}"
    );
    let error = PackedWeight::from_blocks(PackedLayout::Q6K, &[0; 209], [1, 256], &device).unwrap_err();
    assert_eq!(
        error.to_string(),
        "A weight of 1 x 256 in layout Q6K needs 210 bytes, and 209 were given"
    );
}

#[test]
fn threads_that_multiply_at_the_same_time_do_not_disturb_each_other() {
    let device = Device::flex();
    let golden = golden().into_iter().find(|golden| golden.name == "Q4_1").unwrap();
    let golden = golden.repeated(700);
    let weight = golden.weight(&device);
    let x = tensor([1, golden.shape[1]], 1.0, 31, &device);
    let alone = read(packed_linear(x.clone(), &weight));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(read(packed_linear(x.clone(), &weight)), alone);
                }
            });
        }
    });
}
