//! Blocks of 32 numbers: Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0. Knows nothing of super-blocks.
//!
//! Byte `j` of the four-bit integers holds number `j` in its lower half and number `j + 16` in its upper half.
use super::{Block, half};

/// `d (q - 8)`: scale, 16 bytes of four-bit integers.
pub(super) struct Q4_0;
/// `d q + m`: scale, minimum, 16 bytes of four-bit integers.
pub(super) struct Q4_1;
/// `d (q - 16)`: scale, 32 fifth bits, 16 bytes of four-bit integers.
pub(super) struct Q5_0;
/// `d q + m`: scale, minimum, 32 fifth bits, 16 bytes of four-bit integers.
pub(super) struct Q5_1;
/// `d q`: scale, 32 signed bytes.
pub(super) struct Q8_0;

/// The four-bit integers of 16 bytes.
#[inline(always)]
fn nibbles(bytes: &[u8]) -> [u8; 32] {
    let mut q = [0; 32];
    for j in 0..16 {
        q[j] = bytes[j] & 15;
        q[j + 16] = bytes[j] >> 4;
    }
    q
}

/// Four-bit integers with their fifth bits, bit `j` of `fifth` for number `j`.
#[inline(always)]
fn five_bits(fifth: [u8; 4], bytes: &[u8]) -> [u8; 32] {
    let mut q = nibbles(bytes);
    for (j, q) in q.iter_mut().enumerate() {
        *q |= (fifth[j / 8] >> (j % 8) & 1) << 4;
    }
    q
}

impl Block<18, 32> for Q4_0 {
    #[inline(always)]
    fn unpack(block: &[u8; 18], values: &mut [f32; 32]) {
        let d = half(block[0], block[1]);
        let q = nibbles(&block[2..]);
        for (value, q) in values.iter_mut().zip(q) {
            *value = f32::from(q as i8 - 8) * d;
        }
    }
}

impl Block<20, 32> for Q4_1 {
    #[inline(always)]
    fn unpack(block: &[u8; 20], values: &mut [f32; 32]) {
        let (d, m) = (half(block[0], block[1]), half(block[2], block[3]));
        let q = nibbles(&block[4..]);
        for (value, q) in values.iter_mut().zip(q) {
            *value = f32::from(q) * d + m;
        }
    }
}

impl Block<22, 32> for Q5_0 {
    #[inline(always)]
    fn unpack(block: &[u8; 22], values: &mut [f32; 32]) {
        let d = half(block[0], block[1]);
        let q = five_bits([block[2], block[3], block[4], block[5]], &block[6..]);
        for (value, q) in values.iter_mut().zip(q) {
            *value = f32::from(q as i8 - 16) * d;
        }
    }
}

impl Block<24, 32> for Q5_1 {
    #[inline(always)]
    fn unpack(block: &[u8; 24], values: &mut [f32; 32]) {
        let (d, m) = (half(block[0], block[1]), half(block[2], block[3]));
        let q = five_bits([block[4], block[5], block[6], block[7]], &block[8..]);
        for (value, q) in values.iter_mut().zip(q) {
            *value = f32::from(q) * d + m;
        }
    }
}

impl Block<34, 32> for Q8_0 {
    #[inline(always)]
    fn unpack(block: &[u8; 34], values: &mut [f32; 32]) {
        let d = half(block[0], block[1]);
        for (value, q) in values.iter_mut().zip(&block[2..]) {
            *value = f32::from(*q as i8) * d;
        }
    }
}
