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
