//! Round marks for the axes of charts, few enough for their labels to fit. Knows nothing of what is plotted.

use egui_plot::{GridInput, GridMark};

/// More would be drawn for nothing.
const MOST: usize = 40;

/// Marks at multiples of 1, 2 or 5 times a power of ten, about `count` of them in view, at least `least` apart.
pub(super) fn round(count: f64, least: f64) -> impl Fn(GridInput) -> Vec<GridMark> {
    move |input| {
        let (low, high) = input.bounds;
        let step = step_of((high - low) / count).max(least);
        let first = (low / step).ceil();
        if !(step.is_finite() && first.is_finite()) {
            return vec![];
        }
        let mark = |i: usize| GridMark {
            value: (first + i as f64) * step,
            step_size: step,
        };
        (0..MOST).map(mark).take_while(|m| m.value <= high).collect()
    }
}

/// The smallest of 1, 2, 5, 10 times a power of ten that is not below `width`.
fn step_of(width: f64) -> f64 {
    let power = 10_f64.powf(width.max(f64::MIN_POSITIVE).log10().floor());
    let nice = [1.0, 2.0, 5.0].into_iter().find(|n| n * power >= width * (1.0 - 1e-9));
    nice.unwrap_or(10.0) * power
}

/// Marks at 1, 2 and 5 times powers of ten for an axis that holds decimal logarithms; where less than two of them are in view,
/// at round values between.
pub(super) fn logarithmic(count: f64) -> impl Fn(GridInput) -> Vec<GridMark> {
    move |input| {
        let (low, high) = input.bounds;
        if !(low.is_finite() && high.is_finite()) {
            return vec![];
        }
        let wide = high - low > count / 2.0;
        let parts: &[f64] = if wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let powers = (low.floor() as i32)..=(high.ceil() as i32);
        let all = powers.flat_map(|power| parts.iter().map(move |part| part.log10() + f64::from(power)));
        let mark = |value| GridMark { value, step_size: 1.0 };
        let marks: Vec<GridMark> = all.filter(|v| (low..=high).contains(v)).take(MOST).map(mark).collect();
        if marks.len() > 2 {
            return marks;
        }
        let (from, to) = (10_f64.powf(low), 10_f64.powf(high));
        let step = step_of((to - from) / count);
        let first = (from / step).ceil();
        let between = (0..MOST)
            .map(|i| (first + i as f64) * step)
            .take_while(|value| *value <= to);
        between
            .filter(|value| *value > 0.0)
            .map(|value| mark(value.log10()))
            .collect()
    }
}
