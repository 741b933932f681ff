//! During and after a run: progress, charts, samples, the log.

use egui::{ScrollArea, Ui};

use super::super::{Ctx, icons, kit};
use super::{charts, log, timeline};
use crate::session::words::{bytes, duration, thousands};
use crate::session::{Command, PictureCommand, PictureOf, RunPhase, RunState, TrainCommand};

/// Draws the run.
pub fn progress_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    header(ctx, ui);
    ui.add_space(8.0);
    ScrollArea::vertical().id_salt("run").auto_shrink(false).show(ui, |ui| {
        // The last mark of an axis stands half outside its chart.
        ui.set_max_width(ui.available_width() - 12.0);
        if !ctx.state.run.curves.steps.is_empty() {
            charts::charts_ui(ctx, ui);
            ui.add_space(12.0);
        }
        ui.columns(2, |columns| {
            timeline::timeline_ui(ctx, &mut columns[0]);
            log::log_ui(ctx, &mut columns[1]);
        });
    });
}

fn header(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let run = &ctx.state.run;
    ui.horizontal(|ui| {
        ui.heading(&run.name);
        phase(ctx, ui);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if run.curves.steps.is_empty() {
                return;
            }
            if kit::icon_button(ui, icons::EXPORT, "Save a picture of the charts...").clicked() {
                ctx.out.push(Command::Picture(PictureCommand::Ask(PictureOf::Run)));
            }
            if kit::icon_button(ui, icons::COPY, "Copy the numbers as CSV").clicked() {
                ctx.out.push(Command::Train(TrainCommand::CopyCsv));
            }
        });
    });
    if let RunPhase::Broken(message) = &run.phase {
        kit::card(ui, ctx.theme, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.colored_label(ctx.theme.error(), icons::WARNING_CIRCLE);
                ui.label(message);
            });
            if let Some((step, path)) = &run.checkpoint {
                ui.label(kit::muted(
                    ctx.theme,
                    format!("The checkpoint of step {step} is safe: {}", path.display()),
                ));
            }
        });
    }
    kit::progress(ui, ctx.theme, "Run", run.progress(), 0.0);
    figures(ctx, ui, run);
}

fn phase(ctx: &Ctx<'_>, ui: &mut Ui) {
    let theme = ctx.theme;
    let (colour, text) = match &ctx.state.run.phase {
        RunPhase::None => return,
        RunPhase::Preparing => (theme.accent(), "preparing"),
        RunPhase::Training => (theme.accent(), "training"),
        RunPhase::Paused => (theme.warn(), "paused"),
        RunPhase::Suspended => (theme.warn(), "paused, memory free"),
        RunPhase::Stopping => (theme.warn(), "stopping"),
        RunPhase::Finished => (theme.ok(), "finished"),
        RunPhase::Broken(_) => (theme.error(), "stopped unexpectedly"),
    };
    kit::badge(ui, colour, text);
}

fn figures(ctx: &Ctx<'_>, ui: &mut Ui, run: &RunState) {
    let mut parts = Vec::new();
    match (&run.stage, run.steps()) {
        (Some((stage, done, total)), 0) if *total > 0 => {
            parts.push(format!("{stage} {} / {}", thousands(*done), thousands(*total)));
        }
        (Some((stage, ..)), 0) => parts.push(stage.clone()),
        (None, 0) => parts.push("Starting the worker".into()),
        (_, steps) => parts.push(format!(
            "Step {} / {}",
            thousands(run.step() as u64),
            thousands(steps as u64)
        )),
    }
    if let Some(last) = run.curves.steps.last() {
        parts.push(format!("epoch {:.2}", last.epoch));
        parts.push(format!("loss {:.3}", last.smoothed));
    }
    if let Some(eval) = run.curves.evals.last() {
        parts.push(format!("held-out loss {:.3}", eval.loss));
    }
    if run.curves.tokens_per_second() > 0.0 {
        parts.push(format!("{} tokens/s", thousands(run.curves.tokens_per_second() as u64)));
    }
    if let Some(last) = run.curves.steps.last().filter(|s| s.memory > 0 && run.is_active()) {
        parts.push(format!("{} in use", bytes(last.memory)));
    }
    if let Some(left) = run.seconds_left().filter(|_| run.phase == RunPhase::Training) {
        parts.push(format!("{} left", duration(left)));
    }
    if let Some(result) = &run.result {
        parts.push(format!("took {}", duration(result.seconds)));
        if result.peak_memory > 0 {
            parts.push(format!("peak memory {}", bytes(result.peak_memory)));
        }
    }
    ui.label(kit::muted(ctx.theme, parts.join("   ")));
}
