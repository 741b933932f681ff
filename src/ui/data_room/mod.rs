//! The Data room: the rows of the open file in a table, the selected conversation beside it.
mod conversation;
mod histograms;
mod strip;
mod table;

use egui::Ui;

use super::frame::no_drop_reason;
use super::{Ctx, icons, kit};
use crate::session::{Command, DataCommand, Room};

/// Draws the room.
pub fn data_room_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if ctx.state.data.set.is_none() {
        kit::room(ctx, ui, footer, nothing_yet);
        return;
    }
    let place = (kit::Side::Right, 400.0, 280.0..=720.0);
    kit::side_panel(ctx, ui, "conversation", place, conversation::conversation_ui);
    kit::room(ctx, ui, footer, |ctx, ui| {
        egui::Panel::bottom("histograms")
            .frame(egui::Frame::new().inner_margin(egui::Margin {
                top: 8,
                ..egui::Margin::ZERO
            }))
            .show_separator_line(false)
            .show(ui, |ui| histograms::histograms_ui(ctx, ui));
        strip::strip_ui(ctx, ui);
        ui.add_space(8.0);
        table::table_ui(ctx, ui);
    });
}

fn footer(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let state = ctx.state;
    let blocked = if state.data.is_empty() {
        Some("Open a data file first.")
    } else {
        None
    };
    if kit::primary(ui, ctx.theme, "See tokens", blocked).clicked() {
        ctx.send(Command::Go(Room::Template));
    }
    if state.data.set.is_some() {
        if kit::button(ui, icons::FILE, "Open file...").clicked() {
            ctx.send(Command::Data(DataCommand::OpenDialog));
        }
        if kit::quiet(ui, "", "Close")
            .on_hover_text("Forgets the file; nothing is deleted")
            .clicked()
        {
            ctx.send(Command::Data(DataCommand::Close));
        }
    }
}

fn nothing_yet(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if let Some(path) = &ctx.state.data.reading {
        ui.centered_and_justified(|ui| {
            ui.label(kit::muted(ctx.theme, format!("Reading {}", path.display())));
        });
        return;
    }
    let state = kit::Empty {
        icon: icons::TABLE,
        title: "Examples to learn from",
        sentence: "Each row is a conversation or a prompt with its answer: .jsonl, .json or .txt.",
        button: "Open data file...",
    };
    let opened = kit::empty(ui, ctx.theme, state, |ui| {
        ui.label(kit::muted(
            ctx.theme,
            no_drop_reason().unwrap_or("Or drop a file anywhere on the window."),
        ));
        ui.add_space(4.0);
        path(ctx, ui);
        ui.add_space(20.0);
        samples(ctx, ui);
    });
    if opened.is_some_and(|r| r.clicked()) {
        ctx.send(Command::Data(DataCommand::OpenDialog));
    }
}

fn path(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let text = ctx.state.data.path_text.clone();
    // vertical_centered gives a horizontal row the whole width: a fixed one keeps it in the middle.
    ui.allocate_ui(egui::vec2(370.0, 28.0), |ui| {
        let (edited, entered) = kit::path_field(ui, "Data file path", "or type the file's path", &text, "Open");
        if let Some(edited) = edited {
            ctx.send(Command::Data(DataCommand::PathText(edited)));
        } else if entered {
            ctx.send(Command::Open(vec![text.trim().into()]));
        }
    });
}

fn samples(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let state = ctx.state;
    if state.data.samples.is_empty() {
        return;
    }
    kit::caption(ui, ctx.theme, "Samples for the starter");
    for sample in &state.data.samples {
        if kit::link(ui, ctx.theme, &sample.about).clicked() {
            ctx.send(Command::Data(DataCommand::OpenSample(sample.file.clone())));
        }
    }
}
