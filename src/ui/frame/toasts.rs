//! Short notes of what just succeeded, and the newest problem until it was seen.

use std::time::Duration;

use egui::{Align2, Area, Color32, Frame, Id, Margin, Order, Stroke, Ui, vec2};

use super::super::{Ctx, Theme, icons, kit};
use crate::session::{Command, Problem, ShellCommand};

/// Seconds that a note stays.
const STAYS: f64 = 4.0;

/// Draws notes above the footer of the room.
pub fn toasts_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let state = ctx.state;
    let unseen = state.problems.list.iter().rev().find(|p| !p.seen);
    let unseen = unseen.filter(|_| !state.nav.problems);
    if state.problems.toasts.is_empty() && unseen.is_none() {
        return;
    }
    let area = Area::new(Id::unique("toasts")).order(Order::Foreground);
    let area = area.anchor(Align2::CENTER_BOTTOM, vec2(38.0, -90.0));
    area.accessible_name("Notes").show(ui.ctx(), |ui| {
        for toast in &state.problems.toasts {
            if expired(ui, toast.id) {
                ctx.send(Command::Shell(ShellCommand::DismissProblem(toast.id)));
            }
            note(
                ui,
                ctx.theme,
                ctx.theme.ok(),
                icons::CHECK_CIRCLE,
                &toast.message,
                |_| {},
            );
        }
        if let Some(problem) = unseen {
            let theme = ctx.theme;
            note(
                ui,
                theme,
                theme.error(),
                icons::WARNING_CIRCLE,
                &problem.message,
                |ui| answers(ctx, ui, problem),
            );
        }
    });
}

fn answers(ctx: &mut Ctx<'_>, ui: &mut Ui, problem: &Problem) {
    if let Some(way) = problem.ways.first()
        && kit::button(ui, "", &way.label).clicked()
    {
        ctx.send(Command::Shell(ShellCommand::DismissProblem(problem.id)));
        ctx.send(way.command.clone());
    }
    if kit::icon_button(ui, icons::X, "Put this into the list of problems").clicked() {
        ctx.send(Command::Shell(ShellCommand::SeenProblem(problem.id)));
    }
}

fn note(ui: &mut Ui, theme: &Theme, colour: Color32, icon: &str, message: &str, buttons: impl FnOnce(&mut Ui)) {
    let frame = Frame::new()
        .fill(theme.raised())
        .stroke(Stroke::new(1.0, colour))
        .corner_radius(6)
        .shadow(ui.visuals().popup_shadow)
        .inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.colored_label(colour, icon);
            // A long message wraps beside its buttons, not under them.
            let font = egui::TextStyle::Body.resolve(ui.style());
            let galley = ui.painter().layout(message.to_string(), font, theme.text(), 440.0);
            ui.label(galley);
            buttons(ui);
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
