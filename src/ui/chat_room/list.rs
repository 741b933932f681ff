//! The kept chats at the left. Knows their names, not what was said.

use egui::{Align, Layout, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use super::super::{Ctx, icons, kit};
use crate::session::Command;
use crate::session::chats::{Chat, ChatCommand};

/// Draws the list.
pub fn list_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if kit::button(ui, icons::PLUS, "New chat").clicked() {
        ctx.send(Command::Chat(ChatCommand::New));
    }
    ui.add_space(6.0);
    if let Some(deleted) = &ctx.state.chats.keeping.deleted {
        egui::Panel::bottom("deleted chat")
            .show_separator_line(false)
            .frame(egui::Frame::new().inner_margin(egui::Margin {
                top: 6,
                ..egui::Margin::ZERO
            }))
            .show(ui, |ui| {
                ui.add(egui::Label::new(kit::muted(ctx.theme, format!("\"{}\" is in the bin.", deleted.name))).wrap());
                if kit::link(ui, ctx.theme, "Undo").clicked() {
                    ctx.send(Command::Chat(ChatCommand::UndoDelete));
                }
            });
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        // The newest stands on top.
        for chat in ctx.state.chats.chats.iter().rev() {
            row(
                ctx.theme,
                ctx.out,
                ui,
                chat,
                ctx.state.chats.open == Some(chat.id),
                ctx.state.chats.is_busy(chat.id),
            );
        }
    });
}

fn row(theme: &super::super::Theme, out: &mut Vec<Command>, ui: &mut Ui, chat: &Chat, open: bool, busy: bool) {
    let size = vec2(ui.available_width(), 28.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let name = if chat.name.trim().is_empty() {
        "Unnamed"
    } else {
        &chat.name
    };
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, open, format!("Chat: {name}")));
    let over = ui.rect_contains_pointer(rect);
    if open || over {
        let fill = if open { theme.selected() } else { theme.hover() };
        ui.painter().rect_filled(rect, 4.0, fill);
    }
    if response.clicked() {
        out.push(Command::Chat(ChatCommand::Open(chat.id)));
    }
    let mut inner = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(rect.shrink2(vec2(8.0, 0.0)))
            .layout(Layout::right_to_left(Align::Center)),
    );
    // The button is there for keyboards and screen readers too, but seen only where it is needed.
    inner.scope(|ui| {
        if !over && !open {
            ui.set_opacity(0.0);
        }
        if kit::icon_button(ui, icons::TRASH, &format!("Delete {name}")).clicked() {
            out.push(Command::Chat(ChatCommand::Delete(chat.id)));
        }
    });
    if busy {
        inner.add(egui::Spinner::new().size(12.0));
    }
    inner.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.add(egui::Label::new(name).truncate().selectable(false));
    });
}
