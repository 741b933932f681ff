//! Numbers without scales: single precision, half precision and bfloat16. Knows nothing of blocks of integers.
use super::{Block, half};

/// Single precision.
pub(super) struct F32;
/// Half precision.
pub(super) struct F16;
/// The upper half of single precision.
pub(super) struct Bf16;

impl Block<4, 1> for F32 {
    #[inline(always)]
    fn unpack(block: &[u8; 4], values: &mut [f32; 1]) {
        values[0] = f32::from_le_bytes(*block);
    }
}

impl Block<2, 1> for F16 {
    #[inline(always)]
    fn unpack(block: &[u8; 2], values: &mut [f32; 1]) {
        values[0] = half(block[0], block[1]);
    }
}

impl Block<2, 1> for Bf16 {
    #[inline(always)]
    fn unpack(block: &[u8; 2], values: &mut [f32; 1]) {
        values[0] = f32::from_bits(u32::from(u16::from_le_bytes(*block)) << 16);
    }
}
