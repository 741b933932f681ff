//! Inner loops over contiguous `f32` slices, written so that the compiler turns them into vector instructions.
//! Knows nothing of tensors.

/// Number of partial results kept by a reduction: two 256-bit vectors.
const LANES: usize = 16;
/// Terms added in `f32` before the sum goes on in `f64`.
const BLOCK: usize = 2048;

/// Runs `work` compiled for AVX2 and FMA where the processor has them, and as it is elsewhere.
///
/// The portable build targets plain x86-64, whose vectors are half as wide. `work` and what it calls must be
/// `#[inline(always)]`, otherwise the narrow version is called.
#[inline(always)]
pub(super) fn wide<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn avx2<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has just been found to support AVX2 and FMA.
            return unsafe { avx2(work) };
        }
    }
    work()
}

/// `e^x` within about 2 units in the last place; 0 below -87.3 and about 3e38 above 88.7, NaN for NaN.
///
/// Cephes' `expf`: `x = n ln 2 + r`, a polynomial in `r`, and `n` added to the exponent bits. No branches, no calls.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    /// 1.5 * 2^23: adding it leaves the nearest integer in the low mantissa bits.
    const MAGIC: f32 = 12_582_912.0;
    let clamped = if x > 88.7 { 88.7 } else { x };
    let shifted = clamped * std::f32::consts::LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = clamped - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 5e-1;
    let mantissa = p * r * r + r + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    if x < -87.3 { 0.0 } else { mantissa * power }
}

/// Largest element; negative infinity for an empty slice.
#[inline(always)]
pub(super) fn max(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let mut chunks = values.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    let rest = chunks.remainder().iter();
    rest.chain(&lanes).copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Sum of `term(value)` over the slice: `f32` vectors inside blocks, `f64` across them.
#[inline(always)]
pub(super) fn sum_of(values: &[f32], term: impl Fn(f32) -> f32) -> f64 {
    let mut total = 0f64;
    for block in values.chunks(BLOCK) {
        let mut lanes = [0f32; LANES];
        let mut chunks = block.chunks_exact(LANES);
        for chunk in &mut chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane += term(*value);
            }
        }
        let rest: f32 = chunks.remainder().iter().map(|value| term(*value)).sum();
        total += f64::from(lanes.iter().sum::<f32>() + rest);
    }
    total
}

/// `ln(sum(exp(values)))`, shifted by the largest element.
#[inline(always)]
pub(super) fn logsumexp(values: &[f32]) -> f32 {
    let top = max(values);
    let sum = sum_of(
        values,
        #[inline(always)]
        |value| exp(value - top),
    );
    (f64::from(top) + sum.ln()) as f32
}

/// Sum of the products of two slices of one length: `f32` vectors inside blocks, `f64` across them.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut total = 0f64;
    for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        let mut lanes = [0f32; LANES];
        let (mut a, mut b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        for (a, b) in (&mut a).zip(&mut b) {
            for i in 0..LANES {
                lanes[i] += a[i] * b[i];
            }
        }
        let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
        total += f64::from(lanes.iter().sum::<f32>() + rest);
    }
    total
}
