//! The figures of one step: beside the pointer, and in a card with the step's rows. Knows figures, not curves.

use egui::{Grid, PopupAnchor, Response, ScrollArea, Tooltip, Ui};

use super::super::charts::number;
use super::super::{Ctx, icons, kit};
use crate::session::words::{bytes, count, thousands};
use crate::session::{Command, Curves, LiveCommand, Measure, Room};

/// Rows of a step that are listed.
const SHOWN: usize = 64;
/// Spikes that are listed.
const SPIKES: usize = 10;

/// Names and values of all series at the step of a place.
fn figures(curves: &Curves, at: usize) -> Vec<(String, String)> {
    let step = &curves.steps[at];
    let mut figures = vec![("Loss".into(), format!("{:.4}", step.loss))];
    figures.push(("Smoothed loss".into(), format!("{:.4}", step.smoothed)));
    figures.push(("Perplexity".into(), number(step.smoothed.exp())));
    if let Some(eval) = curves.evals.iter().rev().find(|e| e.step <= step.step) {
        figures.push((
            format!("Held out, step {}", thousands(eval.step as u64)),
            format!("{:.4}", eval.loss),
        ));
        if let Some(entropy) = eval.entropy {
            figures.push(("Entropy, held out".into(), format!("{entropy:.3} nats")));
        }
    }
    figures.push(("Learning rate".into(), number(step.lr)));
    let mut known = |name: String, measure, words: &dyn Fn(f64) -> String| {
        if let Some(value) = curves.value(measure, at) {
            figures.push((name, words(value)));
        }
    };
    known("Gradient norm".into(), Measure::Norm, &number);
    for (i, group) in curves.groups().enumerate() {
        known(format!("Norm of {group}"), Measure::GroupNorm(i), &number);
    }
    known("Tokens per second".into(), Measure::Speed, &number);
    known("Tokens learned".into(), Measure::Share, &|share| {
        format!("{share:.1} %")
    });
    known("Memory".into(), Measure::Memory, &|size| bytes(size as u64));
    figures
}

fn title(curves: &Curves, at: usize) -> String {
    let step = &curves.steps[at];
    format!("Step {}, epoch {:.2}", thousands(step.step as u64), step.epoch)
}

/// The figures of a step beside the pointer.
pub fn tooltip(ctx: &Ctx<'_>, ui: &Ui, response: &Response, at: usize) {
    let curves = &ctx.state.run.curves;
    let tip = Tooltip::always_open(ui.ctx().clone(), response.layer_id, response.id, PopupAnchor::Pointer);
    tip.gap(14.0).show(|ui| {
        ui.label(kit::strong(title(curves, at)));
        ui.spacing_mut().interact_size.y = 16.0;
        table(ctx, ui, curves, at);
        ui.label(kit::muted(ctx.theme, "Click for the rows, draw a box to zoom.").small());
    });
}

fn table(ctx: &Ctx<'_>, ui: &mut Ui, curves: &Curves, at: usize) {
    Grid::new("figures of a step")
        .num_columns(2)
        .spacing([16.0, 2.0])
        .min_row_height(16.0)
        .show(ui, |ui| {
            for (name, value) in figures(curves, at) {
                ui.label(kit::muted(ctx.theme, name));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| ui.label(value));
                ui.end_row();
            }
        });
}

/// The step that was clicked, with the rows that it learned from.
pub fn step_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let curves = &ctx.state.run.curves;
    let Some(at) = ctx.state.live.step.and_then(|step| curves.place(step)) else {
        return;
    };
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
                if kit::icon_button(ui, icons::X, "Close the step").clicked() {
                    ctx.send(Command::Live(LiveCommand::Step(None)));
                }
                neighbours(ctx, ui, at);
            });
        });
        rows(ctx, ui, at);
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

fn rows(ctx: &mut Ctx<'_>, ui: &mut Ui, at: usize) {
    let rows = ctx.state.run.curves.rows(at);
    let all = rows.len();
    if all == 0 {
        let text = "The rows of this step were not recorded: the run was made by an earlier version, or imported.";
        ui.label(kit::muted(ctx.theme, text));
        return;
    }
    let rows: Vec<(usize, usize)> = rows.take(SHOWN).collect();
    ui.label(kit::muted(ctx.theme, format!("Learned from {}:", count(all, "row"))));
    ScrollArea::vertical()
        .id_salt("rows of a step")
        .max_height(120.0)
        .show(ui, |ui| {
            for (file, row) in rows {
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

/// The steps whose loss was far above the usual, newest first; a click opens one.
pub fn spikes_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let curves = &ctx.state.run.curves;
    let spikes = &curves.spikes.list;
    if spikes.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
        ui.spacing_mut().interact_size.y = 20.0;
        let tip = "Steps whose loss was far above the usual, newest first.";
        ui.label(kit::strong("Spikes").size(12.0).color(ctx.theme.muted()))
            .on_hover_text(tip);
        for spike in spikes.iter().rev().take(SPIKES) {
            let step = &curves.steps[spike.at];
            let label = format!("Step {}: {:.2}", thousands(step.step as u64), step.loss);
            let open = ctx.state.live.step == Some(step.step);
            let response = ui.selectable_label(open, egui::RichText::new(&label).small());
            let tip = format!("Usual at that time: {:.2}. Click to see the rows.", spike.usual);
            if response.on_hover_text(tip).clicked() {
                ctx.send(Command::Live(LiveCommand::Step((!open).then_some(step.step))));
            }
        }
        if spikes.len() > SPIKES {
            ui.label(kit::muted(ctx.theme, format!("and {} more", spikes.len() - SPIKES)).small());
        }
    });
}
