//! The values of "K" blocks: 256 values in groups that have small scales of their own. Formulas: ggml's `dequantize_row_q*_K`. Knows one
//! block at a time.

use super::blocks::half;

/// 16 groups of 16: scales and minima in nibbles (16 bytes), 2-bit codes (64), scale of the scales, scale of the minima.
pub(super) fn q2(block: &[u8], out: &mut [f32]) {
    let (scales, codes) = (&block[..16], &block[16..80]);
    let (scale, minimum) = (half(&block[80..]), half(&block[82..]));
    for (at, value) in out.iter_mut().enumerate() {
        let group = scales[at / 16];
        // 128 values share 32 bytes: each byte holds four values 32 apart.
        let code = codes[at / 128 * 32 + at % 32] >> (at % 128 / 32 * 2) & 3;
        *value = scale * f32::from(group & 15) * f32::from(code) - minimum * f32::from(group >> 4);
    }
}

/// 16 groups of 16: high bits (32 bytes), low two bits (64), 6-bit scales around 32 (12), scale of the scales.
pub(super) fn q3(block: &[u8], out: &mut [f32]) {
    let (high, low, scales) = (&block[..32], &block[32..96], &block[96..108]);
    let scale = half(&block[108..]);
    for (at, value) in out.iter_mut().enumerate() {
        let low = low[at / 128 * 32 + at % 32] >> (at % 128 / 32 * 2) & 3;
        let high = high[at % 32] >> (at / 32) & 1;
        // A cleared high bit takes four away.
        let code = (low as i8) - if high == 0 { 4 } else { 0 };
        *value = scale * f32::from(six_bit_scale(scales, at / 16)) * f32::from(code);
    }
}

/// The scale of group `at`: low four bits in the nibbles of bytes 0-7, high two bits in bytes 8-11.
fn six_bit_scale(scales: &[u8], at: usize) -> i8 {
    let low = if at < 8 { scales[at] & 15 } else { scales[at - 8] >> 4 };
    let high = scales[8 + at % 4] >> (at / 4 * 2) & 3;
    (low | high << 4) as i8 - 32
}

/// Scale and minimum of group `at` of the 8 of `q4` and `q5`, six bits each in 12 bytes.
fn scale_and_minimum(scales: &[u8], at: usize) -> (f32, f32) {
    let (scale, minimum) = if at < 4 {
        (scales[at] & 63, scales[at + 4] & 63)
    } else {
        (
            scales[at + 4] & 15 | scales[at - 4] >> 6 << 4,
            scales[at + 4] >> 4 | scales[at] >> 6 << 4,
        )
    };
    (scale.into(), minimum.into())
}

/// Where the nibble of value `at` is: 64 values share 32 bytes, the low nibbles first.
fn nibble(codes: &[u8], at: usize) -> u8 {
    codes[at / 64 * 32 + at % 32] >> (at % 64 / 32 * 4) & 15
}

/// 8 groups of 32: scale of the scales, scale of the minima, scales and minima (12 bytes), 4-bit codes (128).
pub(super) fn q4(block: &[u8], out: &mut [f32]) {
    let (scale, minimum, scales, codes) = (half(block), half(&block[2..]), &block[4..16], &block[16..]);
    for (group, values) in out.chunks_exact_mut(32).enumerate() {
        let (s, m) = scale_and_minimum(scales, group);
        let (s, m) = (scale * s, minimum * m);
        for (at, value) in values.iter_mut().enumerate() {
            *value = s * f32::from(nibble(codes, group * 32 + at)) - m;
        }
    }
}

/// As `q4`, with fifth bits (32 bytes) between scales and codes.
pub(super) fn q5(block: &[u8], out: &mut [f32]) {
    let (scale, minimum, scales) = (half(block), half(&block[2..]), &block[4..16]);
    let (high, codes) = (&block[16..48], &block[48..]);
    for (group, values) in out.chunks_exact_mut(32).enumerate() {
        let (s, m) = scale_and_minimum(scales, group);
        let (s, m) = (scale * s, minimum * m);
        for (at, value) in values.iter_mut().enumerate() {
            let fifth = high[at] >> group & 1;
            *value = s * f32::from(nibble(codes, group * 32 + at) | fifth << 4) - m;
        }
    }
}

/// 16 groups of 16: low nibbles (128 bytes), high two bits (64), signed scales (16), scale of the scales.
pub(super) fn q6(block: &[u8], out: &mut [f32]) {
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let scale = half(&block[208..]);
    for (at, value) in out.iter_mut().enumerate() {
        // 128 values share 64 bytes of low nibbles and 32 bytes of high bits.
        let (part, inside) = (at / 128, at % 128);
        let low = low[part * 64 + inside % 64] >> (inside / 64 * 4) & 15;
        let high = high[part * 32 + inside % 32] >> (inside / 32 * 2) & 3;
        let code = (low | high << 4) as i8 - 32;
        *value = scale * f32::from(scales[at / 16] as i8) * f32::from(code);
    }
}
