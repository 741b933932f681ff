//! Packed weights on the CPU: few vectors are multiplied block by block, many by Flex's matrix multiplication with rows unpacked a few
//! at a time. Knows nothing of gradients' bookkeeping.
use super::PackedLinearOps;
use crate::kernels::compute::{Compute, rounded_on_host};
use crate::kernels::packed_weight::{PackedLayout, Packing};
use crate::kernels::{blocks, crew, host};
use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::tensor::{DType, FloatDType, Shape, Slice};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;

/// Numbers unpacked at a time: 16 MiB of `f32`.
const BLOCK: usize = 4 << 20;
/// Vectors up to which a product reads the packed weight itself.
const FEW: usize = 8;
/// Numbers of a weight that one task should have at least.
const TASK: usize = 1 << 15;
/// Tasks that a product with few vectors is cut into at most.
const TASKS: usize = 64;

/// All bytes of a weight.
fn bytes(words: &FlexTensor) -> &[u8] {
    bytemuck::cast_slice(words.storage::<u32>())
}

/// Rows `from..to` of a packed weight as an `f32` tensor, without a copy where they are stored as such.
fn unpack_rows(words: &FlexTensor, packing: Packing, from: usize, to: usize) -> FlexTensor {
    let shape = Shape::from([to - from, packing.inputs]);
    if packing.layout == PackedLayout::F32 {
        let layout = Layout::new(shape, vec![packing.inputs as isize, 1], from * packing.inputs);
        return FlexTensor::from_arc(words.data_arc(), layout, DType::F32);
    }
    let mut values = vec![0f32; (to - from) * packing.inputs];
    let rows = (TASK / packing.inputs.max(1)).max(1);
    values
        .par_chunks_mut((rows * packing.inputs).max(1))
        .enumerate()
        .for_each(|(task, values)| blocks::unpack_rows(packing, bytes(words), from + task * rows, values));
    host::tensor(values, shape)
}

/// Rows `from..to` with their numbers rounded.
fn rounded_rows(words: &FlexTensor, packing: Packing, (from, to): (usize, usize), compute: Compute) -> FlexTensor {
    rounded_on_host(unpack_rows(words, packing, from, to), compute)
}

/// Ranges of rows to unpack one at a time: all of them where unpacking costs no memory.
fn row_blocks(packing: Packing, compute: Compute) -> Vec<(usize, usize)> {
    let rows = match packing.layout {
        PackedLayout::F32 if compute == Compute::F32 => packing.outputs,
        _ => BLOCK / packing.inputs.max(1),
    };
    let rows = rows.max(1);
    let starts = (0..packing.outputs).step_by(rows);
    starts.map(|from| (from, (from + rows).min(packing.outputs))).collect()
}

/// Products with few vectors, `[n, outputs]` laid out by outputs first.
fn multiply_few(x: &FlexTensor, words: &FlexTensor, packing: Packing) -> FlexTensor {
    let [n, _] = x.layout().shape().dims();
    let Packing { outputs, inputs, .. } = packing;
    let mut out = host::zeros(Shape::from([outputs, n]));
    // Short tasks, so that cores end together, but not so many that handing them out costs time.
    let rows = (TASK / (inputs * n).max(1)).max(outputs / TASKS).clamp(1, outputs);
    let (x, weight) = (x.storage::<f32>(), bytes(words));
    crew::share_chunks(out.storage_mut::<f32>(), rows * n, |task, out| {
        blocks::dot_rows(packing, weight, task * rows, x, out);
    });
    if n == 1 {
        // One column is one row.
        return out.reshape(Shape::from([1, outputs]));
    }
    out.transpose(0, 1)
}

/// Products with many vectors, rounded as a product of that type is.
fn multiply_many(x: FlexTensor, words: &FlexTensor, packing: Packing, compute: Compute) -> FlexTensor {
    let part = |rows| {
        // A transposed view: gemm reads the weight in place.
        let weight = Flex::float_transpose(rounded_rows(words, packing, rows, compute));
        rounded_on_host(Flex::float_matmul(x.clone(), weight), compute)
    };
    let blocks = row_blocks(packing, compute);
    if let [all] = blocks[..] {
        return part(all);
    }
    let [n, _] = x.layout().shape().dims();
    let mut out = host::zeros(Shape::from([n, packing.outputs]));
    for (from, to) in blocks {
        let part = host::dense(part((from, to)));
        let rows = out.storage_mut::<f32>().par_chunks_exact_mut(packing.outputs);
        let parts = part.storage::<f32>().par_chunks_exact(to - from);
        rows.zip(parts)
            .for_each(|(row, part)| row[from..to].copy_from_slice(part));
    }
    out
}

impl PackedLinearOps for Flex {
    fn unpack_weight(words: IntTensor<Self>, _scales: FloatTensor<Self>, packing: Packing) -> FloatTensor<Self> {
        unpack_rows(&host::dense(words), packing, 0, packing.outputs)
    }

    fn packed_rows(
        ids: IntTensor<Self>,
        words: IntTensor<Self>,
        _scales: FloatTensor<Self>,
        packing: Packing,
        first: usize,
    ) -> FloatTensor<Self> {
        let (ids, words) = (host::integers(ids), host::dense(words));
        let inputs = packing.inputs;
        let mut values = vec![0f32; ids.len() * inputs];
        for (id, values) in ids.iter().zip(values.chunks_exact_mut(inputs.max(1))) {
            let row = usize::try_from(*id).ok().and_then(|id| id.checked_sub(first));
            if let Some(row) = row.filter(|row| *row < packing.outputs) {
                blocks::unpack_rows(packing, bytes(&words), row, values);
            }
        }
        host::tensor(values, [ids.len(), inputs])
    }

    fn packed_linear(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        _scales: FloatTensor<Self>,
        packing: Packing,
    ) -> FloatTensor<Self> {
        let words = host::dense(words);
        let compute = Compute::of(x.dtype());
        let x = Self::float_cast(x, FloatDType::F32);
        let [n, _] = x.layout().shape().dims();
        if n == 0 || packing.outputs == 0 || packing.inputs == 0 {
            return host::zeros(Shape::from([n, packing.outputs]));
        }
        if n <= FEW {
            return multiply_few(&host::dense(x), &words, packing);
        }
        multiply_many(x, &words, packing, compute)
    }

    fn packed_linear_backward(
        grad: FloatTensor<Self>,
        words: IntTensor<Self>,
        _scales: FloatTensor<Self>,
        packing: Packing,
        compute: Compute,
    ) -> FloatTensor<Self> {
        let words = host::dense(words);
        let [rows, _] = grad.layout().shape().dims();
        if rows == 0 || packing.outputs == 0 || packing.inputs == 0 {
            return Self::float_cast(host::zeros(Shape::from([rows, packing.inputs])), compute.dtype());
        }
        let grad = rounded_on_host(grad, compute);
        let part = |(from, to)| {
            let columns = [Slice::from(0..rows), Slice::from(from..to)];
            let grad = Self::float_slice(grad.clone(), &columns);
            Self::float_matmul(grad, rounded_rows(&words, packing, (from, to), compute))
        };
        let sum = row_blocks(packing, compute)
            .into_iter()
            .map(part)
            .reduce(Self::float_add);
        let sum = sum.unwrap_or_else(|| host::zeros(Shape::from([rows, packing.inputs])));
        Self::float_cast(sum, compute.dtype())
    }
}
