//! The cards of all training methods: what each changes, what it costs, whether it can be merged.

use egui::{Align, Layout, RichText, Ui};

use super::super::{Ctx, kit};
use crate::session::{Command, Method, TrainCommand};

/// Narrowest card.
const WIDTH: f32 = 210.0;

/// Height of a card: three lines of what it changes, two of what it costs.
const HEIGHT: f32 = 136.0;

/// Draws the cards; choosing one changes the recipe and shows the forecast again.
pub fn methods_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    kit::heading(
        ui,
        ctx.theme,
        "Methods",
        "What training changes, what it costs, and what comes out.",
    );
    ui.add_space(12.0);
    let current = Method::of(&ctx.state.recipe.recipe);
    let columns = ((ui.available_width() / WIDTH) as usize).clamp(1, 3);
    for methods in Method::ALL.chunks(columns) {
        ui.columns(columns, |cells| {
            for (ui, method) in cells.iter_mut().zip(methods) {
                // Columns justify what is in them, which tears texts and buttons apart.
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    card(ctx, ui, *method, *method == current);
                });
            }
        });
        ui.add_space(8.0);
    }
}

fn card(ctx: &mut Ctx<'_>, ui: &mut Ui, method: Method, chosen: bool) {
    let card = method.card();
    kit::card(ui, ctx.theme, |ui| {
        ui.set_min_width(ui.available_width());
        ui.set_min_height(HEIGHT);
        ui.label(kit::strong(card.name));
        ui.label(RichText::new(card.changes).small());
        ui.label(kit::muted(ctx.theme, card.costs).small());
        ui.add_space(4.0);
        if chosen {
            ui.label(kit::muted(ctx.theme, "Chosen"));
        } else if kit::button(ui, "", &format!("Use {}", card.name)).clicked() {
            ctx.send(Command::Train(TrainCommand::Method(method)));
        }
    });
}
