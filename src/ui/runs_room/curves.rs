//! The losses of the selected runs over each other.

use egui::{Grid, Id, PopupAnchor, Response, Tooltip, Ui};

use super::super::charts::{
    Axis, Picture, Track, axis_name, chart_ui, legend_entry, legend_mark, number, position, shortened,
};
use super::super::{Ctx, icons, kit};
use super::{send, table};
use crate::session::runs::{RunEntry, RunsCommand};
use crate::session::{Along, Chart, Command, Curves, Measure, PictureCommand, PictureOf, RunState};

/// More runs than this are drawn without the loss of each step.
const RAW: usize = 3;

/// What lines and points are.
const LINES: &str = "Lines: training, smoothed. Points: held out.";
/// The upright axis of a picture.
const LOSS: &str = "Loss, nats a token";
/// Height of the chart of a picture.
const PORTRAIT: f32 = 460.0;

/// A selected run with its curves and colour.
struct Shown<'a> {
    entry: &'a RunEntry,
    curves: &'a Curves,
    colour: egui::Color32,
}

/// Draws the curves with their legend.
pub fn curves_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let state = ctx.state;
    head(ctx, ui);
    let all: Vec<Shown<'_>> = state.runs.picked.iter().filter_map(|dir| shown(ctx, dir)).collect();
    legend(ctx, ui, &all);
    let along = state.runs.along;
    let drawn: Vec<&Shown<'_>> = all.iter().filter(|run| is_drawn(ctx, run)).collect();
    without(ctx, ui, &all);
    if drawn.is_empty() {
        let waiting = all.len() < state.runs.picked.len();
        let text = if waiting {
            "Reading the events."
        } else {
            "There is nothing to draw."
        };
        ui.label(kit::muted(ctx.theme, text));
        return;
    }
    let picture = picture(ctx, &drawn, (ui.available_height() - 4.0).max(110.0));
    let tracks = tracks(&drawn, along, picture.view, ui.available_width() as usize);
    let key = Id::unique("runs cursor");
    let cursor = ui.data(|d| d.get_temp::<Option<f64>>(key)).flatten();
    let width = ui.available_width() - 14.0;
    let answer = ui.scope(|ui| {
        // The last mark of the axis stands half outside.
        ui.set_max_width(width);
        chart_ui(ui, ctx.theme, &picture, tracks, cursor)
    });
    let answer = answer.inner;
    ui.data_mut(|d| d.insert_temp(key, answer.hovered));
    if let Some(x) = answer.hovered {
        tooltip(ctx, ui, &answer.response, &drawn, x);
    }
    if let Some(zoom) = answer.zoomed {
        send(ctx, RunsCommand::Zoom(zoom));
    }
}

fn picture(ctx: &Ctx<'_>, drawn: &[&Shown<'_>], height: f32) -> Picture<'static> {
    let (along, look) = (ctx.state.runs.along, &ctx.state.runs.look);
    // A little more at both ends, so that the first and the last point are seen whole.
    let end = 1.015 * drawn.iter().map(|run| run.curves.end(along)).fold(0.0, f64::max);
    Picture {
        chart: Chart::Loss,
        name: "Losses of the selected runs",
        height,
        logarithmic: look.logarithmic,
        along: Axis::Run(along),
        view: look.zoom.map_or((-0.01 * end, end), |zoom| zoom.along),
        zoom: look.zoom,
        number,
    }
}

/// Draws the curves as a picture to be kept: names, axes and legend in it, nothing to click.
pub fn portrait(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let along = ctx.state.runs.along;
    let all: Vec<Shown<'_>> = ctx.state.runs.picked.iter().filter_map(|dir| shown(ctx, dir)).collect();
    let drawn: Vec<&Shown<'_>> = all.iter().filter(|run| is_drawn(ctx, run)).collect();
    kit::caption(ui, ctx.theme, LOSS);
    ui.horizontal_wrapped(|ui| {
        for run in &drawn {
            legend_mark(ui, ctx.theme, run.colour, &run.entry.name);
        }
        ui.label(kit::muted(ctx.theme, LINES).small());
    });
    let picture = picture(ctx, &drawn, PORTRAIT);
    let tracks = tracks(&drawn, along, picture.view, ui.available_width() as usize);
    chart_ui(ui, ctx.theme, &picture, tracks, None);
    axis_name(ui, ctx.theme, axis_of(along));
}

/// Is a run switched on, and has it anything along the axis?
fn is_drawn(ctx: &Ctx<'_>, run: &Shown<'_>) -> bool {
    let runs = &ctx.state.runs;
    runs.look.shows(&key(run.entry)) && run.curves.end(runs.along) > 0.0
}

fn axis_of(along: Along) -> &'static str {
    match along {
        Along::Steps => "Steps",
        Along::Tokens => "Tokens",
        Along::Time => "Time",
    }
}

/// The run that is being trained is shown as it is now, the others as they were read.
fn shown<'a>(ctx: &Ctx<'a>, dir: &std::path::Path) -> Option<Shown<'a>> {
    let runs = &ctx.state.runs;
    let entry = runs.entry(dir)?;
    let live: Option<&RunState> = Some(&ctx.state.run).filter(|run| run.dir.as_deref() == Some(dir) && run.is_active());
    let run = live.or_else(|| runs.opened.get(dir).map(|run| &**run))?;
    Some(Shown {
        entry,
        curves: &run.curves,
        colour: table::colour_of(ctx.theme, entry),
    })
}

/// What a run's curve is called among those that are switched off.
fn key(run: &RunEntry) -> String {
    run.dir
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn head(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    ui.horizontal(|ui| {
        kit::caption(ui, ctx.theme, "Loss over");
        let choices = [
            (Along::Steps, "Steps"),
            (Along::Tokens, "Tokens"),
            (Along::Time, "Time"),
        ];
        if let Some(along) = kit::segmented(ui, ctx.state.runs.along, &choices) {
            send(ctx, RunsCommand::Along(along));
        }
        ui.add_space(8.0);
        let choices = [(false, "Linear"), (true, "Logarithmic")];
        if let Some(on) = kit::segmented(ui, ctx.state.runs.look.logarithmic, &choices) {
            send(ctx, RunsCommand::Logarithmic(on));
        }
        if ctx.state.runs.look.zoom.is_some() && kit::link(ui, ctx.theme, "Show everything").clicked() {
            send(ctx, RunsCommand::Zoom(None));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if kit::icon_button(ui, icons::EXPORT, "Save a picture of the curves...").clicked() {
                ctx.send(Command::Picture(PictureCommand::Ask(PictureOf::Runs)));
            }
        });
    });
}

fn legend(ctx: &mut Ctx<'_>, ui: &mut Ui, runs: &[Shown<'_>]) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().interact_size.y = 18.0;
        for run in runs {
            let on = ctx.state.runs.look.shows(&key(run.entry));
            if legend_entry(ui, ctx.theme, run.colour, &shortened(&run.entry.name, 28), on) {
                send(ctx, RunsCommand::ToggleCurve(key(run.entry)));
            }
        }
        ui.label(kit::muted(ctx.theme, LINES).small());
    });
}

/// Names runs that have nothing along this axis.
fn without(ctx: &Ctx<'_>, ui: &mut Ui, runs: &[Shown<'_>]) {
    let along = ctx.state.runs.along;
    let lacking = runs
        .iter()
        .filter(|run| !run.curves.steps.is_empty() && run.curves.end(along) <= 0.0);
    let names: Vec<&str> = lacking.map(|run| run.entry.name.as_str()).collect();
    if !names.is_empty() {
        let what = if along == Along::Time { "times" } else { "tokens" };
        let text = format!("{}: {what} are not recorded.", names.join(", "));
        ui.label(kit::muted(ctx.theme, text).small());
    }
}

fn tracks(runs: &[&Shown<'_>], along: Along, view: (f64, f64), pixels: usize) -> Vec<Track> {
    let mut tracks = Vec::new();
    if runs.len() <= RAW {
        for run in runs {
            let points = run.curves.line(Measure::Loss, along, view, pixels);
            tracks.push(Track::line(run.colour.gamma_multiply(0.3), 1.0, points));
        }
    }
    for run in runs {
        let points = run.curves.line(Measure::Smoothed, along, view, pixels);
        tracks.push(Track::line(run.colour, 1.8, points));
        let evals = run
            .curves
            .evals
            .iter()
            .map(|e| [run.curves.eval_position(along, e), e.loss]);
        let inside = evals.filter(|point| (view.0..=view.1).contains(&point[0]));
        tracks.push(Track::dots(run.colour, inside.collect()));
    }
    tracks
}

fn tooltip(ctx: &Ctx<'_>, ui: &Ui, response: &Response, runs: &[&Shown<'_>], x: f64) {
    let along = ctx.state.runs.along;
    let tip = Tooltip::always_open(ui.ctx().clone(), response.layer_id, response.id, PopupAnchor::Pointer);
    tip.gap(14.0).show(|ui| {
        ui.spacing_mut().interact_size.y = 16.0;
        let what = match along {
            Along::Steps => format!("Step {}", position(along, x)),
            Along::Tokens => format!("After {} tokens", position(along, x)),
            Along::Time => format!("After {}", position(along, x)),
        };
        ui.label(kit::strong(what));
        Grid::new("losses")
            .num_columns(3)
            .spacing([14.0, 2.0])
            .min_row_height(16.0)
            .show(ui, |ui| {
                for run in runs {
                    if x > run.curves.end(along) {
                        continue;
                    }
                    let Some(at) = run.curves.nearest(along, x) else {
                        continue;
                    };
                    let step = &run.curves.steps[at];
                    ui.colored_label(run.colour, shortened(&run.entry.name, 28));
                    ui.label(number(step.smoothed));
                    let eval = run.curves.evals.iter().rev().find(|e| e.step <= step.step);
                    let held_out = eval.map(|e| format!("held out {}", number(e.loss))).unwrap_or_default();
                    ui.label(kit::muted(ctx.theme, held_out));
                    ui.end_row();
                }
            });
    });
}
