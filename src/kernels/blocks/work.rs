//! Rows of blocks at work: unpacked, or multiplied by vectors without being unpacked first. Knows nothing of threads.
use super::Block;
use super::classic::{Q4_0, Q4_1, Q5_0, Q5_1, Q8_0};
use super::dense::{Bf16, F16, F32};
use super::k_quants::{Q2K, Q3K, Q4K, Q5K, Q6K};
use crate::kernels::math::{self, Work};
use crate::kernels::packed_weight::{PackedLayout, Packing};

/// Partial sums of a dot product: four 256-bit vectors, so that additions need not wait for each other.
const LANES: usize = 32;

/// Calls a function that is generic over the layout, its bytes and its values.
macro_rules! for_layout {
    ($layout:expr, $function:ident $(::<$extra:ident>)? ($($argument:expr),*)) => {
        match $layout {
            PackedLayout::F32 => $function::<F32, 4, 1$(, $extra)?>($($argument),*),
            PackedLayout::F16 => $function::<F16, 2, 1$(, $extra)?>($($argument),*),
            PackedLayout::Bf16 => $function::<Bf16, 2, 1$(, $extra)?>($($argument),*),
            PackedLayout::Q4_0 => $function::<Q4_0, 18, 32$(, $extra)?>($($argument),*),
            PackedLayout::Q4_1 => $function::<Q4_1, 20, 32$(, $extra)?>($($argument),*),
            PackedLayout::Q5_0 => $function::<Q5_0, 22, 32$(, $extra)?>($($argument),*),
            PackedLayout::Q5_1 => $function::<Q5_1, 24, 32$(, $extra)?>($($argument),*),
            PackedLayout::Q8_0 => $function::<Q8_0, 34, 32$(, $extra)?>($($argument),*),
            PackedLayout::Q2K => $function::<Q2K, 84, 256$(, $extra)?>($($argument),*),
            PackedLayout::Q3K => $function::<Q3K, 110, 256$(, $extra)?>($($argument),*),
            PackedLayout::Q4K => $function::<Q4K, 144, 256$(, $extra)?>($($argument),*),
            PackedLayout::Q5K => $function::<Q5K, 176, 256$(, $extra)?>($($argument),*),
            PackedLayout::Q6K => $function::<Q6K, 210, 256$(, $extra)?>($($argument),*),
        }
    };
}

/// The numbers of consecutive blocks; `values` is as long as they are many.
pub(in crate::kernels) fn unpack_row(layout: PackedLayout, blocks: &[u8], values: &mut [f32]) {
    math::wide(
        #[inline(always)]
        || for_layout!(layout, unpack_blocks(blocks, values)),
    );
}

#[inline(always)]
fn unpack_blocks<B: Block<BYTES, VALUES>, const BYTES: usize, const VALUES: usize>(blocks: &[u8], values: &mut [f32]) {
    let ((blocks, _), (values, _)) = (blocks.as_chunks::<BYTES>(), values.as_chunks_mut::<VALUES>());
    for (block, values) in blocks.iter().zip(values) {
        B::unpack(block, values);
    }
}

/// Products of consecutive rows of a weight with each vector of `x`.
///
/// `rows` holds the blocks of `out.len() / n` rows, `x` `n` vectors of `packing.inputs` numbers, and `out` gets the `n` products of the
/// first row, then those of the second, and so on.
pub(in crate::kernels) fn dot_rows(packing: Packing, rows: &[u8], x: &[f32], out: &mut [f32]) {
    math::wide_with_fma(DotRows { packing, rows, x, out });
}

struct DotRows<'a> {
    packing: Packing,
    rows: &'a [u8],
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Work<()> for DotRows<'_> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        if self.x.len() > self.packing.inputs {
            for_layout!(self.packing.layout, dot_many::<FMA>(self));
        } else {
            for_layout!(self.packing.layout, dot_one::<FMA>(self));
        }
    }
}

/// One vector: each block is unpacked into registers and multiplied at once.
#[inline(always)]
fn dot_one<B: Block<BYTES, VALUES>, const BYTES: usize, const VALUES: usize, const FMA: bool>(work: DotRows<'_>) {
    let row_bytes = work.packing.row_bytes().max(1);
    for (row, out) in work.rows.chunks_exact(row_bytes).zip(work.out) {
        *out = if VALUES < LANES {
            dot_values::<B, BYTES, VALUES, FMA>(row, work.x)
        } else {
            dot_blocks::<B, BYTES, VALUES, FMA>(row, work.x)
        };
    }
}

#[inline(always)]
fn dot_blocks<B: Block<BYTES, VALUES>, const BYTES: usize, const VALUES: usize, const FMA: bool>(
    row: &[u8],
    x: &[f32],
) -> f32 {
    let mut lanes = [0f32; LANES];
    let ((blocks, _), (x, _)) = (row.as_chunks::<BYTES>(), x.as_chunks::<VALUES>());
    for (block, x) in blocks.iter().zip(x) {
        let mut values = [0f32; VALUES];
        B::unpack(block, &mut values);
        let ((values, _), (x, _)) = (values.as_chunks::<LANES>(), x.as_chunks::<LANES>());
        for (values, x) in values.iter().zip(x) {
            for lane in 0..LANES {
                lanes[lane] = math::multiply_add::<FMA>(values[lane], x[lane], lanes[lane]);
            }
        }
    }
    math::sum_lanes(lanes)
}

/// As [`dot_blocks`] for layouts of single numbers, which need not fill the last lanes.
#[inline(always)]
fn dot_values<B: Block<BYTES, VALUES>, const BYTES: usize, const VALUES: usize, const FMA: bool>(
    row: &[u8],
    x: &[f32],
) -> f32 {
    let mut total = 0f32;
    let (step, mut lanes) = (LANES * BYTES, [0f32; LANES]);
    for (row, x) in row.chunks(step).zip(x.chunks(LANES)) {
        let mut values = [0f32; LANES];
        if let Some(x) = x.as_array::<LANES>() {
            unpack_blocks::<B, BYTES, VALUES>(row, &mut values);
            for lane in 0..LANES {
                lanes[lane] = math::multiply_add::<FMA>(values[lane], x[lane], lanes[lane]);
            }
        } else {
            unpack_blocks::<B, BYTES, VALUES>(row, &mut values[..x.len()]);
            total += values.iter().zip(x).map(|(w, x)| w * x).sum::<f32>();
        }
    }
    total + math::sum_lanes(lanes)
}

/// Several vectors: each row is unpacked once.
#[inline(always)]
fn dot_many<B: Block<BYTES, VALUES>, const BYTES: usize, const VALUES: usize, const FMA: bool>(work: DotRows<'_>) {
    let (inputs, row_bytes) = (work.packing.inputs, work.packing.row_bytes().max(1));
    let n = work.x.len() / inputs.max(1);
    let mut values = vec![0f32; inputs];
    for (row, out) in work.rows.chunks_exact(row_bytes).zip(work.out.chunks_exact_mut(n)) {
        unpack_blocks::<B, BYTES, VALUES>(row, &mut values);
        for (x, out) in work.x.chunks_exact(inputs).zip(out) {
            *out = math::dot32::<FMA>(&values, x);
        }
    }
}
