//! Rows of blocks at work: unpacked, or multiplied by vectors. Knows nothing of threads.
use super::classic::{Q4_0, Q4_1, Q5_0, Q5_1, Q8_0};
use super::dense::{Bf16, F16, F32};
use super::k_quants::{Q2K, Q3K, Q4K, Q5K, Q6K};
use super::{Block, nf4};
use crate::kernels::math;
use crate::kernels::packed_weight::{PackedLayout, Packing};

/// Calls a function that is generic over the layout, its bytes and its values.
macro_rules! for_layout {
    ($layout:expr, $function:ident($($argument:expr),*), nf4: |$double:ident| $nf4:expr) => {
        match $layout {
            PackedLayout::F32 => $function::<F32, 4, 1>($($argument),*),
            PackedLayout::F16 => $function::<F16, 2, 1>($($argument),*),
            PackedLayout::Bf16 => $function::<Bf16, 2, 1>($($argument),*),
            PackedLayout::Q4_0 => $function::<Q4_0, 18, 32>($($argument),*),
            PackedLayout::Q4_1 => $function::<Q4_1, 20, 32>($($argument),*),
            PackedLayout::Q5_0 => $function::<Q5_0, 22, 32>($($argument),*),
            PackedLayout::Q5_1 => $function::<Q5_1, 24, 32>($($argument),*),
            PackedLayout::Q8_0 => $function::<Q8_0, 34, 32>($($argument),*),
            PackedLayout::Q2K => $function::<Q2K, 84, 256>($($argument),*),
            PackedLayout::Q3K => $function::<Q3K, 110, 256>($($argument),*),
            PackedLayout::Q4K => $function::<Q4K, 144, 256>($($argument),*),
            PackedLayout::Q5K => $function::<Q5K, 176, 256>($($argument),*),
            PackedLayout::Q6K => $function::<Q6K, 210, 256>($($argument),*),
            PackedLayout::Nf4 | PackedLayout::Nf4Double => {
                let $double = $layout == PackedLayout::Nf4Double;
                $nf4
            }
        }
    };
}

/// The numbers of consecutive rows of `weight` from row `first` on, as many as `values` holds.
pub(in crate::kernels) fn unpack_rows(packing: Packing, weight: &[u8], first: usize, values: &mut [f32]) {
    let blocks = &weight[(first * packing.row_step()).min(weight.len())..];
    math::wide(
        #[inline(always)]
        || {
            for_layout!(
                packing.layout,
                unpack_blocks(blocks, values),
                nf4: |double| nf4::unpack(double, weight, first * packing.inputs, values)
            )
        },
    );
}

#[inline(always)]
fn unpack_blocks<B: Block<BYTES, VALUES>, const BYTES: usize, const VALUES: usize>(blocks: &[u8], values: &mut [f32]) {
    let ((blocks, _), (values, _)) = (blocks.as_chunks::<BYTES>(), values.as_chunks_mut::<VALUES>());
    for (block, values) in blocks.iter().zip(values) {
        B::unpack(block, values);
    }
}

/// Products of consecutive rows of `weight`, from row `first` on, with each vector of `x`.
///
/// `x` holds `n` vectors of `packing.inputs` numbers; `out` gets the `n` products of the first row, then those of the second, and so on,
/// for as many rows as it has room.
pub(in crate::kernels) fn dot_rows(packing: Packing, weight: &[u8], first: usize, x: &[f32], out: &mut [f32]) {
    let inputs = packing.inputs.max(1);
    let n = (x.len() / inputs).max(1);
    if n == 1 && dot_quickly(packing, weight, first, x, out) {
        return;
    }
    let mut values = vec![0f32; inputs];
    for (row, out) in out.chunks_exact_mut(n).enumerate() {
        unpack_rows(packing, weight, first + row, &mut values);
        for (x, out) in x.chunks_exact(inputs).zip(out) {
            *out = dot(&values, x);
        }
    }
}

/// [`dot_rows`] of one vector without unpacking. False, and nothing done, where the layout or the processor has no such way.
fn dot_quickly(packing: Packing, weight: &[u8], first: usize, x: &[f32], out: &mut [f32]) -> bool {
    match packing.layout {
        PackedLayout::Nf4 => nf4::dot_rows(false, weight, first, x, out),
        PackedLayout::Nf4Double => nf4::dot_rows(true, weight, first, x, out),
        #[cfg(target_arch = "x86_64")]
        _ => super::avx2::dot_rows(packing, &weight[first * packing.row_step()..], x, out),
        #[cfg(not(target_arch = "x86_64"))]
        _ => false,
    }
}

/// Sum of the products of two slices of one length, in `f32`.
pub(in crate::kernels) fn dot(a: &[f32], b: &[f32]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if let Some(dot) = super::avx2::dot(a, b) {
        return dot;
    }
    math::dot(a, b) as f32
}
