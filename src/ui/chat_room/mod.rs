//! The Chat room: base and tuned model beside each other under one composer. Knows chats, not how answers are made.
mod adapters;
mod bubble;
mod composer;
mod empty;
mod inspector;
mod list;
mod settings;
mod thread;

use egui::{CentralPanel, Frame, Margin, Panel, Ui};

use super::{Ctx, icons, kit};
use crate::session::chats::{ChatCommand, Column};
use crate::session::{Command, Room};

/// Draws the room.
pub fn chat_room_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let surface = Frame::new().fill(ctx.theme.surface());
    if ctx.state.model.selected.is_none() {
        CentralPanel::no_frame().frame(surface).show(ui, |ui| no_model(ctx, ui));
        return;
    }
    Panel::left("chat list")
        .frame(surface.inner_margin(Margin::symmetric(8, 12)))
        .default_size(190.0)
        .size_range(140.0..=320.0)
        .show(ui, |ui| list::list_ui(ctx, ui));
    if ctx.state.chats.show_settings {
        Panel::right("chat settings")
            .frame(surface.inner_margin(Margin::symmetric(12, 12)))
            .default_size(250.0)
            .size_range(220.0..=400.0)
            .show(ui, |ui| settings::settings_ui(ctx, ui));
    }
    Panel::bottom("composer")
        .frame(surface.inner_margin(Margin::symmetric(16, 10)))
        .show_separator_line(false)
        .show(ui, |ui| composer::composer_ui(ctx, ui));
    CentralPanel::no_frame()
        .frame(surface.inner_margin(Margin {
            left: 16,
            right: 16,
            top: 12,
            bottom: 0,
        }))
        .show(ui, |ui| {
            header(ctx, ui);
            let has_turns = ctx.state.chats.current().is_some_and(|c| !c.turns.is_empty());
            if has_turns {
                thread::thread_ui(ctx, ui);
            } else {
                empty::empty_ui(ctx, ui);
            }
        });
}

fn no_model(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let state = kit::Empty {
        icon: icons::CHATS,
        title: "Chat with a model",
        sentence: "Ask the base and your tuned model the same question, side by side.",
        button: "Pick a model",
    };
    if kit::empty(ui, ctx.theme, state, |_| {}).is_some_and(|r| r.clicked()) {
        ctx.send(Command::Go(Room::Model));
    }
}

/// Who answers, above the columns.
fn header(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    ui.horizontal(|ui| {
        name_field(ctx, ui);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let words = if ctx.state.chats.show_settings {
                "Hide settings"
            } else {
                "Settings"
            };
            if kit::quiet(ui, icons::SLIDERS, words).clicked() {
                ctx.send(Command::Chat(ChatCommand::ToggleSettings));
            }
        });
    });
    let columns = ctx.state.chats.columns();
    ui.columns(columns.len(), |uis| {
        for (ui, column) in uis.iter_mut().zip(columns) {
            ui.horizontal(|ui| column_title(ctx, ui, *column));
        }
    });
    ui.separator();
}

fn name_field(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(chat) = ctx.state.chats.current() else {
        ui.label(kit::strong("New chat"));
        return;
    };
    let mut name = chat.name.clone();
    let field = egui::TextEdit::singleline(&mut name)
        .font(egui::FontId::new(15.0, super::fonts::strong()))
        .frame(Frame::NONE)
        .align(egui::Align2::LEFT_CENTER);
    let size = egui::vec2((ui.available_width() - 130.0).max(80.0), 26.0);
    ui.add_sized(size, field)
        .accessible_name("Chat name")
        .on_hover_text("The chat's name; click to change it");
    if name != chat.name {
        let id = chat.id;
        ctx.send(Command::Chat(ChatCommand::Rename { id, name }));
    }
}

fn column_title(ctx: &mut Ctx<'_>, ui: &mut Ui, column: Column) {
    match column {
        Column::Base => {
            let name = ctx.state.model.card().map(|c| c.name.clone());
            ui.label(kit::strong("Base"));
            let loaded = ctx.state.model.loaded.as_ref();
            let stored = loaded.filter(|(path, _)| Some(path) == ctx.state.model.selected.as_ref());
            let stored = stored.map_or("Not in memory yet", |(_, stored)| stored);
            let name = name.or(ctx.state.model.selected.clone()).unwrap_or_default();
            ui.label(kit::muted(ctx.theme, name)).on_hover_text(stored);
            if ctx.state.chats.adapter.is_none() {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    adapters::adapter_menu(ctx, ui, "Choose adapter");
                    ui.label(kit::muted(ctx.theme, "Nothing tuned to compare with."));
                });
            }
        }
        Column::Tuned => {
            ui.label(kit::strong("Tuned").color(ctx.theme.accent()));
            let name = ctx.state.chats.adapter_name().unwrap_or_default();
            let path = ctx.state.chats.adapter.as_ref().map(|p| p.display().to_string());
            ui.label(kit::muted(ctx.theme, name))
                .on_hover_text(path.unwrap_or_default());
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if kit::icon_button(ui, icons::X, "Close adapter").clicked() {
                    ctx.send(Command::Chat(ChatCommand::CloseAdapter));
                }
                adapters::adapter_menu(ctx, ui, "Choose adapter");
            });
        }
    }
}
