//! The field for the next message. Enter sends, Shift+Enter breaks the line. Knows drafts.

use egui::{Align, Id, Key, KeyboardShortcut, Layout, Margin, Modifiers, Rect, TextEdit, Ui, UiBuilder, vec2};

use super::super::{Ctx, icons, kit};
use crate::session::Command;
use crate::session::chats::ChatCommand;

/// Height of a line of the field.
const LINE: f32 = 17.0;
/// Width kept for the button.
const BUTTON: f32 = 84.0;

/// Draws the composer with its button.
pub fn composer_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let chats = &ctx.state.chats;
    let busy = chats.open.is_some_and(|id| chats.is_busy(id));
    let before = chats.current().map(|c| c.draft.clone()).unwrap_or_default();
    let mut text = before.clone();
    if ctx.state.run.is_active() {
        ui.label(kit::muted(
            ctx.theme,
            "Training goes on: answers come more slowly meanwhile.",
        ));
    }
    let lines = text.split('\n').count().clamp(1, 8);
    let size = vec2(ui.available_width(), lines as f32 * LINE + 18.0);
    let (_, rect) = ui.allocate_space(size);
    let (left, right) = rect.split_left_right_at_x(rect.right() - BUTTON);
    let left = left.with_max_x(left.right() - 8.0);
    field(ctx, ui, left, &mut text, busy);
    let right = right.with_min_y(right.bottom() - 32.0);
    let below = UiBuilder::new()
        .max_rect(right)
        .layout(Layout::right_to_left(Align::Center));
    ui.scope_builder(below, |ui| button(ctx, ui, &text, busy));
    if text != before {
        // Before Send, so that a message that was typed and sent in one frame is sent whole.
        ctx.out.insert(0, Command::Chat(ChatCommand::Draft(text)));
    }
}

fn button(ctx: &mut Ctx<'_>, ui: &mut Ui, text: &str, busy: bool) {
    if busy {
        let stopping = ctx.state.chats.flight.as_ref().is_some_and(|f| f.stopping);
        let words = if stopping { "Stopping" } else { "Stop" };
        let response = ui
            .add_enabled_ui(!stopping, |ui| kit::button(ui, icons::STOP, words))
            .inner;
        if response.on_hover_text("End the answer (Esc)").clicked() {
            ctx.send(Command::Chat(ChatCommand::Stop));
        }
        return;
    }
    let blocked = text.trim().is_empty().then_some("Type a message first.");
    if kit::primary(ui, ctx.theme, "Send", blocked).clicked() {
        ctx.send(Command::Chat(ChatCommand::Send));
    }
}

fn field(ctx: &mut Ctx<'_>, ui: &mut Ui, rect: Rect, text: &mut String, busy: bool) {
    let inside = UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::LEFT));
    let response = ui
        .scope_builder(inside, |ui| {
            let field = TextEdit::multiline(text)
                .id(Id::unique("composer"))
                .hint_text("Message (Enter sends, Shift+Enter breaks the line)")
                .margin(Margin::symmetric(10, 8))
                .desired_rows(1)
                .desired_width(rect.width())
                .return_key(KeyboardShortcut::new(Modifiers::SHIFT, Key::Enter));
            egui::ScrollArea::vertical().show(ui, |ui| ui.add(field)).inner
        })
        .inner
        .accessible_name("Message");
    let enter = |i: &egui::InputState| i.key_pressed(Key::Enter) && !i.modifiers.shift;
    if response.has_focus() && !busy && !text.trim().is_empty() && ui.input(enter) {
        ctx.send(Command::Chat(ChatCommand::Send));
    }
    if busy && ui.input(|i| i.key_pressed(Key::Escape)) {
        ctx.send(Command::Chat(ChatCommand::Stop));
    }
}
