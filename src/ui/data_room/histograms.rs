//! How long the rows are: two small histograms under the table.

use egui::Ui;

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
    let ends = (thousands(bins.from), thousands(bins.largest));
    kit::bars(ui, theme, HEIGHT, &bins.counts, (&ends.0, &ends.1), |i| {
        let from = bins.from + bins.width * i as u64;
        let to = from + bins.width - 1;
        let values = if from == to {
            thousands(from)
        } else {
            format!("{} to {}", thousands(from), thousands(to))
        };
        format!("{values}: {}", count(bins.counts[i], "row"))
    });
}
