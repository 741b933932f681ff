//! In what the recipes of the selected runs differ: a line for each setting, a column for each run.

use egui::{Grid, Label, ScrollArea, Ui};

use super::super::charts::shortened;
use super::super::{Ctx, kit};
use super::table;

/// Draws the table.
pub fn differences_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let runs = &ctx.state.runs;
    kit::caption(ui, ctx.theme, "Where the recipes differ");
    if runs.differences.is_empty() {
        ui.label(kit::muted(ctx.theme, "All settings are the same."));
        return;
    }
    let entries: Vec<_> = runs.picked.iter().filter_map(|dir| runs.entry(dir)).collect();
    let area = ScrollArea::horizontal()
        .id_salt("differences")
        .auto_shrink([false, true]);
    area.show(ui, |ui| {
        let grid = Grid::new("differences")
            .num_columns(1 + entries.len())
            .spacing([16.0, 4.0])
            .min_row_height(18.0);
        grid.show(ui, |ui| {
            ui.spacing_mut().interact_size.y = 18.0;
            ui.label("");
            for entry in &entries {
                ui.colored_label(table::colour_of(ctx.theme, entry), shortened(&entry.name, 18));
            }
            ui.end_row();
            for difference in &runs.differences {
                ui.label(kit::muted(ctx.theme, &difference.key));
                for value in &difference.values {
                    let text = if value.is_empty() { "\u{2013}" } else { value };
                    let shown = ui.add(Label::new(shortened(text, 24)));
                    if text.chars().count() > 24 {
                        shown.on_hover_text(text);
                    }
                }
                ui.end_row();
            }
        });
    });
}
