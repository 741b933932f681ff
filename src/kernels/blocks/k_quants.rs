//! Super-blocks of 256 numbers: Q2_K to Q6_K. Knows nothing of the older blocks of 32.
//!
//! A super-block has one or two half-precision scales; its 8 or 16 parts have small integer scales of their own.
use super::{Block, half};

/// `d s q - dmin m`: 16 four-bit pairs `(s, m)`, two-bit integers.
pub(super) struct Q2K;
/// `d (s - 32) (q - 4 + 4 h)`: third bits `h`, two-bit integers, 16 six-bit scales.
pub(super) struct Q3K;
/// `d s q - dmin m`: 8 six-bit pairs `(s, m)`, four-bit integers.
pub(super) struct Q4K;
/// As [`Q4K`] with fifth bits.
pub(super) struct Q5K;
/// `d s (q - 32)`: four-bit integers, two more bits each, 16 signed scales.
pub(super) struct Q6K;

impl Block<84, 256> for Q2K {
    #[inline(always)]
    fn unpack(block: &[u8; 84], values: &mut [f32; 256]) {
        let (d, dmin) = (half(block[80], block[81]), half(block[82], block[83]));
        let (parts, _) = values.as_chunks_mut::<16>();
        for (part, values) in parts.iter_mut().enumerate() {
            let (scale, min) = (d * f32::from(block[part] & 15), dmin * f32::from(block[part] >> 4));
            // Eight parts share 32 bytes: two halves of 16 bytes, four shifts.
            let (first, shift) = (16 + part / 8 * 32 + part % 2 * 16, part % 8 / 2 * 2);
            for (value, byte) in values.iter_mut().zip(&block[first..first + 16]) {
                *value = scale * f32::from(byte >> shift & 3) - min;
            }
        }
    }
}

impl Block<110, 256> for Q3K {
    #[inline(always)]
    fn unpack(block: &[u8; 110], values: &mut [f32; 256]) {
        let d = half(block[108], block[109]);
        let (parts, _) = values.as_chunks_mut::<16>();
        for (part, values) in parts.iter_mut().enumerate() {
            let low = block[96 + part % 8] >> (part / 8 * 4) & 15;
            let high = block[104 + part % 4] >> (part / 4 * 2) & 3;
            let scale = d * f32::from((low | high << 4) as i8 - 32);
            let (first, shift) = (32 + part / 8 * 32 + part % 2 * 16, part % 8 / 2 * 2);
            let third = &block[part % 2 * 16..][..16];
            for ((value, byte), third) in values.iter_mut().zip(&block[first..first + 16]).zip(third) {
                let q = byte >> shift & 3 | (third >> (part / 2) & 1) << 2;
                *value = scale * f32::from(q as i8 - 4);
            }
        }
    }
}

/// Scale and minimum of part `j` of the 12 bytes of Q4_K and Q5_K.
#[inline(always)]
fn scale_and_min(s: &[u8], j: usize) -> (f32, f32) {
    let (scale, min) = if j < 4 {
        (s[j] & 63, s[j + 4] & 63)
    } else {
        (s[j + 4] & 15 | s[j - 4] >> 6 << 4, s[j + 4] >> 4 | s[j] >> 6 << 4)
    };
    (f32::from(scale), f32::from(min))
}

impl Block<144, 256> for Q4K {
    #[inline(always)]
    fn unpack(block: &[u8; 144], values: &mut [f32; 256]) {
        let (d, dmin) = (half(block[0], block[1]), half(block[2], block[3]));
        let (parts, _) = values.as_chunks_mut::<32>();
        for (part, values) in parts.iter_mut().enumerate() {
            let (scale, min) = scale_and_min(&block[4..16], part);
            let (scale, min) = (d * scale, dmin * min);
            let (first, shift) = (16 + part / 2 * 32, part % 2 * 4);
            for (value, byte) in values.iter_mut().zip(&block[first..first + 32]) {
                *value = scale * f32::from(byte >> shift & 15) - min;
            }
        }
    }
}

impl Block<176, 256> for Q5K {
    #[inline(always)]
    fn unpack(block: &[u8; 176], values: &mut [f32; 256]) {
        let (d, dmin) = (half(block[0], block[1]), half(block[2], block[3]));
        let (parts, _) = values.as_chunks_mut::<32>();
        for (part, values) in parts.iter_mut().enumerate() {
            let (scale, min) = scale_and_min(&block[4..16], part);
            let (scale, min) = (d * scale, dmin * min);
            let (first, shift) = (48 + part / 2 * 32, part % 2 * 4);
            for ((value, byte), fifth) in values.iter_mut().zip(&block[first..first + 32]).zip(&block[16..48]) {
                let q = byte >> shift & 15 | (fifth >> part & 1) << 4;
                *value = scale * f32::from(q) - min;
            }
        }
    }
}

impl Block<210, 256> for Q6K {
    #[inline(always)]
    fn unpack(block: &[u8; 210], values: &mut [f32; 256]) {
        let d = half(block[208], block[209]);
        let (parts, _) = values.as_chunks_mut::<16>();
        for (part, values) in parts.iter_mut().enumerate() {
            let scale = d * f32::from(block[192 + part] as i8);
            // Half a super-block is four runs of 32 numbers over 64 bytes of lower and 32 bytes of upper bits.
            let (half, run, from) = (part / 8, part % 8 / 2, part % 2 * 16);
            let lower = &block[half * 64 + run % 2 * 32 + from..][..16];
            let upper = &block[128 + half * 32 + from..][..16];
            for ((value, lower), upper) in values.iter_mut().zip(lower).zip(upper) {
                let q = lower >> (run / 2 * 4) & 15 | (upper >> (run * 2) & 3) << 4;
                *value = scale * f32::from(q as i8 - 32);
            }
        }
    }
}
