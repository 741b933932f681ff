//! Short notes of what just succeeded, and the newest problem until it was seen.

use std::time::Duration;

use egui::{Align2, Area, Frame, Id, Margin, Order, Stroke, Ui, vec2};

use super::super::{Ctx, icons, kit};
use crate::session::{Command, ShellCommand};

/// Seconds that a note stays.
const STAYS: f64 = 4.0;

/// Draws notes above the status bar.
pub fn toasts_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let state = ctx.state;
    let unseen = state
        .problems
        .list
        .iter()
        .rev()
        .find(|p| !p.seen)
        .filter(|_| !state.nav.problems);
    if state.problems.toasts.is_empty() && unseen.is_none() {
        return;
    }
    let area = Area::new(Id::unique("toasts"))
        .order(Order::Foreground)
        .anchor(Align2::LEFT_BOTTOM, vec2(92.0, -44.0));
    area.accessible_name("Notes").show(ui.ctx(), |ui| {
        for toast in &state.problems.toasts {
            if expired(ui, toast.id) {
                ctx.send(Command::Shell(ShellCommand::DismissProblem(toast.id)));
            }
            note(
                ui,
                ctx.theme.ok(),
                ctx,
                |_, ui| {
                    ui.label(&toast.message);
                },
                icons::CHECK_CIRCLE,
            );
        }
        if let Some(problem) = unseen {
            note(
                ui,
                ctx.theme.error(),
                ctx,
                |ctx, ui| {
                    ui.label(&problem.message);
                    if let Some(way) = problem.ways.first()
                        && kit::button(ui, "", &way.label).clicked()
                    {
                        ctx.send(Command::Shell(ShellCommand::DismissProblem(problem.id)));
                        ctx.send(way.command.clone());
                    }
                    if kit::icon_button(ui, icons::X, "Put this into the list of problems").clicked() {
                        ctx.send(Command::Shell(ShellCommand::SeenProblem(problem.id)));
                    }
                },
                icons::WARNING_CIRCLE,
            );
        }
    });
}

fn note(
    ui: &mut Ui,
    colour: egui::Color32,
    ctx: &mut Ctx<'_>,
    content: impl FnOnce(&mut Ctx<'_>, &mut Ui),
    icon: &str,
) {
    let frame = Frame::new()
        .fill(ctx.theme.raised())
        .stroke(Stroke::new(1.0, colour))
        .corner_radius(6)
        .inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_max_width(560.0);
        ui.horizontal(|ui| {
            ui.colored_label(colour, icon);
            ui.with_layout(
                egui::Layout::left_to_right(egui::Align::Center).with_main_wrap(true),
                |ui| content(ctx, ui),
            );
        });
    });
}

/// Was the note shown long enough? Its first frame is remembered here.
fn expired(ui: &Ui, id: u64) -> bool {
    let now = ui.input(|i| i.time);
    let since = ui.data_mut(|d| *d.get_temp_mut_or_insert_with(Id::unique(("toast", id)), || now));
    ui.ctx().request_repaint_after(Duration::from_secs_f64(STAYS));
    now - since > STAYS
}
