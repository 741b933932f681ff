//! How long the rows are: two small histograms under the table.

use egui::{Align2, FontId, Sense, Ui, vec2};

use super::super::{Ctx, kit};
use crate::session::Bins;
use crate::session::words::{count, thousands};

const HEIGHT: f32 = 54.0;

/// Draws both histograms beside each other.
pub fn histograms_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let data = &ctx.state.data;
    ui.columns(2, |columns| {
        one(ctx, &mut columns[0], "Characters", &data.shape.characters);
        one(ctx, &mut columns[1], "Turns", &data.shape.turns);
    });
}

fn one(ctx: &Ctx<'_>, ui: &mut Ui, name: &str, bins: &Bins) {
    let theme = ctx.theme;
    ui.horizontal(|ui| {
        kit::caption(ui, theme, name);
        let words = format!("median {}, longest {}", thousands(bins.median), thousands(bins.largest));
        ui.label(kit::muted(theme, words).small());
    });
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let most = bins.counts.iter().copied().max().unwrap_or(1).max(1);
    let step = rect.width() / bins.counts.len().max(1) as f32;
    let bars = rect.height() - 14.0;
    let hovered = response.hover_pos().map(|at| ((at.x - rect.left()) / step) as usize);
    for (i, rows) in bins.counts.iter().enumerate() {
        // A bar with few rows is still seen.
        let height = if *rows == 0 {
            0.0
        } else {
            (bars * *rows as f32 / most as f32).max(2.0)
        };
        let left = rect.left() + step * i as f32;
        let bar = egui::Rect::from_min_max(
            egui::pos2(left, rect.top() + bars - height),
            egui::pos2(left + (step - 2.0).clamp(1.0, 64.0), rect.top() + bars),
        );
        let colour = if hovered == Some(i) {
            theme.text()
        } else {
            theme.accent().gamma_multiply(0.75)
        };
        ui.painter().rect_filled(bar, 1, colour);
    }
    let label = FontId::proportional(10.5);
    ui.painter().text(
        rect.left_bottom(),
        Align2::LEFT_BOTTOM,
        thousands(bins.from),
        label.clone(),
        theme.muted(),
    );
    let end = thousands(bins.largest);
    ui.painter()
        .text(rect.right_bottom(), Align2::RIGHT_BOTTOM, end, label, theme.muted());
    if let Some((i, rows)) = hovered.and_then(|i| Some((i, *bins.counts.get(i)?))) {
        let from = bins.from + bins.width * i as u64;
        let to = from + bins.width - 1;
        let values = if from == to {
            thousands(from)
        } else {
            format!("{} to {}", thousands(from), thousands(to))
        };
        let range = format!("{values}: {}", count(rows, "row"));
        response.on_hover_text_at_pointer(range);
    }
}
