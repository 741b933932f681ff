//! The values of plain and simple quantised tensors, and the dispatch by type. Formulas: ggml's `dequantize_row_*`, in f32 and in the
//! same order of operations. Knows blocks, not tensors.

use half::{bf16, f16};

use super::blocks_k;
use super::kind::GgufType;

/// Values of a simple block.
const SIMPLE: usize = 32;

impl GgufType {
    /// All values of whole blocks; bytes behind the last whole block are ignored.
    pub fn dequantise(self, bytes: &[u8]) -> Vec<f32> {
        let blocks = bytes.len() / self.block_bytes();
        let mut out = vec![0.0; blocks * self.block_values()];
        self.dequantise_into(bytes, &mut out);
        out
    }

    /// As [`Self::dequantise`], into `out`: as many blocks as both have.
    pub fn dequantise_into(self, bytes: &[u8], out: &mut [f32]) {
        let one: fn(&[u8], &mut [f32]) = match self {
            Self::F32 => |b, out| out[0] = f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
            Self::F16 => |b, out| out[0] = half(b),
            Self::Bf16 => |b, out| out[0] = bf16::from_le_bytes([b[0], b[1]]).to_f32(),
            Self::Q4_0 => q4_0,
            Self::Q4_1 => q4_1,
            Self::Q5_0 => q5_0,
            Self::Q5_1 => q5_1,
            Self::Q8_0 => q8_0,
            Self::Q2K => blocks_k::q2,
            Self::Q3K => blocks_k::q3,
            Self::Q4K => blocks_k::q4,
            Self::Q5K => blocks_k::q5,
            Self::Q6K => blocks_k::q6,
        };
        let blocks = bytes.chunks_exact(self.block_bytes());
        for (block, values) in blocks.zip(out.chunks_exact_mut(self.block_values())) {
            one(block, values);
        }
    }
}

/// The f16 in the first two bytes.
pub(super) fn half(bytes: &[u8]) -> f32 {
    f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

/// Low nibbles are the first half of the block, high nibbles the second.
fn nibble(codes: &[u8], at: usize) -> u8 {
    if at < SIMPLE / 2 {
        codes[at] & 15
    } else {
        codes[at - SIMPLE / 2] >> 4
    }
}

/// The fifth bit of value `at`, in place.
fn fifth(bits: &[u8], at: usize) -> u8 {
    (bits[at / 8] >> (at % 8) & 1) << 4
}

fn q4_0(block: &[u8], out: &mut [f32]) {
    let (scale, codes) = (half(block), &block[2..]);
    for (at, value) in out.iter_mut().enumerate() {
        *value = scale * (f32::from(nibble(codes, at)) - 8.0);
    }
}

fn q4_1(block: &[u8], out: &mut [f32]) {
    let (scale, minimum, codes) = (half(block), half(&block[2..]), &block[4..]);
    for (at, value) in out.iter_mut().enumerate() {
        *value = scale * f32::from(nibble(codes, at)) + minimum;
    }
}

fn q5_0(block: &[u8], out: &mut [f32]) {
    let (scale, bits, codes) = (half(block), &block[2..6], &block[6..]);
    for (at, value) in out.iter_mut().enumerate() {
        *value = scale * (f32::from(nibble(codes, at) | fifth(bits, at)) - 16.0);
    }
}

fn q5_1(block: &[u8], out: &mut [f32]) {
    let (scale, minimum, bits, codes) = (half(block), half(&block[2..]), &block[4..8], &block[8..]);
    for (at, value) in out.iter_mut().enumerate() {
        *value = scale * f32::from(nibble(codes, at) | fifth(bits, at)) + minimum;
    }
}

fn q8_0(block: &[u8], out: &mut [f32]) {
    let (scale, codes) = (half(block), &block[2..]);
    for (value, code) in out.iter_mut().zip(codes) {
        *value = scale * f32::from(*code as i8);
    }
}
