//! Rotary angles of positions (RoFormer, Su et al. 2021), with the ways to stretch them. Knows no tensors.

use std::f64::consts::TAU;

use crate::formats::config::{Rope, Scaling};

/// Cosines and sines for each position, both halves of the rotated part alike (half-split layout):
/// `[positions * rope.dims]` each.
pub(super) fn angles(rope: &Rope, positions: &[u32]) -> (Vec<f32>, Vec<f32>) {
    let (frequencies, attention) = frequencies(rope);
    let count = positions.len() * rope.dims;
    let (mut cos, mut sin) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for p in positions {
        for _ in 0..2 {
            for f in &frequencies {
                let angle = *p as f32 * f;
                cos.push(angle.cos() * attention);
                sin.push(angle.sin() * attention);
            }
        }
    }
    (cos, sin)
}

/// Radians per position of each pair, and what multiplies cosines and sines.
fn frequencies(rope: &Rope) -> (Vec<f32>, f32) {
    let half = rope.dims / 2;
    let plain = (0..half).map(|i| 1.0 / rope.theta.powf(2.0 * i as f64 / rope.dims as f64));
    let mut attention = 1.0;
    let stretched: Vec<f64> = match &rope.scaling {
        Scaling::None => plain.collect(),
        Scaling::Linear(factor) => plain.map(|f| f / factor).collect(),
        Scaling::Llama3 {
            factor,
            low,
            high,
            original,
        } => plain.map(|f| llama3(f, *factor, *low, *high, *original)).collect(),
        Scaling::PerFrequency { divisors, attention: a } => {
            attention = *a;
            plain.zip(divisors).map(|(f, divisor)| f / divisor).collect()
        }
        Scaling::Yarn {
            factor, attention: a, ..
        } => {
            attention = *a;
            let kept = yarn_kept(rope);
            plain
                .zip(kept)
                .map(|(f, kept)| f / factor * (1.0 - kept) + f * kept)
                .collect()
        }
    };
    (stretched.into_iter().map(|f| f as f32).collect(), attention as f32)
}

/// Long waves slower, short ones as they are, a mixture between (Llama 3.1).
fn llama3(frequency: f64, factor: f64, low: f64, high: f64, original: f64) -> f64 {
    let wave = TAU / frequency;
    if wave < original / high {
        frequency
    } else if wave > original / low {
        frequency / factor
    } else {
        let kept = (original / wave - low) / (high - low);
        (1.0 - kept) * frequency / factor + kept * frequency
    }
}

/// How much of each unstretched frequency YaRN keeps: 1 for the fastest, 0 for the slowest (Peng et al. 2023, eq. 18).
fn yarn_kept(rope: &Rope) -> Vec<f64> {
    let Scaling::Yarn {
        fast,
        slow,
        original,
        truncate,
        ..
    } = rope.scaling
    else {
        return vec![];
    };
    // The pair that turns so many times in the original context.
    let pair = |turns: f64| rope.dims as f64 * (original / (turns * TAU)).ln() / (2.0 * rope.theta.ln());
    let (mut first, mut last) = (pair(fast), pair(slow));
    if truncate {
        (first, last) = (first.floor(), last.ceil());
    }
    let first = first.max(0.0);
    let last = last.min(rope.dims as f64 - 1.0);
    let span = if first == last { 0.001 } else { last - first };
    (0..rope.dims / 2)
        .map(|i| 1.0 - ((i as f64 - first) / span).clamp(0.0, 1.0))
        .collect()
}
