//! The turns of the branch that is shown: the user's message over the answers of the columns. Knows turns.

use egui::{Align, Frame, Key, Layout, Margin, ScrollArea, TextEdit, Ui, vec2};

use super::super::{Ctx, icons, kit};
use super::bubble;
use crate::data::Role;
use crate::session::Command;
use crate::session::chats::{Chat, ChatCommand};

/// Draws the conversation; it stays at its end while answers grow.
pub fn thread_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(chat) = ctx.state.chats.current() else {
        return;
    };
    let path = chat.path();
    ScrollArea::vertical()
        .id_salt(("thread", chat.id))
        .auto_shrink(false)
        .stick_to_bottom(true)
        .show(ui, |ui| {
            for turn in &path {
                ui.push_id(("turn", *turn), |ui| {
                    user_ui(ctx, ui, chat, *turn);
                    answers(ctx, ui, chat, *turn);
                });
                ui.add_space(10.0);
            }
            last_line(ctx, ui, chat);
        });
}

fn answers(ctx: &mut Ctx<'_>, ui: &mut Ui, chat: &Chat, turn: usize) {
    let columns = ctx.state.chats.columns();
    ui.columns(columns.len(), |uis| {
        for (ui, column) in uis.iter_mut().zip(columns) {
            let place = crate::session::chats::Place {
                chat: chat.id,
                turn,
                column: *column,
            };
            match chat.turns[turn].reply(*column) {
                Some(reply) => bubble::reply_ui(ctx, ui, place, reply),
                None => bubble::unasked_ui(ctx, ui, place),
            }
        }
    });
}

fn user_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, chat: &Chat, turn: usize) {
    let editing = ctx
        .state
        .chats
        .focus
        .edit
        .as_ref()
        .filter(|e| e.turn == turn)
        .map(|e| e.text.clone());
    let frame = Frame::new()
        .stroke(egui::Stroke::new(1.0, ctx.theme.role(Role::User).gamma_multiply(0.6)))
        .corner_radius(6)
        .inner_margin(Margin::symmetric(10, 6));
    frame.show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        // As high as its buttons, so that nothing jumps when they come and go.
        ui.set_min_height(26.0);
        match editing {
            Some(text) => edit_ui(ctx, ui, text),
            None => {
                ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
                    if !ctx.state.chats.is_busy(chat.id)
                        && kit::icon_button(ui, icons::PENCIL, "Edit message").clicked()
                    {
                        ctx.send(Command::Chat(ChatCommand::Edit(turn)));
                    }
                    versions(ctx, ui, chat, turn);
                    let width = ui.available_width();
                    ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::LEFT), |ui| {
                        ui.add_space(5.0);
                        ui.add(egui::Label::new(&chat.turns[turn].user).wrap());
                    });
                });
            }
        }
    });
}

/// Steps through what the user sent at this point, laid out from the right.
fn versions(ctx: &mut Ctx<'_>, ui: &mut Ui, chat: &Chat, turn: usize) {
    let versions = chat.versions(turn);
    let Some(at) = versions.iter().position(|v| *v == turn).filter(|_| versions.len() > 1) else {
        return;
    };
    let mut show = None;
    ui.add_enabled_ui(at + 1 < versions.len(), |ui| {
        if kit::icon_button(ui, icons::ARROW_RIGHT, "Next version").clicked() {
            show = versions.get(at + 1).copied();
        }
    });
    let words = kit::muted(ctx.theme, format!("{} of {}", at + 1, versions.len()));
    ui.add_sized([44.0, 26.0], egui::Label::new(words));
    ui.add_enabled_ui(at > 0, |ui| {
        if kit::icon_button(ui, icons::ARROW_LEFT, "Previous version").clicked() {
            show = at.checked_sub(1).map(|i| versions[i]);
        }
    });
    if let Some(turn) = show {
        ctx.send(Command::Chat(ChatCommand::ShowVersion(turn)));
    }
}

fn edit_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, before: String) {
    let mut text = before.clone();
    let field = TextEdit::multiline(&mut text)
        .desired_rows(2)
        .desired_width(f32::INFINITY);
    ui.add(field).accessible_name("Edited message");
    if text != before {
        ctx.send(Command::Chat(ChatCommand::EditText(text.clone())));
    }
    let (send_key, leave_key) = ui.input(|i| {
        (
            i.modifiers.command && i.key_pressed(Key::Enter),
            i.key_pressed(Key::Escape),
        )
    });
    ui.horizontal(|ui| {
        let blocked = text.trim().is_empty().then_some("Type a message first.");
        let send = kit::primary(ui, ctx.theme, "Send as new branch", blocked);
        if send.clicked() || (send_key && blocked.is_none()) {
            ctx.send(Command::Chat(ChatCommand::EditSend));
        }
        if kit::button(ui, "", "Cancel").clicked() || leave_key {
            ctx.send(Command::Chat(ChatCommand::EditCancel));
        }
    });
}

fn last_line(ctx: &mut Ctx<'_>, ui: &mut Ui, chat: &Chat) {
    if ctx.state.chats.is_busy(chat.id) {
        return;
    }
    ui.horizontal(|ui| {
        let tip = "Ask again with the next seed; at temperature 0 the answer stays the same.";
        if kit::quiet(ui, icons::ARROW_CLOCKWISE, "Regenerate")
            .on_hover_text(tip)
            .clicked()
        {
            ctx.send(Command::Chat(ChatCommand::Regenerate));
        }
    });
}
