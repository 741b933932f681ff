//! NormalFloat of four bits (QLoRA, Dettmers et al. 2023, section 3): the numbers of a weight in blocks of 64, each a code in a table of
//! 16 quantiles of the normal distribution, times the block's largest magnitude. Knows bytes and `f32`; knows nothing of tensors.
//!
//! Codes, magnitudes and rounding are those of bitsandbytes. Unlike GGUF's blocks, these run over the flattened weight: a row may
//! begin and end inside one.
//!
//! The words of a weight, or of some of its rows: `lead`, the numbers of the first block that belong to rows before; the address of the
//! magnitudes, in words; with double quantisation also the address of their own scales. Then the codes, eight to a word (the first of two in
//! the upper half of its byte), then the magnitudes: plain `f32`, or a byte for each; then, for bytes, the mean of all magnitudes and
//! one scale for each 256 of them.
#[cfg(target_arch = "x86_64")]
mod avx2;
mod quantise;

use crate::kernels::dynamic_map::SIGNED;

pub(in crate::kernels) use quantise::Quantised;

/// Numbers of a block.
pub(in crate::kernels) const BLOCK: usize = 64;
/// Blocks whose magnitudes share a scale, with double quantisation.
pub(in crate::kernels) const NEST: usize = 256;
/// Words before the codes.
const HEADER: usize = 3;

/// The quantiles, from -1 to 1 (bitsandbytes' `get_4bit_type("nf4")`).
const CODES: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// A weight's words, taken apart.
struct View<'a> {
    lead: usize,
    codes: &'a [u8],
    magnitudes: Magnitudes<'a>,
}

/// The largest magnitude of each block.
enum Magnitudes<'a> {
    /// As they are.
    Plain(&'a [u8]),
    /// As places in [`SIGNED`], with their mean and scales.
    Double { places: &'a [u8], scales: &'a [u8] },
}

fn word(bytes: &[u8], i: usize) -> u32 {
    u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
}

impl<'a> View<'a> {
    fn new(double: bool, bytes: &'a [u8]) -> Self {
        let [lead, inner, outer] = [0, 1, 2].map(|i| word(bytes, i) as usize);
        let magnitudes = if double {
            Magnitudes::Double {
                places: &bytes[4 * inner..4 * outer],
                scales: &bytes[4 * outer..],
            }
        } else {
            Magnitudes::Plain(&bytes[4 * inner..])
        };
        Self {
            lead,
            codes: &bytes[4 * HEADER..4 * inner],
            magnitudes,
        }
    }

    fn magnitude(&self, block: usize) -> f32 {
        match &self.magnitudes {
            Magnitudes::Plain(values) => f32::from_bits(word(values, block)),
            Magnitudes::Double { places, scales } => {
                let scale = |i| f32::from_bits(word(scales, i));
                SIGNED[usize::from(places[block])] * scale(1 + block / NEST) + scale(0)
            }
        }
    }

    fn value(&self, i: usize) -> f32 {
        let byte = self.codes[i / 2];
        let code = if i.is_multiple_of(2) { byte >> 4 } else { byte & 15 };
        CODES[usize::from(code)]
    }

    /// The numbers from `from` on, counted from the first row's first.
    fn unpack(&self, from: usize, values: &mut [f32]) {
        let mut place = self.lead + from;
        let mut rest = values;
        while !rest.is_empty() {
            let count = (BLOCK - place % BLOCK).min(rest.len());
            let (part, others) = rest.split_at_mut(count);
            self.unpack_within(place, part);
            (place, rest) = (place + count, others);
        }
    }

    /// Numbers of one block.
    fn unpack_within(&self, place: usize, values: &mut [f32]) {
        let magnitude = self.magnitude(place / BLOCK);
        #[cfg(target_arch = "x86_64")]
        if place.is_multiple_of(BLOCK)
            && let Ok(values) = <&mut [f32; BLOCK]>::try_from(&mut *values)
            && avx2::unpack(&self.codes[place / 2..][..BLOCK / 2], magnitude, values)
        {
            return;
        }
        for (i, value) in values.iter_mut().enumerate() {
            *value = self.value(place + i) * magnitude;
        }
    }
}

/// The numbers of consecutive rows from number `from` of the weight on.
pub(super) fn unpack(double: bool, weight: &[u8], from: usize, values: &mut [f32]) {
    View::new(double, weight).unpack(from, values);
}

/// Products of rows with one vector. False, and nothing done, where rows are not whole blocks or the processor lacks an instruction.
pub(super) fn dot_rows(double: bool, weight: &[u8], first: usize, x: &[f32], out: &mut [f32]) -> bool {
    let view = View::new(double, weight);
    if !(view.lead + first * x.len()).is_multiple_of(BLOCK) || !x.len().is_multiple_of(BLOCK) {
        return false;
    }
    #[cfg(target_arch = "x86_64")]
    {
        let per_row = x.len() / BLOCK;
        let mut block = view.lead / BLOCK + first * per_row;
        let mut magnitudes = vec![0f32; per_row];
        for out in out {
            for (i, magnitude) in magnitudes.iter_mut().enumerate() {
                *magnitude = view.magnitude(block + i);
            }
            let codes = &view.codes[block * BLOCK / 2..][..x.len() / 2];
            let Some(product) = avx2::dot(codes, &magnitudes, x) else {
                return false;
            };
            *out = product;
            block += per_row;
        }
        true
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = out;
        false
    }
}
