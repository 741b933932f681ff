//! Attention on the CPU: one task per row and key head, blocks of queries against the keys that any of them sees, products by
//! Flex's matrix multiplication. Knows nothing of gradients' bookkeeping.
use crate::kernels::{blocks, crew, host, math};
use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{DType, Shape};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;
use std::ops::Range;

/// Queries handled together. Smaller blocks skip more of the masked half, larger ones multiply faster.
const BLOCK: usize = 64;
/// Queries up to which keys are looked at one by one.
const FEW: usize = 4;
/// Numbers of keys that one task should look at, at least.
const TASK: usize = 1 << 15;

/// Operands with contiguous vectors, and their sizes.
pub(super) struct Inputs {
    q: FlexTensor,
    k: FlexTensor,
    v: FlexTensor,
    starts: Vec<i64>,
    rows: usize,
    heads: usize,
    kv: usize,
    queries: usize,
    keys: usize,
    width: usize,
}

impl Inputs {
    /// Shapes as in [`super::causal_attention`].
    pub(super) fn new(q: FlexTensor, k: FlexTensor, v: FlexTensor, starts: FlexTensor) -> Self {
        let [rows, heads, queries, width] = q.layout().shape().dims();
        let [_, kv, keys, _] = k.layout().shape().dims();
        Self {
            q: host::unit_stride(q),
            k: host::unit_stride(k),
            v: host::unit_stride(v),
            starts: host::integers(starts),
            rows,
            heads,
            kv,
            queries,
            keys,
            width,
        }
    }

    fn group(&self) -> usize {
        self.heads / self.kv
    }

    fn scale(&self) -> f32 {
        (self.width as f64).powf(-0.5) as f32
    }

    /// Keys that query `i` of row `b` sees.
    fn seen(&self, b: usize, i: usize) -> Range<usize> {
        let own = self.keys - self.queries + i;
        let start = self.starts[b * self.queries + i].clamp(0, own as i64);
        start as usize..own + 1
    }

    /// Blocks of queries with the keys that any query of the block sees.
    fn blocks(&self, b: usize) -> impl Iterator<Item = Block> {
        (0..self.queries).step_by(BLOCK).map(move |from| {
            let queries = from..(from + BLOCK).min(self.queries);
            let seen: Vec<_> = queries.clone().map(|i| self.seen(b, i)).collect();
            let first = seen.iter().map(|range| range.start).min().unwrap_or(0);
            let last = seen.iter().map(|range| range.end).max().unwrap_or(0);
            let seen = seen.into_iter().map(|range| range.start - first..range.end - first);
            Block {
                queries,
                seen: seen.collect(),
                keys: first..last,
            }
        })
    }

    /// One task per row and key head, in this order.
    fn tasks<T: Send>(&self, task: impl Fn(usize, usize) -> T + Sync) -> Vec<T> {
        (0..self.rows * self.kv)
            .into_par_iter()
            .map(|i| task(i / self.kv, i % self.kv))
            .collect()
    }
}

/// A block of queries.
struct Block {
    queries: Range<usize>,
    /// Keys that any query of the block sees.
    keys: Range<usize>,
    /// For each query, what it sees of `keys`, counted from their first.
    seen: Vec<Range<usize>>,
}

/// Vectors `range` of one head, `[len, d]`, without a copy.
fn view(tensor: &FlexTensor, b: usize, head: usize, range: &Range<usize>) -> FlexTensor {
    let layout = tensor.layout();
    let [_, _, _, width] = layout.shape().dims();
    let strides = layout.strides();
    let steps = strides[0] * b as isize + strides[1] * head as isize + strides[2] * range.start as isize;
    let layout = Layout::new(
        Shape::from([range.len(), width]),
        vec![strides[2], 1],
        layout.start_offset().wrapping_add_signed(steps),
    );
    FlexTensor::from_arc(tensor.data_arc(), layout, DType::F32)
}

fn times(a: FlexTensor, b: FlexTensor) -> FlexTensor {
    Flex::float_matmul(a, b)
}

fn times_transposed(a: FlexTensor, b: FlexTensor) -> FlexTensor {
    Flex::float_matmul(a, Flex::float_transpose(b))
}

/// Adds the vectors of `part` to those of `sum` from number `first` on.
fn add(sum: &mut [f32], first: usize, part: &FlexTensor) {
    let [_, width] = part.layout().shape().dims();
    let sum = sum[first * width..].iter_mut();
    sum.zip(part.storage::<f32>()).for_each(|(sum, part)| *sum += part);
}

/// Puts `parts`, one `[heads / parts, len, d]` per row and share of the heads, into a tensor of `shape` `[b, heads, len, d]`.
fn gather(parts: &[Vec<f32>], shape: Shape) -> FlexTensor {
    let [rows, heads, len, width] = shape.dims();
    let mut out = host::heads_inside(&shape);
    let shares = parts.len() / rows.max(1);
    out.storage_mut::<f32>()
        .par_chunks_exact_mut((len * heads * width).max(1))
        .zip(parts.par_chunks(shares.max(1)))
        .for_each(|(out, parts)| {
            let vectors = parts.iter().flat_map(|part| part.chunks_exact(width));
            for (i, vector) in vectors.enumerate() {
                let (head, position) = (i / len, i % len);
                let at = (position * heads + head) * width;
                out[at..at + width].copy_from_slice(vector);
            }
        });
    out
}

/// Attention and the logsumexp of each query; shapes as in [`super::AttentionOps::causal_attention`].
pub(super) fn forward(inputs: &Inputs) -> (FlexTensor, FlexTensor) {
    if inputs.queries <= FEW {
        return forward_few(inputs);
    }
    let heads = inputs.heads;
    let tasks = (0..inputs.rows * heads).into_par_iter();
    let (outs, lses): (Vec<_>, Vec<_>) = tasks.map(|i| forward_task(inputs, i / heads, i % heads)).unzip();
    let shape = [inputs.rows, inputs.heads, inputs.queries];
    let out = gather(&outs, Shape::from([shape[0], shape[1], shape[2], inputs.width]));
    (out, host::tensor(lses.concat(), shape))
}

/// The vectors and logsumexps of one query head.
fn forward_task(inputs: &Inputs, b: usize, head: usize) -> (Vec<f32>, Vec<f32>) {
    let kv = head / inputs.group();
    let mut out = Vec::with_capacity(inputs.queries * inputs.width);
    let mut lse = Vec::with_capacity(inputs.queries);
    for block in inputs.blocks(b) {
        let q = view(&inputs.q, b, head, &block.queries);
        let mut weights = times_transposed(q, view(&inputs.k, b, kv, &block.keys));
        let rows = weights.storage_mut::<f32>().chunks_exact_mut(block.keys.len());
        for (row, seen) in rows.zip(&block.seen) {
            lse.push(math::wide(
                #[inline(always)]
                || softmax(row, seen, inputs.scale()),
            ));
        }
        let part = times(weights, view(&inputs.v, b, kv, &block.keys));
        out.extend_from_slice(part.storage::<f32>());
    }
    (out, lse)
}

/// As [`forward`] for the few queries of a step of generation: key by key, without matrices.
fn forward_few(inputs: &Inputs) -> (FlexTensor, FlexTensor) {
    let Inputs {
        rows,
        heads,
        queries,
        width,
        ..
    } = *inputs;
    let (q, k, v) = (
        host::Rows::new(&inputs.q),
        host::Rows::new(&inputs.k),
        host::Rows::new(&inputs.v),
    );
    // One vector after the other: its numbers, then its logsumexp.
    let mut vectors = vec![0f32; rows * heads * queries * (width + 1)];
    let together = (TASK / (inputs.keys * width).max(1)).max(1);
    crew::share_chunks(&mut vectors, together * (width + 1), |task, vectors| {
        let mut weights = vec![0f32; inputs.keys];
        for (i, vector) in vectors.chunks_exact_mut(width + 1).enumerate() {
            let i = task * together + i;
            let (b, head, query) = (i / queries / heads, i / queries % heads, i % queries);
            let kv = head / inputs.group();
            let seen = inputs.seen(b, query);
            let q = q.row(b, head, query);
            for (weight, key) in weights[seen.clone()].iter_mut().zip(seen.clone()) {
                *weight = blocks::dot(q, k.row(b, kv, key));
            }
            let (out, lse) = vector.split_at_mut(width);
            math::wide(
                #[inline(always)]
                || {
                    lse[0] = softmax(&mut weights, &seen, inputs.scale());
                    for key in seen.clone() {
                        let weight = weights[key];
                        for (out, v) in out.iter_mut().zip(v.row(b, kv, key)) {
                            *out += weight * v;
                        }
                    }
                },
            );
        }
    });
    let mut out = host::heads_inside(&Shape::from([rows, heads, queries, width]));
    let places = out.storage_mut::<f32>();
    let mut lse = Vec::with_capacity(rows * heads * queries);
    for (i, vector) in vectors.chunks_exact(width + 1).enumerate() {
        let (b, head, query) = (i / queries / heads, i / queries % heads, i % queries);
        let at = ((b * queries + query) * heads + head) * width;
        places[at..at + width].copy_from_slice(&vector[..width]);
        lse.push(vector[width]);
    }
    (out, host::tensor(lse, [rows, heads, queries]))
}

/// Turns scores into weights: the softmax of `scale * row` over `seen`, 0 elsewhere. Returns the logsumexp.
#[inline(always)]
fn softmax(row: &mut [f32], seen: &Range<usize>, scale: f32) -> f32 {
    row[..seen.start].fill(0.0);
    row[seen.end..].fill(0.0);
    let row = &mut row[seen.clone()];
    let top = math::max(row);
    for x in row.iter_mut() {
        *x = math::exp((*x - top) * scale);
    }
    let sum = math::sum_of(
        row,
        #[inline(always)]
        |x| x,
    );
    let part = sum.recip() as f32;
    for x in row.iter_mut() {
        *x *= part;
    }
    (f64::from(top * scale) + sum.ln()) as f32
}

/// Gradients for q, k and v; shapes as in [`super::AttentionOps::causal_attention_backward`].
pub(super) fn backward(inputs: &Inputs, lse: FlexTensor, grad: FlexTensor) -> (FlexTensor, FlexTensor, FlexTensor) {
    let (lse, grad) = (host::dense(lse), host::unit_stride(grad));
    let lse = lse.storage::<f32>();
    let mut parts = [vec![], vec![], vec![]];
    for task in inputs.tasks(|b, kv| backward_task(inputs, lse, &grad, b, kv)) {
        parts.iter_mut().zip(task).for_each(|(parts, part)| parts.push(part));
    }
    let keys = Shape::from([inputs.rows, inputs.kv, inputs.keys, inputs.width]);
    let queries = Shape::from([inputs.rows, inputs.heads, inputs.queries, inputs.width]);
    let [dq, dk, dv] = parts;
    (gather(&dq, queries), gather(&dk, keys.clone()), gather(&dv, keys))
}

/// What one key head and the query heads that share it contribute: dq head by head, dk and dv.
fn backward_task(inputs: &Inputs, lse: &[f32], grad: &FlexTensor, b: usize, kv: usize) -> [Vec<f32>; 3] {
    let mut dq = Vec::with_capacity(inputs.group() * inputs.queries * inputs.width);
    let mut dk = vec![0f32; inputs.keys * inputs.width];
    let mut dv = dk.clone();
    for head in kv * inputs.group()..(kv + 1) * inputs.group() {
        for block in inputs.blocks(b) {
            let first = (b * inputs.heads + head) * inputs.queries;
            let lse = &lse[first + block.queries.start..first + block.queries.end];
            let q = view(&inputs.q, b, head, &block.queries);
            let k = view(&inputs.k, b, kv, &block.keys);
            let v = view(&inputs.v, b, kv, &block.keys);
            let grad = view(grad, b, head, &block.queries);

            let mut weights = times_transposed(q.clone(), k.clone());
            let mut dscores = times_transposed(grad.clone(), v);
            softmax_backward(&mut weights, &mut dscores, &block.seen, lse, inputs.scale());

            add(&mut dv, block.keys.start, &times(Flex::float_transpose(weights), grad));
            add(
                &mut dk,
                block.keys.start,
                &times(Flex::float_transpose(dscores.clone()), q),
            );
            dq.extend_from_slice(times(dscores, k).storage::<f32>());
        }
    }
    [dq, dk, dv]
}

/// Turns scores into weights `w` again, and the gradient `dw` of the weights into that of the scores, `w (dw - sum(w dw)) scale`.
fn softmax_backward(
    scores: &mut FlexTensor,
    dweights: &mut FlexTensor,
    seen: &[Range<usize>],
    lse: &[f32],
    scale: f32,
) {
    let [_, keys] = scores.layout().shape().dims();
    let rows = scores.storage_mut::<f32>().chunks_exact_mut(keys);
    let drows = dweights.storage_mut::<f32>().chunks_exact_mut(keys);
    for (((row, drow), seen), lse) in rows.zip(drows).zip(seen).zip(lse) {
        for unseen in [0..seen.start, seen.end..keys] {
            row[unseen.clone()].fill(0.0);
            drow[unseen].fill(0.0);
        }
        let (row, drow) = (&mut row[seen.clone()], &mut drow[seen.clone()]);
        math::wide(
            #[inline(always)]
            || {
                for x in row.iter_mut() {
                    *x = math::exp(*x * scale - lse);
                }
                let mean = math::dot(row, drow) as f32;
                for (dw, w) in drow.iter_mut().zip(row.iter()) {
                    *dw = w * (*dw - mean) * scale;
                }
            },
        );
    }
}
