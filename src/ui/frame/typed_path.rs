//! A field for a path where the system shows no file dialogs.

use egui::{Align, Id, Layout, Modal, Ui};

use super::super::{Ctx, kit};
use crate::session::{Command, Dialog, ShellCommand};

/// Draws the field; nothing unless a dialog was wanted that the system could not show.
pub fn typed_path_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some((dialog, text)) = ctx.state.nav.typed_path.clone() else {
        return;
    };
    let send = |ctx: &mut Ctx<'_>, command| ctx.send(Command::Shell(command));
    let shown = Modal::new(Id::unique("typed path"))
        .frame(egui::Frame::window(ui.style()).inner_margin(20))
        .show(ui.ctx(), |ui| {
            ui.set_width(420.0);
            ui.heading(title(dialog));
            ui.add_space(4.0);
            ui.label(
                "This system shows no file dialogs: there is no desktop portal and no zenity. Type the path instead.",
            );
            ui.add_space(8.0);
            let saves = matches!(dialog, Dialog::SaveTemplate | Dialog::SavePicture(_));
            let verb = if saves { "Save" } else { "Open" };
            let (edited, entered) = kit::path_field(ui, "Path", "/home/me/...", &text, verb);
            if let Some(edited) = edited {
                send(ctx, ShellCommand::TypedPath(edited));
            }
            if entered {
                send(ctx, ShellCommand::TypedPathDone);
            }
            ui.add_space(12.0);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if kit::quiet(ui, "", "Cancel").clicked() {
                    send(ctx, ShellCommand::Escape);
                }
            });
        });
    if shown.should_close() {
        send(ctx, ShellCommand::Escape);
    }
}

fn title(dialog: Dialog) -> &'static str {
    match dialog {
        Dialog::DataFile => "Open data file",
        Dialog::ModelFolder => "Open model folder",
        Dialog::ModelFile => "Open GGUF file",
        Dialog::AdapterFolder => "Open adapter folder",
        Dialog::TemplateFile => "Open template",
        Dialog::SaveTemplate => "Save template",
        Dialog::ReplayFiles => "Add a file of general examples",
        Dialog::SavePicture(_) => "Save picture",
        Dialog::TrainerState => "Import trainer_state.json",
    }
}
