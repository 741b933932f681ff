//! Block layouts: those of GGUF, byte for byte, with what numbers they hold (ggml's `ggml-quants.c`), and NF4. Knows bytes and `f32`; knows
//! nothing of tensors and files.
//!
//! In GGUF's layouts a row of a weight is a whole number of blocks; a block holds a fixed number of small integers with their common
//! scales. NF4's blocks do not know rows.
#[cfg(target_arch = "x86_64")]
mod avx2;
mod classic;
mod dense;
mod k_quants;
pub(super) mod nf4;
mod q8;
mod work;

use super::packed_weight::PackedLayout;
pub(super) use q8::q8_0;
pub(super) use work::{dot, dot_rows, unpack_rows};

/// One block layout: `BYTES` bytes hold `VALUES` numbers.
trait Block<const BYTES: usize, const VALUES: usize> {
    /// The numbers of a block.
    fn unpack(block: &[u8; BYTES], values: &mut [f32; VALUES]);
}

/// `(numbers, bytes)` of one block of a layout whose rows are whole blocks; `None` for others.
pub(super) fn block_size(layout: PackedLayout) -> Option<(usize, usize)> {
    Some(match layout {
        PackedLayout::F32 => (1, 4),
        PackedLayout::F16 | PackedLayout::Bf16 => (1, 2),
        PackedLayout::Q4_0 => (32, 18),
        PackedLayout::Q4_1 => (32, 20),
        PackedLayout::Q5_0 => (32, 22),
        PackedLayout::Q5_1 => (32, 24),
        PackedLayout::Q8_0 => (32, 34),
        PackedLayout::Q2K => (256, 84),
        PackedLayout::Q3K => (256, 110),
        PackedLayout::Q4K => (256, 144),
        PackedLayout::Q5K => (256, 176),
        PackedLayout::Q6K => (256, 210),
        PackedLayout::Nf4 | PackedLayout::Nf4Double => return None,
    })
}

/// The half-precision number in two bytes, by bit arithmetic: `half`'s conversion asks for processor features at each call.
#[inline(always)]
fn half(low: u8, high: u8) -> f32 {
    /// 2^112: from the exponent bias of half precision to that of single.
    const REBIAS: f32 = f32::from_bits((127 + 112) << 23);
    let bits = u32::from(u16::from_le_bytes([low, high]));
    let magnitude = bits & 0x7fff;
    let finite = f32::from_bits(magnitude << 13) * REBIAS;
    let infinite = f32::from_bits(magnitude << 13 | 0xff << 23);
    let value = if magnitude < 0x7c00 { finite } else { infinite };
    f32::from_bits(value.to_bits() | (bits & 0x8000) << 16)
}
