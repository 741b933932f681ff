//! A small histogram. Knows counts, not what is counted.

use egui::{Align2, FontId, Rect, Sense, Ui, pos2, vec2};

use super::super::Theme;

/// Room for the labels under the bars.
const LABELS: f32 = 14.0;

/// Bars over the whole width, `height` points with the labels at both ends; `hover` says what the bar under the pointer is.
pub fn bars(
    ui: &mut Ui,
    theme: &Theme,
    height: f32,
    counts: &[usize],
    (first, last): (&str, &str),
    hover: impl Fn(usize) -> String,
) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let step = rect.width() / counts.len().max(1) as f32;
    let tall = rect.height() - LABELS;
    let hovered = response.hover_pos().map(|at| ((at.x - rect.left()) / step) as usize);
    for (i, rows) in counts.iter().enumerate() {
        // A bar with few rows is still seen.
        let height = match rows {
            0 => 0.0,
            rows => (tall * *rows as f32 / most as f32).max(2.0),
        };
        let left = rect.left() + step * i as f32;
        let bar = Rect::from_min_max(
            pos2(left, rect.top() + tall - height),
            pos2(left + (step - 2.0).clamp(1.0, 64.0), rect.top() + tall),
        );
        let colour = if hovered == Some(i) {
            theme.text()
        } else {
            theme.accent().gamma_multiply(0.75)
        };
        ui.painter().rect_filled(bar, 1, colour);
    }
    let label = || FontId::proportional(10.5);
    let muted = theme.muted();
    ui.painter()
        .text(rect.left_bottom(), Align2::LEFT_BOTTOM, first, label(), muted);
    ui.painter()
        .text(rect.right_bottom(), Align2::RIGHT_BOTTOM, last, label(), muted);
    if let Some(i) = hovered.filter(|i| *i < counts.len()) {
        response.on_hover_text_at_pointer(hover(i));
    }
}
