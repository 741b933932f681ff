//! Every kernel against its plain reference: outputs and all gradients, over odd shapes, on each device.
use crate::devices;
use crate::kernels_kit::{assert_close, gradient, read, tensor, values};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burnish::kernels::{masked_cross_entropy, masked_cross_entropy_reference};

/// Largest deviation allowed, relative to the largest magnitude.
const TOLERANCE: f32 = 2e-6;

type CrossEntropy = fn(Tensor<2>, Tensor<1, Int>, Tensor<1>) -> Tensor<1>;

struct CrossEntropyCase {
    rows: usize,
    vocab: usize,
    scale: f32,
    weights: Vec<f32>,
    /// Hand the logits over as a transposed view.
    transposed: bool,
}

impl CrossEntropyCase {
    /// Loss per token and gradient of the logits.
    fn run(&self, op: CrossEntropy, device: &Device) -> (Vec<f32>, Vec<f32>) {
        let (rows, vocab) = (self.rows, self.vocab);
        let device = &device.clone().autodiff();
        let shape = if self.transposed { [vocab, rows] } else { [rows, vocab] };
        let leaf = tensor(shape, self.scale, 7, device).require_grad();
        let logits = if self.transposed {
            leaf.clone().transpose()
        } else {
            leaf.clone()
        };
        let targets: Vec<i32> = (0..rows).map(|i| (i * 31 % vocab) as i32).collect();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [rows]), device);
        let weights = Tensor::<1>::from_data(TensorData::new(self.weights.clone(), [rows]), device);
        let loss = op(logits, targets, weights);
        // A different incoming gradient for each token.
        let incoming = tensor([rows], 1.0, 9, device);
        let gradients = (loss.clone() * incoming).sum().backward();
        (read(loss), gradient(&leaf, &gradients))
    }

    fn check(&self) {
        let (loss, grad) = self.run(masked_cross_entropy_reference, &Device::flex());
        for (name, device) in devices::all() {
            let (got_loss, got_grad) = self.run(masked_cross_entropy, &device);
            let what = format!("{name} {}x{}", self.rows, self.vocab);
            assert_close(&format!("{what} loss"), &got_loss, &loss, TOLERANCE);
            assert_close(&format!("{what} gradient"), &got_grad, &grad, TOLERANCE);
        }
    }
}

#[test]
fn cross_entropy_equals_reference() {
    for (rows, vocab) in [(1, 1), (3, 50), (17, 259), (5, 4097), (130, 16)] {
        for transposed in [false, true] {
            let case = CrossEntropyCase {
                rows,
                vocab,
                scale: 12.0,
                weights: values(rows, 1.0, 3),
                transposed,
            };
            case.check();
        }
    }
}

#[test]
fn cross_entropy_of_no_weights_is_exactly_zero() {
    for (name, device) in devices::all() {
        let case = CrossEntropyCase {
            rows: 6,
            vocab: 70,
            scale: 3e38,
            weights: vec![0.0; 6],
            transposed: false,
        };
        let (loss, grad) = case.run(masked_cross_entropy, &device);
        assert!(loss.iter().all(|x| *x == 0.0), "{name}: {loss:?}");
        assert!(grad.iter().all(|x| *x == 0.0), "{name}");
    }
}

#[test]
fn cross_entropy_skips_rows_of_infinities() {
    for (name, device) in devices::all() {
        let device = &device.autodiff();
        let mut data = values(4 * 33, 5.0, 1);
        data[33..66].fill(f32::INFINITY);
        data[99..].fill(f32::NAN);
        let logits = Tensor::<2>::from_data(TensorData::new(data, [4, 33]), device).require_grad();
        let targets = Tensor::<1, Int>::from_data([0, 5, 32, 1], device);
        let weights = Tensor::<1>::from_data([1.0, 0.0, 1.0, 0.0], device);
        let loss = masked_cross_entropy(logits.clone(), targets, weights);
        let gradients = loss.clone().sum().backward();
        let (loss, grad) = (read(loss), gradient(&logits, &gradients));
        assert!(loss[0] > 0.0 && loss[2] > 0.0, "{name}: {loss:?}");
        assert_eq!((loss[1], loss[3]), (0.0, 0.0), "{name}");
        assert!(grad[33..66].iter().chain(&grad[99..]).all(|x| *x == 0.0), "{name}");
        assert!(grad.iter().all(|x| x.is_finite()), "{name}");
    }
}

#[test]
fn cross_entropy_survives_large_logits() {
    for (name, device) in devices::all() {
        let logits = Tensor::<2>::from_data([[1e4f32, 1e4, -1e4], [-3e4, 0.0, 3e4]], &device);
        let targets = Tensor::<1, Int>::from_data([0, 1], &device);
        let weights = Tensor::<1>::ones([2], &device);
        let loss = read(masked_cross_entropy(logits, targets, weights));
        assert_close(name, &loss, &[std::f32::consts::LN_2, 3e4], 1e-6);
        // The small one separately: the tolerance above is relative to the larger.
        assert!((loss[0] - std::f32::consts::LN_2).abs() < 2e-3, "{name}: {}", loss[0]);
    }
}

#[test]
fn cross_entropy_takes_more_rows_than_one_dispatch_direction() {
    let case = CrossEntropyCase {
        rows: 65_537,
        vocab: 2,
        scale: 4.0,
        weights: values(65_537, 1.0, 5),
        transposed: false,
    };
    case.check();
}
