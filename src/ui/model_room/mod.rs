//! The Model room: cards of the base models that are known, and the details of the selected one.

mod download;
mod hub_list;
mod questions;

use egui::{ScrollArea, Ui};

pub use download::sentence;

use super::frame::no_drop_reason;
use super::{Ctx, icons, kit};
use crate::session::words::{bytes, parameters, thousands};
use crate::session::{Command, ModelCard, ModelCommand, Room};

/// Draws the room.
pub fn model_room_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    questions::questions_ui(ctx, ui);
    details(ctx, ui);
    kit::room(ctx, ui, footer, |ctx, ui| {
        header(ctx, ui);
        ui.add_space(12.0);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            download::downloads_ui(ctx, ui);
            cards(ctx, ui);
            ui.add_space(16.0);
            other_ways(ctx, ui);
            ui.add_space(16.0);
            hub_list::hub_ui(ctx, ui);
        });
    });
}

fn header(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    kit::heading(
        ui,
        ctx.theme,
        "Model",
        "The base that is going to learn. Its weights stay as they are; the run adds to them.",
    );
}

fn footer(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let (label, command) = if ctx.state.data.is_empty() {
        ("Choose data", Command::Go(Room::Data))
    } else {
        ("See tokens", Command::Go(Room::Template))
    };
    let blocked = ctx.state.model.card().is_none().then_some("Pick a model first.");
    if kit::primary(ui, ctx.theme, label, blocked).clicked() {
        ctx.send(command);
    }
    if kit::button(ui, icons::ROCKET, "Try it with the starter and a sample")
        .on_hover_text("Picks the starter, loads the manners sample, trains and opens the chat")
        .clicked()
    {
        ctx.send(Command::TryIt);
    }
}

fn cards(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let state = ctx.state;
    let width = 252.0;
    let rows = egui::Layout::left_to_right(egui::Align::TOP).with_main_wrap(true);
    ui.with_layout(rows, |ui| {
        ui.spacing_mut().item_spacing = egui::vec2(12.0, 12.0);
        for card in &state.model.cards {
            let size = egui::vec2(width, 132.0);
            ui.allocate_ui_with_layout(size, egui::Layout::top_down(egui::Align::Min), |ui| one(ctx, ui, card));
        }
    });
    for path in &state.model.reading {
        ui.horizontal(|ui| {
            ui.spinner();
            ui.label(kit::muted(ctx.theme, format!("Reading {path}")));
        });
    }
}

fn one(ctx: &mut Ctx<'_>, ui: &mut Ui, card: &ModelCard) {
    let theme = ctx.theme;
    let selected = ctx.state.model.selected.as_ref() == Some(&card.path);
    let response = kit::selectable_card(ui, theme, &card.name, selected, |ui| {
        ui.set_min_height(106.0);
        ui.spacing_mut().item_spacing.y = 3.0;
        ui.horizontal(|ui| {
            ui.label(kit::strong(&card.name).size(14.0));
            if selected {
                ui.colored_label(theme.accent(), icons::CHECK_CIRCLE);
            }
        });
        let about = if card.path == "starter" {
            "Comes with Burnish, no download"
        } else {
            card.path.as_str()
        };
        ui.add(egui::Label::new(kit::muted(theme, about).small()).truncate());
        ui.add_space(6.0);
        let template = if card.has_template {
            "own template"
        } else {
            "no template"
        };
        kit::figure(ui, theme, "Parameters", parameters(card.parameters));
        kit::figure(ui, theme, "Architecture", &card.architecture);
        kit::figure(
            ui,
            theme,
            "Context",
            format!("{} tokens, {template}", thousands(card.context as u64)),
        );
    });
    if response.clicked() {
        ctx.send(Command::Model(ModelCommand::Select(card.path.clone())));
    }
}

fn other_ways(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let theme = ctx.theme;
    kit::caption(ui, theme, "Another model");
    let hint = no_drop_reason().unwrap_or("Or drop it anywhere on the window.");
    ui.horizontal(|ui| {
        if kit::button(ui, icons::FOLDER, "Open folder...").clicked() {
            ctx.send(Command::Model(ModelCommand::OpenDialog));
        }
        if kit::button(ui, icons::FILE, "Open GGUF file...").clicked() {
            ctx.send(Command::Model(ModelCommand::OpenFileDialog));
        }
        ui.label(kit::muted(theme, hint));
    });
    let text = &ctx.state.model.path_text;
    let (edited, entered) = kit::path_field(ui, "Model path", "or type the path", text, "Open");
    if let Some(edited) = edited {
        ctx.send(Command::Model(ModelCommand::PathText(edited)));
    } else if entered {
        ctx.send(Command::Model(ModelCommand::Open(text.trim().to_string())));
    }
    ui.label(
        kit::muted(
            theme,
            "A Hugging Face folder (config.json, tokenizer.json, .safetensors) or a .gguf file.",
        )
        .small(),
    );
}

fn details(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(card) = ctx.state.model.card().cloned() else {
        return;
    };
    let place = (kit::Side::Right, 264.0, 220.0..=420.0);
    kit::side_panel(ctx, ui, "model details", place, |ctx, ui| {
        let theme = ctx.theme;
        ui.label(kit::strong(&card.name).size(15.0));
        ui.label(kit::muted(theme, &card.path).small());
        ui.add_space(12.0);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            kit::group(ui, theme, "Size", |ui| {
                kit::figure(ui, theme, "Parameters", thousands(card.parameters));
                kit::figure(ui, theme, "Weight files", bytes(card.bytes));
                let loaded = ctx.state.model.loaded.as_ref().filter(|(path, _)| *path == card.path);
                if let Some((_, stored)) = loaded {
                    ui.label(kit::muted(theme, stored));
                }
            });
            kit::group(ui, theme, "Configuration", |ui| {
                for (name, value) in &card.details {
                    kit::figure(ui, theme, name, value);
                }
            });
            kit::group(ui, theme, "Template", |ui| {
                let text = if card.has_template {
                    "The model ships a chat template; it is used unless you choose another."
                } else {
                    "A base without a chat template: ChatML is used unless you choose another."
                };
                ui.label(text);
            });
        });
    });
}
