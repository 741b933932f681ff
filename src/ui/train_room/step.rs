//! One step with the rows that it was made of, and the steps that stand out. Knows steps, not curves.

use egui::{RichText, ScrollArea, Ui};

use super::super::{Ctx, icons, kit};
use super::readout::title;
use crate::session::words::{count, thousands};
use crate::session::{Command, Curves, LiveCommand, Room, SkippedStep};

/// Rows of a step that are listed.
const SHOWN: usize = 64;
/// Spikes that are listed.
const SPIKES: usize = 10;

/// The step that was clicked, with the rows that it learned from.
pub fn step_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let curves = &ctx.state.run.curves;
    let Some(step) = ctx.state.live.step else { return };
    if let Some(skipped) = curves.skipped.iter().find(|s| s.step == step) {
        return skipped_ui(ctx, ui, skipped);
    }
    let Some(at) = curves.place(step) else { return };
    kit::card(ui, ctx.theme, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(kit::strong(title(curves, at)));
            let loss = curves.steps[at].loss;
            ui.label(kit::muted(
                ctx.theme,
                format!("loss {loss:.4}, usual {:.4}", usual(curves, at)),
            ));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                close(ctx, ui);
                neighbours(ctx, ui, at);
            });
        });
        rows(ctx, ui, curves.rows(at).collect());
    });
    ui.add_space(8.0);
}

fn close(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if kit::icon_button(ui, icons::X, "Close the step").clicked() {
        ctx.send(Command::Live(LiveCommand::Step(None)));
    }
}

/// A step that was left out: why, and its rows.
fn skipped_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, skipped: &SkippedStep) {
    kit::card(ui, ctx.theme, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(kit::strong(format!(
                "Step {} was skipped",
                thousands(skipped.step as u64)
            )));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| close(ctx, ui));
        });
        ui.label(&skipped.reason);
        rows(ctx, ui, skipped.rows.clone());
    });
    ui.add_space(8.0);
}

/// What the loss was to be before the step.
fn usual(curves: &Curves, at: usize) -> f64 {
    let before = at.checked_sub(1).map(|i| curves.steps[i].smoothed);
    before.unwrap_or(curves.steps[at].loss)
}

/// To the steps beside it, from right to left.
fn neighbours(ctx: &mut Ctx<'_>, ui: &mut Ui, at: usize) {
    let steps = &ctx.state.run.curves.steps;
    let places = [
        (icons::CARET_RIGHT, "Next step", steps.get(at + 1)),
        (
            icons::CARET_LEFT,
            "Previous step",
            at.checked_sub(1).and_then(|i| steps.get(i)),
        ),
    ];
    for (icon, name, step) in places {
        let clicked = ui
            .add_enabled_ui(step.is_some(), |ui| kit::icon_button(ui, icon, name).clicked())
            .inner;
        if let Some(step) = step.filter(|_| clicked) {
            ctx.out.push(Command::Live(LiveCommand::Step(Some(step.step))));
        }
    }
}

fn rows(ctx: &mut Ctx<'_>, ui: &mut Ui, rows: Vec<(usize, usize)>) {
    let all = rows.len();
    if all == 0 {
        let text = "The rows of this step were not recorded: the run was made by an earlier version, or imported.";
        ui.label(kit::muted(ctx.theme, text));
        return;
    }
    ui.label(kit::muted(ctx.theme, format!("Made of {}:", count(all, "row"))));
    ScrollArea::vertical()
        .id_salt("rows of a step")
        .max_height(120.0)
        .show(ui, |ui| {
            for (file, row) in rows.into_iter().take(SHOWN) {
                row_ui(ctx, ui, file, row);
            }
            if all > SHOWN {
                ui.label(kit::muted(
                    ctx.theme,
                    format!("and {} more", thousands((all - SHOWN) as u64)),
                ));
            }
        });
}

fn row_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, file: usize, row: usize) {
    let recipe = ctx.state.run.recipe.as_ref();
    let files = recipe.map_or(&[][..], |r| r.data.files.as_slice());
    let name = files.get(file).and_then(|path| path.file_name());
    let name = name.map_or_else(
        || format!("file {}", file + 1),
        |name| name.to_string_lossy().into_owned(),
    );
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        let said = format!("Row {}", thousands(row as u64 + 1));
        ui.allocate_ui(egui::vec2(64.0, 18.0), |ui| {
            ui.set_min_width(64.0);
            ui.label(&said);
        });
        let mut go = |ui: &mut Ui, label: String, room| {
            if kit::link(ui, ctx.theme, &label).clicked() {
                ctx.out.push(Command::Live(LiveCommand::OpenRow { file, row, room }));
            }
        };
        go(ui, format!("Show {} in Data", said.to_lowercase()), Room::Data);
        ui.add_space(8.0);
        go(ui, format!("Tokens of {}", said.to_lowercase()), Room::Template);
        ui.add_space(8.0);
        ui.add(egui::Label::new(kit::muted(ctx.theme, name).small()).truncate());
    });
}

/// The steps that were left out and those whose loss was far above the usual, newest first; a click opens one.
pub fn spikes_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let curves = &ctx.state.run.curves;
    let spikes = &curves.spikes.list;
    if spikes.is_empty() && curves.skipped.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
        ui.spacing_mut().interact_size.y = 20.0;
        let tip = "Steps whose loss was far above the usual, or not a number, newest first.";
        ui.label(kit::strong("Spikes").size(12.0).color(ctx.theme.muted()))
            .on_hover_text(tip);
        for skipped in curves.skipped.iter().rev().take(SPIKES) {
            let label = format!("Step {}: skipped", thousands(skipped.step as u64));
            let text = RichText::new(label).color(ctx.theme.error());
            chip(ctx, ui, skipped.step, text, &skipped.reason);
        }
        for spike in spikes.iter().rev().take(SPIKES) {
            let step = &curves.steps[spike.at];
            let label = format!("Step {}: {:.2}", thousands(step.step as u64), step.loss);
            let tip = format!("Usual at that time: {:.2}. Click to see the rows.", spike.usual);
            chip(ctx, ui, step.step, RichText::new(label), &tip);
        }
        if spikes.len() > SPIKES {
            ui.label(kit::muted(ctx.theme, format!("and {} more", spikes.len() - SPIKES)).small());
        }
    });
}

/// A step that opens and closes by a click.
fn chip(ctx: &mut Ctx<'_>, ui: &mut Ui, step: usize, text: RichText, tip: &str) {
    let open = ctx.state.live.step == Some(step);
    if ui.selectable_label(open, text.small()).on_hover_text(tip).clicked() {
        ctx.send(Command::Live(LiveCommand::Step((!open).then_some(step))));
    }
}
