//! Products of packed rows with one vector in AVX2 instructions, for the layouts that people run most. Knows nothing of threads.
//!
//! Integers are widened to `f32` and multiplied by the vector at once; a block's scale multiplies the sum of its products, and its
//! minimum the sum of the vector's numbers, which is made once for all rows. Nothing is rounded to fewer bits than `f32`.
use crate::kernels::packed_weight::{PackedLayout, Packing};
use std::arch::x86_64::*;

/// Eight partial sums, four times over, so that additions need not wait for each other.
type Sums = [__m256; 4];

/// A vector that rows are multiplied with.
struct Vector<'a> {
    x: &'a [f32],
    /// Eight partial sums of each 32 numbers.
    sums: Vec<[f32; 8]>,
}

/// As [`super::dot_rows`] for a single vector. False, and nothing done, where the processor lacks an instruction or the layout is not
/// here.
pub(super) fn dot_rows(packing: Packing, rows: &[u8], x: &[f32], out: &mut [f32]) -> bool {
    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")) {
        return false;
    }
    let bytes = packing.row_step().max(1);
    // SAFETY: the processor has just been found to support AVX2, FMA and F16C.
    unsafe {
        match packing.layout {
            PackedLayout::F32 => f32_rows(rows, bytes, x, out),
            PackedLayout::F16 => f16_rows(rows, bytes, x, out),
            PackedLayout::Bf16 => bf16_rows(rows, bytes, x, out),
            PackedLayout::Q4_0 => q4_0_rows(rows, bytes, x, out),
            PackedLayout::Q4_1 => q4_1_rows(rows, bytes, x, out),
            PackedLayout::Q5_0 => q5_0_rows(rows, bytes, x, out),
            PackedLayout::Q8_0 => q8_0_rows(rows, bytes, x, out),
            PackedLayout::Q4K => q4_k_rows(rows, bytes, x, out),
            PackedLayout::Q6K => q6_k_rows(rows, bytes, x, out),
            _ => return false,
        }
    }
    true
}

/// Sum of the products of two slices of one length.
pub(super) fn dot(a: &[f32], b: &[f32]) -> Option<f32> {
    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")) {
        return None;
    }
    // SAFETY: the processor has just been found to support AVX2, FMA and F16C.
    Some(unsafe { f32_dot(bytemuck::cast_slice(a), b) })
}

/// Rows of a layout of single numbers: `$wide` turns the bytes of eight numbers into `f32`, `$one` those of one.
macro_rules! dense_rows {
    ($rows:ident, $dot:ident, $size:literal, $wide:expr, $one:expr) => {
        #[target_feature(enable = "avx2,fma,f16c")]
        fn $rows(rows: &[u8], bytes: usize, x: &[f32], out: &mut [f32]) {
            for (row, out) in rows.chunks_exact(bytes).zip(out) {
                *out = $dot(row, x);
            }
        }

        #[target_feature(enable = "avx2,fma,f16c")]
        fn $dot(row: &[u8], x: &[f32]) -> f32 {
            let mut sums = [_mm256_setzero_ps(); 4];
            let (blocks, rest) = row.as_chunks::<{ 32 * $size }>();
            let (vectors, x_rest) = x.as_chunks::<32>();
            for (block, x) in blocks.iter().zip(vectors) {
                let ((block, _), (x, _)) = (block.as_chunks::<{ 8 * $size }>(), x.as_chunks::<8>());
                for i in 0..4 {
                    sums[i] = _mm256_fmadd_ps($wide(&block[i]), load(&x[i]), sums[i]);
                }
            }
            let (rest, _) = rest.as_chunks::<$size>();
            let rest = rest.iter().zip(x_rest).map(|(w, x)| $one(*w) * x);
            total(sums) + rest.sum::<f32>()
        }
    };
}

dense_rows!(f32_rows, f32_dot, 4, wide_f32, f32::from_le_bytes);
dense_rows!(f16_rows, f16_dot, 2, wide_f16, |w: [u8; 2]| super::half(w[0], w[1]));
dense_rows!(bf16_rows, bf16_dot, 2, wide_bf16, |w| f32::from_bits(
    u32::from(u16::from_le_bytes(w)) << 16
));

/// Rows of blocks: `$block` adds the products of one block.
macro_rules! block_rows {
    ($rows:ident, $block:ident, $bytes:literal, $values:literal) => {
        #[target_feature(enable = "avx2,fma,f16c")]
        fn $rows(rows: &[u8], bytes: usize, x: &[f32], out: &mut [f32]) {
            let vector = Vector::new(x);
            let (x, _) = vector.x.as_chunks::<$values>();
            let (x_sums, _) = vector.sums.as_chunks::<{ $values / 32 }>();
            for (row, out) in rows.chunks_exact(bytes).zip(out) {
                let (blocks, _) = row.as_chunks::<$bytes>();
                let mut sums = [_mm256_setzero_ps(); 4];
                for ((block, x), x_sums) in blocks.iter().zip(x).zip(x_sums) {
                    sums = $block(block, x, x_sums, sums);
                }
                *out = total(sums);
            }
        }
    };
}

block_rows!(q4_0_rows, q4_0, 18, 32);
block_rows!(q4_1_rows, q4_1, 20, 32);
block_rows!(q5_0_rows, q5_0, 22, 32);
block_rows!(q8_0_rows, q8_0, 34, 32);
block_rows!(q4_k_rows, q4_k, 144, 256);
block_rows!(q6_k_rows, q6_k, 210, 256);

impl<'a> Vector<'a> {
    #[target_feature(enable = "avx2,fma,f16c")]
    fn new(x: &'a [f32]) -> Self {
        let (parts, _) = x.as_chunks::<32>();
        let sum = |part: &[f32; 32]| {
            let (part, _) = part.as_chunks::<8>();
            let pairs = [
                _mm256_add_ps(load(&part[0]), load(&part[1])),
                _mm256_add_ps(load(&part[2]), load(&part[3])),
            ];
            bytemuck::cast(_mm256_add_ps(pairs[0], pairs[1]))
        };
        Self {
            x,
            sums: parts.iter().map(sum).collect(),
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn load(x: &[f32; 8]) -> __m256 {
    bytemuck::cast(*x)
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn wide_f32(bytes: &[u8; 32]) -> __m256 {
    bytemuck::cast(*bytes)
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn wide_f16(bytes: &[u8; 16]) -> __m256 {
    _mm256_cvtph_ps(bytemuck::cast(*bytes))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn wide_bf16(bytes: &[u8; 16]) -> __m256 {
    let upper = _mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(bytemuck::cast(*bytes)));
    _mm256_castsi256_ps(upper)
}

/// Eight bytes as 32-bit integers.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn widen(bytes: &[u8; 8]) -> __m256i {
    _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(i64::from_le_bytes(*bytes)))
}

/// Eight signed bytes as 32-bit integers.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn widen_signed(bytes: &[u8; 8]) -> __m256i {
    _mm256_cvtepi8_epi32(_mm_cvtsi64_si128(i64::from_le_bytes(*bytes)))
}

/// One half-precision number, eight times.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn scale(low: u8, high: u8) -> __m256 {
    let bits = i32::from(u16::from_le_bytes([low, high]));
    _mm256_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)))
}

/// The lower and the upper half of eight bytes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn halves(bytes: &[u8; 8]) -> (__m256i, __m256i) {
    let both = widen(bytes);
    (
        _mm256_and_si256(both, _mm256_set1_epi32(15)),
        _mm256_srli_epi32::<4>(both),
    )
}

/// Sum of the products of 32 integers, in order of their eights, with `x`.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn products(q: [__m256i; 4], x: &[[f32; 8]]) -> __m256 {
    let even = _mm256_mul_ps(_mm256_cvtepi32_ps(q[0]), load(&x[0]));
    let odd = _mm256_mul_ps(_mm256_cvtepi32_ps(q[1]), load(&x[1]));
    let even = _mm256_fmadd_ps(_mm256_cvtepi32_ps(q[2]), load(&x[2]), even);
    let odd = _mm256_fmadd_ps(_mm256_cvtepi32_ps(q[3]), load(&x[3]), odd);
    _mm256_add_ps(even, odd)
}

/// The four-bit integers of 16 bytes, in order of their eights.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn four_bits(bytes: &[u8]) -> [__m256i; 4] {
    let (bytes, _) = bytes.as_chunks::<8>();
    let ((a, c), (b, d)) = (halves(&bytes[0]), halves(&bytes[1]));
    [a, b, c, d]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn q4_0(block: &[u8; 18], x: &[f32; 32], x_sums: &[[f32; 8]; 1], [a, b, c, d]: Sums) -> Sums {
    let products = products(four_bits(&block[2..]), x.as_chunks().0);
    let centred = _mm256_fmadd_ps(load(&x_sums[0]), _mm256_set1_ps(-8.0), products);
    // The oldest sum first: each waits for the one four blocks ago.
    [b, c, d, _mm256_fmadd_ps(scale(block[0], block[1]), centred, a)]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn q4_1(block: &[u8; 20], x: &[f32; 32], x_sums: &[[f32; 8]; 1], [a, b, c, d]: Sums) -> Sums {
    let products = products(four_bits(&block[4..]), x.as_chunks().0);
    let a = _mm256_fmadd_ps(scale(block[0], block[1]), products, a);
    let b = _mm256_fmadd_ps(scale(block[2], block[3]), load(&x_sums[0]), b);
    [c, d, a, b]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn q5_0(block: &[u8; 22], x: &[f32; 32], x_sums: &[[f32; 8]; 1], [a, b, c, d]: Sums) -> Sums {
    let mut q = four_bits(&block[6..]);
    let bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    for (q, fifth) in q.iter_mut().zip(&block[2..6]) {
        let set = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(i32::from(*fifth)), bit), bit);
        *q = _mm256_or_si256(*q, _mm256_and_si256(set, _mm256_set1_epi32(16)));
    }
    let products = products(q, x.as_chunks().0);
    let centred = _mm256_fmadd_ps(load(&x_sums[0]), _mm256_set1_ps(-16.0), products);
    [b, c, d, _mm256_fmadd_ps(scale(block[0], block[1]), centred, a)]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn q8_0(block: &[u8; 34], x: &[f32; 32], _x_sums: &[[f32; 8]; 1], [a, b, c, d]: Sums) -> Sums {
    let (bytes, _) = block[2..].as_chunks::<8>();
    let q = [0, 1, 2, 3].map(
        #[inline(always)]
        |i| widen_signed(&bytes[i]),
    );
    let products = products(q, x.as_chunks().0);
    [b, c, d, _mm256_fmadd_ps(scale(block[0], block[1]), products, a)]
}

/// The six-bit scales and minimums of the eight parts of Q4_K and Q5_K, times the block's own; the minimums negative.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn scales_and_mins(head: &[u8; 16]) -> [[f32; 8]; 2] {
    let (words, _) = head.as_chunks::<4>();
    let [_, a, b, c] = [0, 1, 2, 3].map(
        #[inline(always)]
        |i| u32::from_le_bytes(words[i]),
    );
    let scales = [a & 0x3f3f_3f3f, c & 0x0f0f_0f0f | (a >> 6 & 0x0303_0303) << 4];
    let mins = [b & 0x3f3f_3f3f, c >> 4 & 0x0f0f_0f0f | (b >> 6 & 0x0303_0303) << 4];
    let times = |pair: [u32; 2], factor: __m256| {
        let wide = _mm256_cvtepi32_ps(widen(&bytemuck::cast::<[u32; 2], [u8; 8]>(pair.map(u32::to_le))));
        bytemuck::cast(_mm256_mul_ps(wide, factor))
    };
    let least = _mm256_sub_ps(_mm256_setzero_ps(), scale(head[2], head[3]));
    [times(scales, scale(head[0], head[1])), times(mins, least)]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn q4_k(block: &[u8; 144], x: &[f32; 256], x_sums: &[[f32; 8]; 8], mut sums: Sums) -> Sums {
    let (head, _) = block.as_chunks::<16>();
    let [scales, mins] = scales_and_mins(&head[0]);
    let (bytes, _) = block[16..].as_chunks::<8>();
    let (x, _) = x.as_chunks::<8>();
    for pair in 0..4 {
        // 32 bytes hold one part in their lower and the next in their upper halves.
        let (a, b) = (halves(&bytes[4 * pair]), halves(&bytes[4 * pair + 1]));
        let (c, d) = (halves(&bytes[4 * pair + 2]), halves(&bytes[4 * pair + 3]));
        for (half, q) in [[a.0, b.0, c.0, d.0], [a.1, b.1, c.1, d.1]].into_iter().enumerate() {
            let part = 2 * pair + half;
            let products = products(q, &x[4 * part..4 * part + 4]);
            sums[half] = _mm256_fmadd_ps(_mm256_set1_ps(scales[part]), products, sums[half]);
            sums[2 + half] = _mm256_fmadd_ps(_mm256_set1_ps(mins[part]), load(&x_sums[part]), sums[2 + half]);
        }
    }
    sums
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn q6_k(block: &[u8; 210], x: &[f32; 256], _x_sums: &[[f32; 8]; 8], mut sums: Sums) -> Sums {
    let d = super::half(block[208], block[209]);
    let ((lower, _), (upper, _)) = (block[..128].as_chunks::<8>(), block[128..192].as_chunks::<8>());
    let (x, _) = x.as_chunks::<8>();
    let two = _mm256_set1_epi32(3);
    for (eight, high) in upper.iter().enumerate() {
        // Eight upper bytes serve one eight of each of the four runs of 32 numbers in their half.
        let (half, i) = (eight / 4, eight % 4);
        let high = widen(high);
        let (a, c) = halves(&lower[8 * half + i]);
        let (b, d_) = halves(&lower[8 * half + 4 + i]);
        let high = [
            high,
            _mm256_srli_epi32::<2>(high),
            _mm256_srli_epi32::<4>(high),
            _mm256_srli_epi32::<6>(high),
        ];
        for (run, low) in [a, b, c, d_].into_iter().enumerate() {
            let q = _mm256_or_si256(low, _mm256_slli_epi32::<4>(_mm256_and_si256(high[run], two)));
            let q = _mm256_sub_epi32(q, _mm256_set1_epi32(32));
            let scale = d * f32::from(block[192 + 8 * half + 2 * run + i / 2] as i8);
            let product = _mm256_mul_ps(_mm256_cvtepi32_ps(q), load(&x[16 * half + 4 * run + i]));
            sums[run] = _mm256_fmadd_ps(_mm256_set1_ps(scale), product, sums[run]);
        }
    }
    sums
}

/// The sum of all partial sums.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn total([a, b, c, d]: Sums) -> f32 {
    let sum: [f32; 8] = bytemuck::cast(_mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d)));
    ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]))
}
