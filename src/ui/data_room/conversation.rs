//! The selected conversation as bubbles, and its JSON behind a tab.

use egui::{Frame, Margin, RichText, ScrollArea, Stroke, Ui};

use super::super::{Ctx, icons, kit};
use crate::data::{Conversation, Message};
use crate::session::words::thousands;
use crate::session::{Command, DataCommand};

/// Draws the side panel.
pub fn conversation_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let state = ctx.state;
    let Some(conversation) = state.data.conversation() else {
        ui.label(kit::muted(ctx.theme, "Select a row to read it here."));
        return;
    };
    ui.horizontal(|ui| {
        let line = thousands(conversation.source.line as u64);
        ui.label(kit::strong(format!("Line {line}")));
        if kit::icon_button(ui, icons::ARROW_LEFT, "Previous row").clicked() {
            ctx.send(Command::Data(DataCommand::Step(-1)));
        }
        if kit::icon_button(ui, icons::ARROW_RIGHT, "Next row").clicked() {
            ctx.send(Command::Data(DataCommand::Step(1)));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let tabs = [(true, "JSON"), (false, "Conversation")];
            // Laid out from the right: the last comes first.
            for (raw, label) in tabs {
                if ui.selectable_label(state.data.show_raw == raw, label).clicked() {
                    ctx.send(Command::Data(DataCommand::ShowRaw(raw)));
                }
            }
        });
    });
    ui.add_space(8.0);
    ScrollArea::vertical()
        .id_salt(("conversation", state.data.selected))
        .auto_shrink(false)
        .show(ui, |ui| {
            if state.data.show_raw {
                raw(ui, conversation);
            } else {
                conversation
                    .messages
                    .iter()
                    .for_each(|message| bubble(ctx, ui, message));
            }
        });
}

fn bubble(ctx: &Ctx<'_>, ui: &mut Ui, message: &Message) {
    let theme = ctx.theme;
    let colour = theme.role(message.role);
    let frame = Frame::new()
        .fill(theme.raised())
        .stroke(Stroke::new(1.0, theme.line()))
        .corner_radius(6)
        .inner_margin(Margin {
            left: 12,
            right: 10,
            top: 6,
            bottom: 8,
        });
    let shown = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.horizontal(|ui| {
            ui.label(RichText::new(message.role.as_str()).small().color(colour));
            if let Some(name) = &message.name {
                ui.label(kit::muted(theme, name).small());
            }
            if let Some(weight) = message.weight {
                ui.label(kit::muted(theme, format!("weight {weight}")).small());
            }
        });
        if let Some(reasoning) = &message.reasoning {
            ui.label(kit::muted(theme, reasoning).italics());
        }
        ui.label(&message.content);
        if let Some(calls) = &message.tool_calls {
            ui.label(
                RichText::new(calls.to_string())
                    .monospace()
                    .color(theme.role(crate::data::Role::Tool)),
            );
        }
    });
    // A bar in the speaker's colour: the shape says "message", the colour who.
    let rect = shown.response.rect;
    let bar = egui::Rect::from_min_size(rect.left_top(), egui::vec2(3.0, rect.height()));
    ui.painter().rect_filled(
        bar,
        egui::CornerRadius {
            nw: 6,
            sw: 6,
            ne: 0,
            se: 0,
        },
        colour,
    );
    ui.add_space(6.0);
}

fn raw(ui: &mut Ui, conversation: &Conversation) {
    let id = egui::Id::unique(("raw", &conversation.source.row, &*conversation.source.file));
    let cached = ui.data(|d| d.get_temp::<std::sync::Arc<String>>(id));
    let text = cached.unwrap_or_else(|| {
        let text = std::sync::Arc::new(as_json(conversation));
        ui.data_mut(|d| d.insert_temp(id, text.clone()));
        text
    });
    ui.label(RichText::new(text.as_str()).monospace());
}

/// What a file of the messages schema would hold for this row.
fn as_json(conversation: &Conversation) -> String {
    let mut row = serde_json::json!({ "messages": conversation.messages });
    if let Some(documents) = &conversation.documents {
        row["documents"] = documents.clone();
    }
    if let Some(tools) = &conversation.tools {
        row["tools"] = tools.clone();
    }
    serde_json::to_string_pretty(&row).unwrap_or_default()
}
