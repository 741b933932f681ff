//! The Template room: editor, rendered text and token stream of the selected row, in step with each other.
//! Knows what is shown, not how it was rendered.
mod audit;
mod audit_numbers;
mod chip_layout;
mod chips;
mod compared;
mod editor;
mod focus;
mod heat;
mod highlight;
mod lesson;
mod lesson_steps;
mod messages;
mod middle;
mod places;
mod prompt;
mod rendered;
mod search;
mod toolbar;
mod visible;

pub use chip_layout::{ChipLayout, Place};
pub use visible::{Part, visible};

use egui::{CentralPanel, Frame, Margin, Panel, RichText, Ui};

use super::{Ctx, icons, kit};
use crate::session::preview::{self, TemplateCommand};
use crate::session::{Command, Room, words};
use focus::Focus;

/// Draws the room.
pub fn template_room_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if ctx.state.preview.shown.is_none() && ctx.state.preview.trouble.is_none() {
        ctx.send(Command::Template(TemplateCommand::Refresh));
    }
    kit::room(ctx, ui, footer, |ctx, ui| {
        toolbar::toolbar_ui(ctx, ui);
        ui.add_space(4.0);
        notes(ctx, ui);
        audit::audit_ui(ctx, ui);
        panes(ctx, ui);
    });
}

/// Editor, rendered text, tokens, beside each other; the borders can be dragged.
fn panes(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let focus = Focus::begin(ui);
    let mut next = None;
    let third = (ui.available_width() / 3.0).max(160.0);
    let pane = |margin: Margin| Frame::new().inner_margin(margin);
    Panel::left("template editor pane")
        .frame(pane(Margin {
            right: 8,
            ..Margin::ZERO
        }))
        .default_size(third)
        .size_range(160.0..=third * 1.8)
        .show(ui, |ui| editor::editor_ui(ctx, ui, &focus, &mut next));
    Panel::right("token pane")
        .frame(pane(Margin {
            left: 8,
            ..Margin::ZERO
        }))
        .default_size(third)
        .size_range(160.0..=third * 1.8)
        .show(ui, |ui| chips::tokens_ui(ctx, ui, &focus, &mut next));
    CentralPanel::no_frame()
        .frame(pane(Margin::symmetric(8, 0)))
        .show(ui, |ui| middle::middle_ui(ctx, ui, &focus, &mut next));
    Focus::end(ui, next);
}

/// What the user should know of this row, above the panes.
fn notes(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(shown) = &ctx.state.preview.shown else {
        return;
    };
    let row = preview::row(ctx.state);
    let mut notes = shown.notes(&row, ctx.state.recipe.recipe.data.max_length);
    notes.extend(prompt::note(ctx));
    for note in &notes {
        let (icon, colour) = match note.warning {
            true => (icons::WARNING, ctx.theme.warn()),
            false => (icons::INFO, ctx.theme.muted()),
        };
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(icon).color(colour));
            ui.label(&note.text);
        });
    }
    if !notes.is_empty() {
        ui.add_space(4.0);
    }
}

fn footer(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let rows = ctx.state.data.len();
    if ctx.state.model.selected.is_none() {
        if kit::primary(ui, ctx.theme, "Pick a model", None).clicked() {
            ctx.send(Command::Go(Room::Model));
        }
        ui.label(kit::muted(
            ctx.theme,
            "Tokens and the model's own template need a model.",
        ));
    } else if rows == 0 {
        if kit::primary(ui, ctx.theme, "Open data", None).clicked() {
            ctx.send(Command::Go(Room::Data));
        }
        ui.label(kit::muted(ctx.theme, "This is an example row: no data is open yet."));
    } else {
        let label = format!("Train on {}", words::count(rows, "conversation"));
        let broken = ctx
            .state
            .preview
            .trouble
            .as_ref()
            .map(|_| "The template cannot render this row. Mend it first.");
        if kit::primary(ui, ctx.theme, &label, broken).clicked() {
            ctx.send(Command::Go(Room::Train));
        }
    }
}

/// The title of a pane; `right` is laid out from the right end.
fn pane_title(ui: &mut Ui, ctx: &mut Ctx<'_>, title: &str, right: impl FnOnce(&mut Ctx<'_>, &mut Ui)) {
    pane_head(ui, ctx, |ctx, ui| kit::caption(ui, ctx.theme, title), right);
}

/// The line over a pane: `left` and, from the right end, `right`.
fn pane_head(
    ui: &mut Ui,
    ctx: &mut Ctx<'_>,
    left: impl FnOnce(&mut Ctx<'_>, &mut Ui),
    right: impl FnOnce(&mut Ctx<'_>, &mut Ui),
) {
    ui.horizontal(|ui| {
        ui.set_min_height(26.0);
        left(ctx, ui);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| right(ctx, ui));
    });
}
