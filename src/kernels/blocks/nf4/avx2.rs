//! Whole NF4 blocks in AVX2 instructions. Knows codes and magnitudes; knows nothing of where they lie.
use super::{BLOCK, CODES};
use std::arch::x86_64::*;

fn known() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// The 64 numbers of a block. False, and nothing done, where the processor lacks an instruction.
pub(super) fn unpack(codes: &[u8], magnitude: f32, values: &mut [f32; BLOCK]) -> bool {
    if !known() {
        return false;
    }
    // SAFETY: the processor has just been found to support AVX2 and FMA.
    unsafe { unpack_block(codes, magnitude, values) };
    true
}

/// Product of a row of whole blocks with a vector; `None` where the processor lacks an instruction.
pub(super) fn dot(codes: &[u8], magnitudes: &[f32], x: &[f32]) -> Option<f32> {
    // SAFETY: the processor has just been found to support AVX2 and FMA.
    known().then(|| unsafe { dot_row(codes, magnitudes, x) })
}

/// The table in two registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn table() -> [__m256; 2] {
    let (halves, _) = CODES.as_chunks::<8>();
    [bytemuck::cast(halves[0]), bytemuck::cast(halves[1])]
}

/// Eight codes in four bytes, the first of two in the upper half of its byte, as what they stand for.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn eight(codes: [u8; 4], table: [__m256; 2]) -> __m256 {
    let all = _mm256_set1_epi32(i32::from_le_bytes(codes));
    let places = _mm256_srlv_epi32(all, _mm256_setr_epi32(4, 0, 12, 8, 20, 16, 28, 24));
    // A permutation reads the lower three bits; the fourth, as the sign, chooses the half of the table.
    let low = _mm256_permutevar8x32_ps(table[0], places);
    let high = _mm256_permutevar8x32_ps(table[1], places);
    _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32::<28>(places)))
}

#[target_feature(enable = "avx2,fma")]
fn unpack_block(codes: &[u8], magnitude: f32, values: &mut [f32; BLOCK]) {
    let (table, magnitude) = (table(), _mm256_set1_ps(magnitude));
    let ((codes, _), (values, _)) = (codes.as_chunks::<4>(), values.as_chunks_mut::<8>());
    for (codes, values) in codes.iter().zip(values) {
        *values = bytemuck::cast(_mm256_mul_ps(eight(*codes, table), magnitude));
    }
}

#[target_feature(enable = "avx2,fma")]
fn dot_row(codes: &[u8], magnitudes: &[f32], x: &[f32]) -> f32 {
    let table = table();
    let ((codes, _), (x, _)) = (codes.as_chunks::<{ BLOCK / 2 }>(), x.as_chunks::<BLOCK>());
    let mut sums = [_mm256_setzero_ps(); 2];
    for ((codes, x), magnitude) in codes.iter().zip(x).zip(magnitudes) {
        let ((codes, _), (x, _)) = (codes.as_chunks::<4>(), x.as_chunks::<8>());
        let mut block = [_mm256_setzero_ps(); 4];
        for i in 0..8 {
            block[i % 4] = _mm256_fmadd_ps(eight(codes[i], table), bytemuck::cast(x[i]), block[i % 4]);
        }
        let block = _mm256_add_ps(_mm256_add_ps(block[0], block[1]), _mm256_add_ps(block[2], block[3]));
        // The older sum first: each waits for the one two blocks ago.
        sums = [sums[1], _mm256_fmadd_ps(_mm256_set1_ps(*magnitude), block, sums[0])];
    }
    let sum: [f32; 8] = bytemuck::cast(_mm256_add_ps(sums[0], sums[1]));
    ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]))
}
