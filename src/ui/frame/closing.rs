//! The question before the window closes during a run.

use egui::{Id, Modal, Ui};

use super::super::{Ctx, kit};
use crate::session::words::count;
use crate::session::{Command, ShellCommand};

/// Asks whether training goes on.
pub fn closing_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if !ctx.state.nav.asking_to_close {
        return;
    }
    let shown = Modal::new(Id::unique("closing"))
        .frame(egui::Frame::window(ui.style()).inner_margin(20))
        .show(ui.ctx(), |ui| {
            ui.set_width(400.0);
            ui.heading("Keep training in the background?");
            ui.add_space(4.0);
            let name = &ctx.state.run.name;
            ui.label(format!(
                "{name} is at step {} of {}. It can go on without the window; the next start shows it again.",
                ctx.state.run.step(),
                ctx.state.run.steps()
            ));
            let waiting = ctx.state.queue.entries.len();
            if waiting > 0 {
                let wait = if waiting == 1 { "waits" } else { "wait" };
                ui.label(format!(
                    "{} {wait} in the queue: also started without the window, but held if you stop training now.",
                    count(waiting, "run")
                ));
            }
            ui.add_space(12.0);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if kit::primary(ui, ctx.theme, "Keep training", None).clicked() {
                    ctx.send(Command::Shell(ShellCommand::CloseAnswer { keep: true }));
                }
                if kit::button(ui, "", "Stop and keep the result").clicked() {
                    ctx.send(Command::Shell(ShellCommand::CloseAnswer { keep: false }));
                }
                if kit::quiet(ui, "", "Cancel").clicked() {
                    ctx.send(Command::Shell(ShellCommand::Escape));
                }
            });
        });
    if shown.should_close() {
        ctx.send(Command::Shell(ShellCommand::Escape));
    }
}
