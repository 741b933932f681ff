//! What stands around every room: breadcrumb, rail, status bar, and what lies over them.
mod breadcrumb;
mod closing;
pub mod dialogs;
mod dropping;
mod palette;
mod problems;
mod rail;
mod shortcuts;
mod status;
mod toasts;
mod typed_path;

pub use dropping::no_drop_reason;
use egui::{CentralPanel, Frame, Ui};

use super::{Ctx, chat_room, data_room, model_room, runs_room, template_room, train_room};
use crate::session::Room;

/// Draws the whole window.
pub fn frame_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    shortcuts::take_shortcuts(ctx, ui);
    breadcrumb::breadcrumb_ui(ctx, ui);
    status::status_ui(ctx, ui);
    rail::rail_ui(ctx, ui);
    CentralPanel::no_frame()
        .frame(Frame::new().fill(ctx.theme.surface()))
        .show(ui, |ui| room_ui(ctx, ui));
    problems::problems_ui(ctx, ui);
    toasts::toasts_ui(ctx, ui);
    dropping::dropping_ui(ctx, ui);
    palette::palette_ui(ctx, ui);
    typed_path::typed_path_ui(ctx, ui);
    closing::closing_ui(ctx, ui);
}

fn room_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    match ctx.state.nav.room {
        Room::Model => model_room::model_room_ui(ctx, ui),
        Room::Data => data_room::data_room_ui(ctx, ui),
        Room::Template => template_room::template_room_ui(ctx, ui),
        Room::Train => train_room::train_room_ui(ctx, ui),
        Room::Chat => chat_room::chat_room_ui(ctx, ui),
        Room::Runs => runs_room::runs_room_ui(ctx, ui),
        // `nav::go` lets nobody in; a settings file of a later version may name them.
        Room::Compare | Room::Export => model_room::model_room_ui(ctx, ui),
    }
}
