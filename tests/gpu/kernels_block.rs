//! The kernels of a decoder block (norm, rotation, gate, attention) against their plain references.
use crate::devices;
use crate::kernels_kit::{assert_close, gradient, read, tensor};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burnish::kernels::{
    causal_attention, causal_attention_in_pieces, causal_attention_reference, rms_norm, rms_norm_reference, rope,
    rope_reference, segment_starts, swiglu, swiglu_reference,
};

const TOLERANCE: f32 = 4e-6;

/// Output and gradients of a run, by name.
type Results = Vec<(&'static str, Vec<f32>)>;

/// The output and the gradient of each leaf, for an incoming gradient that differs from element to element.
fn results<const D: usize, const E: usize>(out: Tensor<D>, leaves: &[(&'static str, &Tensor<E>)]) -> Results {
    let incoming = tensor(out.dims(), 1.0, 99, &out.device());
    let gradients = (out.clone() * incoming).sum().backward();
    let mut all: Results = vec![("output", read(out))];
    all.extend(leaves.iter().map(|(name, leaf)| (*name, gradient(leaf, &gradients))));
    all
}

fn compare(what: &str, got: &Results, expected: &Results) {
    for ((name, got), (_, expected)) in got.iter().zip(expected) {
        assert_close(&format!("{what} {name}"), got, expected, TOLERANCE);
    }
}

/// A leaf of `shape` and the tensor to hand over: itself, or a view on it whose memory is laid out the other way round.
fn leaf2(shape: [usize; 2], turned: bool, seed: u32, device: &Device) -> (Tensor<2>, Tensor<2>) {
    let [n, width] = shape;
    let leaf = tensor(if turned { [width, n] } else { shape }, 2.0, seed, device).require_grad();
    let view = if turned { leaf.clone().transpose() } else { leaf.clone() };
    (leaf, view)
}

/// As [`leaf2`] for heads: the view has its heads inside the positions, as a projection leaves them.
fn leaf4(shape: [usize; 4], turned: bool, seed: u32, device: &Device) -> (Tensor<4>, Tensor<4>) {
    let [b, heads, s, d] = shape;
    let leaf = tensor(if turned { [b, s, heads, d] } else { shape }, 1.0, seed, device).require_grad();
    let view = if turned {
        leaf.clone().swap_dims(1, 2)
    } else {
        leaf.clone()
    };
    (leaf, view)
}

const SHAPES: [[usize; 2]; 5] = [[1, 1], [3, 50], [17, 259], [5, 4097], [130, 16]];

#[test]
fn swiglu_equals_reference() {
    let run = |op: fn(Tensor<2>, Tensor<2>) -> Tensor<2>, shape, turned, device: &Device| {
        let device = &device.clone().autodiff();
        let (gate_leaf, gate) = leaf2(shape, turned, 1, device);
        let (up_leaf, up) = leaf2(shape, false, 2, device);
        results(op(gate * 4.0, up), &[("gate", &gate_leaf), ("up", &up_leaf)])
    };
    for shape in SHAPES {
        for turned in [false, true] {
            let expected = run(swiglu_reference, shape, turned, &Device::flex());
            for (name, device) in devices::all() {
                let got = run(swiglu, shape, turned, &device);
                compare(&format!("{name} swiglu {shape:?}"), &got, &expected);
            }
        }
    }
}

#[test]
fn swiglu_of_extreme_gates_is_finite() {
    for (name, device) in devices::all() {
        let device = &device.autodiff();
        let gate = Tensor::<2>::from_data([[-1e4f32, -90.0, 0.0, 90.0, 1e4]], device).require_grad();
        let out = swiglu(gate.clone(), Tensor::ones([1, 5], device));
        let gradients = out.clone().sum().backward();
        assert_close(name, &read(out), &[0.0, 0.0, 0.0, 90.0, 1e4], 1e-6);
        assert_close(name, &gradient(&gate, &gradients), &[0.0, 0.0, 0.5, 1.0, 1.0], 1e-6);
    }
}

#[test]
fn rms_norm_equals_reference() {
    let run = |op: fn(Tensor<2>, Tensor<1>, f64) -> Tensor<2>, shape: [usize; 2], turned, device: &Device| {
        let device = &device.clone().autodiff();
        let (x_leaf, x) = leaf2(shape, turned, 3, device);
        let (weight_leaf, weight) = leaf2([1, shape[1]], false, 4, device);
        let out = op(x, weight.reshape([shape[1]]), 1e-5);
        results(out, &[("x", &x_leaf), ("weight", &weight_leaf)])
    };
    for shape in SHAPES {
        for turned in [false, true] {
            let expected = run(rms_norm_reference, shape, turned, &Device::flex());
            for (name, device) in devices::all() {
                let got = run(rms_norm, shape, turned, &device);
                compare(&format!("{name} rms_norm {shape:?}"), &got, &expected);
            }
        }
    }
}

#[test]
fn rope_equals_reference() {
    type Op = fn(Tensor<4>, Tensor<4>, Tensor<4>) -> Tensor<4>;
    let run = |op: Op, shape: [usize; 4], shared: bool, turned, device: &Device| {
        let device = &device.clone().autodiff();
        let [b, _, s, d] = shape;
        let (leaf, x) = leaf4(shape, turned, 5, device);
        // Any numbers will do, also different ones in the two halves.
        let table = [if shared { 1 } else { b }, 1, s, d];
        let (cos, sin) = (tensor(table, 1.0, 6, device), tensor(table, 1.0, 7, device));
        results(op(x, cos, sin), &[("x", &leaf)])
    };
    for shape in [[1, 1, 1, 2], [2, 3, 5, 6], [3, 2, 17, 32], [1, 5, 9, 130]] {
        for (shared, turned) in [(false, false), (false, true), (true, false), (true, true)] {
            let expected = run(rope_reference, shape, shared, turned, &Device::flex());
            for (name, device) in devices::all() {
                let got = run(rope, shape, shared, turned, &device);
                compare(&format!("{name} rope {shape:?}"), &got, &expected);
            }
        }
    }
}

struct Attention {
    rows: usize,
    heads: usize,
    kv: usize,
    past: usize,
    queries: usize,
    width: usize,
    /// First key that each query sees, `rows * queries`.
    starts: Vec<i32>,
    turned: bool,
}

type AttentionOp = fn(Tensor<4>, Tensor<4>, Tensor<4>, Tensor<2, Int>) -> Tensor<4>;

impl Attention {
    fn run(&self, op: AttentionOp, device: &Device) -> Results {
        let starts = TensorData::new(self.starts.clone(), [self.rows, self.queries]);
        let starts = Tensor::<2, Int>::from_data(starts, device);
        let device = &device.clone().autodiff();
        let keys = [self.rows, self.kv, self.past + self.queries, self.width];
        let queries = [self.rows, self.heads, self.queries, self.width];
        let (q_leaf, q) = leaf4(queries, self.turned, 8, device);
        let (k_leaf, k) = leaf4(keys, self.turned, 9, device);
        let (v_leaf, v) = leaf4(keys, self.turned, 10, device);
        results(
            op(q * 3.0, k, v, starts),
            &[("q", &q_leaf), ("k", &k_leaf), ("v", &v_leaf)],
        )
    }

    fn check(&self, name: &str, op: AttentionOp, device: &Device) {
        let expected = self.run(causal_attention_reference, &Device::flex());
        let what = format!("{name} attention {} x {} past {}", self.rows, self.queries, self.past);
        compare(&what, &self.run(op, device), &expected);
    }
}

/// Segment numbers of packed rows: a few runs of different lengths and padding at the end.
fn packed(rows: usize, len: usize) -> Vec<u32> {
    let number = |row: usize, i: usize| {
        if i + row >= len {
            0
        } else {
            (1 + i * (row + 2) / len) as u32
        }
    };
    (0..rows * len).map(|at| number(at / len, at % len)).collect()
}

#[test]
fn attention_equals_reference_on_the_cpu() {
    // Rows, heads, key heads, past, queries, width.
    let shapes = [
        [1, 1, 1, 0, 1, 1],
        [2, 4, 2, 0, 5, 6],
        [3, 6, 3, 0, 130, 32],
        [2, 4, 1, 7, 3, 8],
        [1, 2, 2, 70, 65, 16],
    ];
    for [rows, heads, kv, past, queries, width] in shapes {
        for turned in [false, true] {
            let plain = vec![0; rows * queries];
            let starts = [plain, segment_starts(&packed(rows, queries), queries)];
            for starts in starts {
                let case = Attention {
                    rows,
                    heads,
                    kv,
                    past,
                    queries,
                    width,
                    starts,
                    turned,
                };
                case.check("cpu", causal_attention, &Device::flex());
            }
        }
    }
}

#[test]
fn attention_equals_reference_on_gpus_whole_and_in_pieces() {
    // One tiny product for all: the first of a shape costs many seconds of tuning on lavapipe.
    let case = |rows, heads, kv, turned| Attention {
        rows,
        heads,
        kv,
        past: 0,
        queries: 8,
        width: 8,
        starts: segment_starts(&packed(rows, 8), 8),
        turned,
    };
    let one_head: AttentionOp = |q, k, v, starts| causal_attention_in_pieces(q, k, v, starts, 1);
    for (name, device) in devices::all() {
        case(2, 2, 1, true).check(name, causal_attention, &device);
        case(3, 6, 3, false).check(&format!("{name}, in pieces"), one_head, &device);
    }
}

#[test]
fn starts_outside_the_visible_keys_are_clamped() {
    let (rows, queries) = (1, 4);
    let case = |starts| Attention {
        rows,
        heads: 2,
        kv: 1,
        past: 2,
        queries,
        width: 8,
        starts,
        turned: false,
    };
    let wild = case(vec![-7, 9, 100, 0]).run(causal_attention, &Device::flex());
    let meant = case(vec![0, 3, 4, 0]).run(causal_attention, &Device::flex());
    compare("clamped starts", &wild, &meant);
}

#[test]
fn packed_segments_give_what_they_give_alone() {
    let device = Device::flex();
    let make = |seed| tensor([1, 2, 12, 8], 1.0, seed, &device);
    let starts = |segments: &[u32]| {
        let starts = TensorData::new(segment_starts(segments, segments.len()), [1, segments.len()]);
        Tensor::<2, Int>::from_data(starts, &device)
    };
    let (q, k, v) = (make(1), make(2), make(3));
    let whole = causal_attention(
        q.clone(),
        k.clone(),
        v.clone(),
        starts(&[1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0]),
    );
    for (from, len) in [(0, 5), (5, 6)] {
        let part = |x: &Tensor<4>| x.clone().narrow(2, from, len);
        let alone = causal_attention(part(&q), part(&k), part(&v), starts(&vec![1; len]));
        assert_close("segment", &read(part(&whole)), &read(alone), 1e-6);
    }
}

#[test]
fn starts_follow_segment_runs() {
    assert_eq!(
        segment_starts(&[1, 1, 2, 2, 2, 0, 1, 2, 2, 0, 0, 0], 6),
        [0, 0, 2, 2, 2, 5, 0, 1, 1, 3, 4, 5]
    );
    assert!(segment_starts(&[], 0).is_empty());
}
