//! From numbers to NF4, with bitsandbytes' rounding. Knows nothing of rows.
use super::{BLOCK, CODES, HEADER, NEST};
use crate::kernels::dynamic_map::nearest_signed;
use rayon::prelude::*;

/// Blocks that one task should have at least.
const TASK: usize = 256;

/// A quantised weight, before its rows are laid out for a device.
pub(in crate::kernels) struct Quantised {
    codes: Vec<u8>,
    magnitudes: Magnitudes,
}

enum Magnitudes {
    Plain(Vec<f32>),
    Double {
        places: Vec<u8>,
        mean: f32,
        scales: Vec<f32>,
    },
}

impl Quantised {
    /// Quantises a weight's numbers in row-major order; `double` quantises the magnitudes too.
    pub fn new(values: &[f32], double: bool) -> Self {
        let mut codes = vec![0u8; values.len().div_ceil(2)];
        let mut magnitudes = vec![0f32; values.len().div_ceil(BLOCK)];
        let tasks = (
            codes.par_chunks_mut(TASK * BLOCK / 2),
            magnitudes.par_chunks_mut(TASK),
            values.par_chunks(TASK * BLOCK),
        );
        tasks.into_par_iter().for_each(|(codes, magnitudes, values)| {
            let blocks = codes.chunks_mut(BLOCK / 2).zip(values.chunks(BLOCK));
            for ((codes, values), magnitude) in blocks.zip(magnitudes) {
                *magnitude = block(values, codes);
            }
        });
        let magnitudes = if double {
            nest(&magnitudes)
        } else {
            Magnitudes::Plain(magnitudes)
        };
        Self { codes, magnitudes }
    }

    /// The bytes of `count` numbers from `first` on, as the kernels read them: see the head of this folder.
    pub fn lay_out(&self, first: usize, count: usize) -> Vec<u8> {
        let span = match self.magnitudes {
            Magnitudes::Plain(_) => BLOCK,
            Magnitudes::Double { .. } => BLOCK * NEST,
        };
        let (begin, end) = (first / span * span, first + count);
        let mut bytes = vec![0u8; 4 * HEADER];
        bytes.extend_from_slice(&self.codes[begin / 2..end.div_ceil(2)]);
        let inner = pad(&mut bytes);
        let blocks = begin / BLOCK..end.div_ceil(BLOCK);
        let outer = match &self.magnitudes {
            Magnitudes::Plain(values) => {
                bytes.extend_from_slice(bytemuck::cast_slice(&values[blocks]));
                inner
            }
            Magnitudes::Double { places, mean, scales } => {
                let nests = blocks.start / NEST..blocks.end.div_ceil(NEST);
                bytes.extend_from_slice(&places[blocks]);
                let outer = pad(&mut bytes);
                bytes.extend_from_slice(bytemuck::bytes_of(mean));
                bytes.extend_from_slice(bytemuck::cast_slice(&scales[nests]));
                outer
            }
        };
        for (place, number) in bytes.chunks_exact_mut(4).zip([first - begin, inner, outer]) {
            place.copy_from_slice(&(number as u32).to_le_bytes());
        }
        bytes
    }
}

/// Fills the last word; returns the number of words.
fn pad(bytes: &mut Vec<u8>) -> usize {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.len() / 4
}

/// Writes a block's codes and returns its largest magnitude.
fn block(values: &[f32], codes: &mut [u8]) -> f32 {
    let largest = values.iter().fold(0f32, |m, v| m.max(v.abs()));
    // Multiplied by the reciprocal, as bitsandbytes does; a block of zeros stays one.
    let factor = if largest > 0.0 { 1.0 / largest } else { 0.0 };
    for (byte, pair) in codes.iter_mut().zip(values.chunks(2)) {
        // The last of an odd number of values has 0 for a neighbour.
        let code = |i: usize| nearest(pair.get(i).copied().unwrap_or(0.0) * factor);
        *byte = code(0) << 4 | code(1);
    }
    largest
}

/// The code nearest to a number of -1 to 1, the lower of two that are equally near.
fn nearest(x: f32) -> u8 {
    let above = |code: usize| x > (CODES[code] + CODES[code + 1]) / 2.0;
    let mut code = 0;
    for step in [8, 4, 2, 1] {
        if above(code + step - 1) {
            code += step;
        }
    }
    code as u8
}

/// Quantises magnitudes in blocks of 256, with their mean subtracted first.
fn nest(magnitudes: &[f32]) -> Magnitudes {
    let sum: f64 = magnitudes.iter().map(|m| f64::from(*m)).sum();
    let mean = (sum / magnitudes.len().max(1) as f64) as f32;
    let mut places = Vec::with_capacity(magnitudes.len());
    let mut scales = Vec::with_capacity(magnitudes.len().div_ceil(NEST));
    for group in magnitudes.chunks(NEST) {
        let largest = group.iter().fold(0f32, |m, v| m.max((v - mean).abs()));
        let factor = if largest > 0.0 { 1.0 / largest } else { 0.0 };
        places.extend(group.iter().map(|v| place((v - mean) * factor)));
        scales.push(largest);
    }
    Magnitudes::Double { places, mean, scales }
}

/// The place in the dynamic map nearest to a number of -1 to 1, the lower of two that are equally near.
///
/// As in bitsandbytes on the CPU, the number is first rounded to one of 65,536 that are evenly spaced.
fn place(x: f32) -> u8 {
    /// Half of 65,535 steps.
    const HALF: f32 = 32_767.5;
    nearest_signed(((x + 1.0) * HALF + 0.5).floor() / HALF - 1.0)
}
