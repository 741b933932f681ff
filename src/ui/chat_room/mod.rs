//! The Chat room: base and tuned model beside each other under one composer.

use super::Ctx;

/// Draws the room.
pub fn chat_room_ui(_ctx: &mut Ctx<'_>, ui: &mut egui::Ui) {
    ui.heading("Chat");
}
