//! The Template room: editor, rendered text and token stream of the selected row.

use super::Ctx;

/// Draws the room.
pub fn template_room_ui(_ctx: &mut Ctx<'_>, ui: &mut egui::Ui) {
    ui.heading("Template");
}
