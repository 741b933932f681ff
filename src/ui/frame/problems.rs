//! The list behind the bell: what went wrong, each with its ways out.

use egui::{Align2, Area, Frame, Id, Order, ScrollArea, Ui, vec2};

use super::super::{Ctx, icons, kit};
use crate::session::{Command, Problem, ShellCommand};

/// Draws the list when it is open.
pub fn problems_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if !ctx.state.nav.problems {
        return;
    }
    let area = Area::new(Id::unique("problems"))
        .order(Order::Foreground)
        .anchor(Align2::RIGHT_TOP, vec2(-12.0, 42.0));
    area.accessible_name("Problems").show(ui.ctx(), |ui| {
        Frame::window(ui.style()).show(ui, |ui| {
            ui.set_width(400.0);
            content(ctx, ui);
        });
    });
}

fn content(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    ui.horizontal(|ui| {
        ui.label(kit::strong("Problems"));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if kit::icon_button(ui, icons::X, "Close the list").clicked() {
                ctx.send(Command::Shell(ShellCommand::ToggleProblems));
            }
            if !ctx.state.problems.list.is_empty() && kit::link(ui, ctx.theme, "Clear all").clicked() {
                ctx.send(Command::Shell(ShellCommand::ClearProblems));
            }
        });
    });
    let state = ctx.state;
    if state.problems.list.is_empty() {
        ui.label(kit::muted(ctx.theme, "Nothing went wrong."));
        return;
    }
    ScrollArea::vertical().max_height(420.0).show(ui, |ui| {
        for problem in state.problems.list.iter().rev() {
            ui.separator();
            one(ctx, ui, problem);
        }
    });
}

fn one(ctx: &mut Ctx<'_>, ui: &mut Ui, problem: &Problem) {
    ui.horizontal_top(|ui| {
        ui.colored_label(ctx.theme.error(), icons::WARNING_CIRCLE);
        ui.vertical(|ui| {
            ui.label(&problem.message);
            ui.horizontal_wrapped(|ui| {
                for way in &problem.ways {
                    if kit::button(ui, "", &way.label).clicked() {
                        ctx.send(Command::Shell(ShellCommand::DismissProblem(problem.id)));
                        ctx.send(Command::Shell(ShellCommand::Escape));
                        ctx.send(way.command.clone());
                    }
                }
                if kit::link(ui, ctx.theme, "Dismiss").clicked() {
                    ctx.send(Command::Shell(ShellCommand::DismissProblem(problem.id)));
                }
            });
        });
    });
}
