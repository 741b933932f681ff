//! The step on the CPU: blocks on all cores. Knows nothing of devices.
use super::{AdamStep, AdamW8bitOps, BLOCK, BLOCK_WORDS, SMALLEST};
use crate::kernels::dynamic_map::{CODES, MAGNITUDES, SIGNED, UNSIGNED};
use crate::kernels::host;
use burn::backend::Flex;
use burn::backend::tensor::{FloatTensor, IntTensor};
use rayon::prelude::*;

/// Blocks that one task should have at least.
const TASK: usize = 64;

/// The codes of a block of one moment, and its largest magnitude as bits.
struct Kept<'a> {
    codes: &'a mut [u8],
    magnitude: &'a mut u32,
}

impl Kept<'_> {
    /// The values that the codes stand for.
    fn widen(&self, map: &[f32; 256]) -> [f32; BLOCK] {
        let magnitude = f32::from_bits(*self.magnitude);
        let mut values = [0f32; BLOCK];
        for (value, code) in values.iter_mut().zip(&*self.codes) {
            *value = map[usize::from(*code)] * magnitude;
        }
        values
    }

    /// Keeps the codes nearest to `values`, which `code` finds for values over the largest magnitude.
    fn narrow(&mut self, values: &[f32], code: impl Fn(f32) -> u8) {
        let largest = values.iter().fold(0f32, |m, v| m.max(v.abs()));
        let largest = if largest < SMALLEST { 0.0 } else { largest };
        *self.magnitude = largest.to_bits();
        for (kept, value) in self.codes.iter_mut().zip(values) {
            *kept = code(if largest > 0.0 { value / largest } else { 0.0 });
        }
    }
}

/// The nearest code of the signed map.
fn signed(x: f32) -> u8 {
    let place = MAGNITUDES.place(x.abs());
    // The map has 1 but not -1.
    if x < 0.0 { 127 - place.min(127) } else { 127 + place }
}

/// One block of at most [`BLOCK`] values.
fn block(value: &mut [f32], grad: &[f32], mut first: Kept<'_>, mut second: Kept<'_>, c: &AdamStep) {
    let (mut mean, mut square) = (first.widen(&SIGNED), second.widen(&UNSIGNED));
    let (mean, square) = (&mut mean[..value.len()], &mut square[..value.len()]);
    for (((value, grad), mean), square) in value.iter_mut().zip(grad).zip(&mut *mean).zip(&mut *square) {
        *mean = *mean * c.beta1 + grad * (1.0 - c.beta1);
        *square = *square * c.beta2 + grad * grad * (1.0 - c.beta2);
        let root = square.sqrt() / c.correction + c.eps;
        *value = *value * c.kept - *mean / root * c.rate;
    }
    first.narrow(mean, signed);
    second.narrow(square, |x| CODES.place(x));
}

impl AdamW8bitOps for Flex {
    fn adamw8bit(
        value: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        words: IntTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        // Value and words are changed in place when nobody else holds them (`storage_mut` copies otherwise).
        let (mut value, grad, mut words) = (host::dense(value), host::dense(grad), host::dense(words));
        let blocks = value.layout().num_elements().div_ceil(BLOCK);
        let (codes, magnitudes) = words.storage_mut::<u32>().split_at_mut(2 * blocks * BLOCK_WORDS);
        let codes: &mut [u8] = bytemuck::cast_slice_mut(codes);
        let (first_codes, second_codes) = codes.split_at_mut(blocks * BLOCK);
        let (first_magnitudes, second_magnitudes) = magnitudes.split_at_mut(blocks);
        let kept = |codes, magnitude| Kept { codes, magnitude };
        let tasks = (
            value.storage_mut::<f32>().par_chunks_mut(BLOCK),
            grad.storage::<f32>().par_chunks(BLOCK),
            (first_codes.par_chunks_mut(BLOCK), first_magnitudes.par_iter_mut()),
            (second_codes.par_chunks_mut(BLOCK), second_magnitudes.par_iter_mut()),
        );
        let (values, grads, first, second) = tasks;
        let first = first.0.zip(first.1).map(|(c, m)| kept(c, m));
        let second = second.0.zip(second.1).map(|(c, m)| kept(c, m));
        let all = values.zip(grads).zip(first).zip(second).with_min_len(TASK);
        all.for_each(|(((value, grad), first), second)| block(value, grad, first, second, &step));
        (value, words)
    }
}
