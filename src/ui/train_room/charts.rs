//! The curves of the run that goes on: the loss large, the others below it, one cursor and one zoom for all.

use egui::{Color32, Id, Ui};

use super::super::charts::{Answer, Axis, Picture, Track, chart_ui, legend_entry, number};
use super::super::{Ctx, kit};
use super::{readout, step};
use crate::session::words::bytes;
use crate::session::{Along, Chart, Command, Curves, LiveCommand, Measure};

/// Names of the curves of the loss, as the legend has them.
pub(super) const RAW: &str = "each step";
pub(super) const SMOOTHED: &str = "smoothed";
pub(super) const HELD_OUT: &str = "held out";
/// Name of the norm of all gradients together.
const ALL: &str = "all";
/// Height of a small chart.
const SMALL: f32 = 112.0;

/// Draws the loss large and the other curves small below it.
pub fn charts_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let key = Id::unique("run cursor");
    let cursor = ui.data(|d| d.get_temp::<Option<f64>>(key)).flatten();
    let mut answers = Vec::new();
    loss_legend(ctx, ui);
    answers.push(loss(ctx, ui, cursor));
    step::spikes_ui(ctx, ui);
    step::step_ui(ctx, ui);
    ui.add_space(6.0);
    ui.columns(2, |columns| {
        norm_legend(ctx, &mut columns[0]);
        answers.push(norms(ctx, &mut columns[0], cursor));
        legend_line(&mut columns[1], |ui| {
            kit::caption(ui, ctx.theme, "Learning rate");
        });
        let lines = vec![(Measure::Rate, ctx.theme.series().rate.0)];
        answers.push(small(
            ctx,
            &mut columns[1],
            (Chart::Rate, "Learning rate over steps", number),
            lines,
            cursor,
        ));
    });
    ui.add_space(6.0);
    let curves = &ctx.state.run.curves;
    ui.columns(lesser_count(ctx), |columns| lesser(ctx, columns, cursor, &mut answers));
    let hovered = answers.iter().find_map(|answer| answer.hovered);
    ui.data_mut(|d| d.insert_temp(key, hovered.map(|x| snapped(curves, x))));
    if hovered != cursor {
        ui.ctx().request_repaint();
    }
    for (i, answer) in answers.into_iter().enumerate() {
        take(ctx, ui, answer, i == 0);
    }
}

/// The step next to a position.
fn snapped(curves: &Curves, x: f64) -> f64 {
    curves
        .nearest(Along::Steps, x)
        .map_or(x, |at| curves.position(Along::Steps, at))
}

/// Does what the pointer did. Steps are opened in the first chart only: the others stand below what opens.
fn take(ctx: &mut Ctx<'_>, ui: &Ui, answer: Answer, opens: bool) {
    let curves = &ctx.state.run.curves;
    if let Some(zoom) = answer.zoomed {
        ctx.send(Command::Live(LiveCommand::Zoom(zoom)));
    } else if let Some(at) = answer
        .clicked
        .filter(|_| opens)
        .and_then(|x| curves.nearest(Along::Steps, x))
    {
        ctx.send(Command::Live(LiveCommand::Step(Some(curves.steps[at].step))));
    }
    if let Some(at) = answer.hovered.and_then(|x| curves.nearest(Along::Steps, x)) {
        readout::tooltip(ctx, ui, &answer.response, (at, opens));
    }
}

/// What is in view of the steps.
fn view(ctx: &Ctx<'_>) -> (f64, f64) {
    let run = &ctx.state.run;
    let end = (run.steps().max(run.step()) as f64).max(1.0);
    // A point at step 0 is seen whole.
    let all = (-0.008 * end, end);
    ctx.state.live.look.zoom.map_or(all, |zoom| zoom.along)
}

fn loss_legend(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let series = ctx.theme.series();
    ui.horizontal_wrapped(|ui| {
        kit::caption(ui, ctx.theme, "Loss");
        ui.add_space(4.0);
        entries(
            ctx,
            ui,
            &[(RAW, series.train.0.gamma_multiply(0.5)), (SMOOTHED, series.train.0)],
        );
        if !ctx.state.run.curves.evals.is_empty() {
            entries(ctx, ui, &[(HELD_OUT, series.eval.0)]);
        }
        let look = &ctx.state.live.look;
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            // From right to left.
            let choices = [(true, "Logarithmic"), (false, "Linear")];
            for (on, label) in choices {
                if ui.selectable_label(look.logarithmic == on, label).clicked() {
                    ctx.out.push(Command::Live(LiveCommand::Logarithmic(on)));
                }
            }
            if look.zoom.is_some() && kit::link(ui, ctx.theme, "Show all steps").clicked() {
                ctx.out.push(Command::Live(LiveCommand::Zoom(None)));
            }
        });
    });
}

fn entries(ctx: &mut Ctx<'_>, ui: &mut Ui, names: &[(&str, Color32)]) {
    for (name, colour) in names {
        let on = ctx.state.live.look.shows(name);
        if legend_entry(ui, ctx.theme, *colour, name, on) {
            ctx.send(Command::Live(LiveCommand::Toggle((*name).to_owned())));
        }
    }
}

pub(super) fn loss(ctx: &Ctx<'_>, ui: &mut Ui, cursor: Option<f64>) -> Answer {
    let (series, look) = (ctx.theme.series(), &ctx.state.live.look);
    let curves = &ctx.state.run.curves;
    let view = view(ctx);
    let height = (ui.ctx().content_rect().height() * 0.3).clamp(150.0, 340.0);
    let pixels = ui.available_width() as usize;
    let line = |measure| curves.line(measure, Along::Steps, view, pixels);
    let mut tracks = Vec::new();
    if look.shows(RAW) {
        tracks.push(Track::line(
            series.train.0.gamma_multiply(0.35),
            1.0,
            line(Measure::Loss),
        ));
    }
    if look.shows(SMOOTHED) {
        tracks.push(Track::line(series.train.0, 1.8, line(Measure::Smoothed)));
    }
    if look.shows(HELD_OUT) {
        let inside = curves
            .evals
            .iter()
            .filter(|e| (view.0..=view.1).contains(&(e.step as f64)));
        let points = inside.map(|e| [e.step as f64, e.loss]).collect();
        tracks.push(Track::dots(series.eval.0, points));
    }
    let picture = Picture {
        chart: Chart::Loss,
        name: "Loss over steps",
        height,
        logarithmic: look.logarithmic,
        along: Axis::Run(Along::Steps),
        view,
        zoom: look.zoom,
        number,
    };
    chart_ui(ui, ctx.theme, &picture, tracks, cursor)
}

/// The legend name of a group of weights.
fn group_name(group: &str) -> String {
    format!("norm of {group}")
}

/// The line over a chart, as high with a legend as without.
pub(super) fn legend_line(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().interact_size.y = 18.0;
        content(ui);
    });
}

pub(super) fn norm_legend(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    legend_line(ui, |ui| {
        kit::caption(ui, ctx.theme, "Gradient norm");
        let groups: Vec<String> = ctx.state.run.curves.groups().map(str::to_owned).collect();
        if groups.is_empty() {
            return;
        }
        let mut entry = |name: &str, key: String, colour| {
            let on = ctx.state.live.look.shows(&key);
            if legend_entry(ui, ctx.theme, colour, name, on) {
                ctx.out.push(Command::Live(LiveCommand::Toggle(key)));
            }
        };
        entry(ALL, group_name(ALL), ctx.theme.text());
        for (i, group) in groups.iter().enumerate() {
            entry(group, group_name(group), ctx.theme.palette(i));
        }
    });
}

pub(super) fn norms(ctx: &Ctx<'_>, ui: &mut Ui, cursor: Option<f64>) -> Answer {
    let groups: Vec<&str> = ctx.state.run.curves.groups().collect();
    let look = &ctx.state.live.look;
    let alone = if groups.is_empty() {
        ctx.theme.series().norm.0
    } else {
        ctx.theme.text()
    };
    let mut lines = Vec::new();
    if groups.is_empty() || look.shows(&group_name(ALL)) {
        lines.push((Measure::Norm, alone));
    }
    for (i, group) in groups.iter().enumerate() {
        if look.shows(&group_name(group)) {
            lines.push((Measure::GroupNorm(i), ctx.theme.palette(i)));
        }
    }
    small(
        ctx,
        ui,
        (Chart::Norm, "Gradient norm over steps", number),
        lines,
        cursor,
    )
}

/// How many charts [`lesser`] draws beside each other.
pub(super) fn lesser_count(ctx: &Ctx<'_>) -> usize {
    let entropy = ctx.state.run.curves.evals.iter().any(|e| e.entropy.is_some());
    3 + usize::from(entropy)
}

pub(super) fn lesser(ctx: &Ctx<'_>, columns: &mut [Ui], cursor: Option<f64>, answers: &mut Vec<Answer>) {
    type Small = (Chart, &'static str, fn(f64) -> String, Measure, Color32);
    let series = ctx.theme.series();
    let charts: [Small; 3] = [
        (
            Chart::Speed,
            "Tokens per second",
            number,
            Measure::Speed,
            series.speed.0,
        ),
        (
            Chart::Share,
            "Share of tokens learned",
            percent,
            Measure::Share,
            series.share.0,
        ),
        (Chart::Memory, "Memory", size, Measure::Memory, series.memory.0),
    ];
    for (ui, (chart, name, words, measure, colour)) in columns.iter_mut().zip(charts) {
        kit::caption(ui, ctx.theme, name);
        if ctx.state.run.curves.has(measure) {
            answers.push(small(ctx, ui, (chart, name, words), vec![(measure, colour)], cursor));
        } else {
            ui.label(kit::muted(ctx.theme, "Was not recorded in this run."));
        }
    }
    if let Some(ui) = columns.get_mut(charts.len()) {
        kit::caption(ui, ctx.theme, "Entropy, held out");
        answers.push(entropy(ctx, ui, cursor));
    }
}

fn entropy(ctx: &Ctx<'_>, ui: &mut Ui, cursor: Option<f64>) -> Answer {
    let view = view(ctx);
    let evals = &ctx.state.run.curves.evals;
    let points: Vec<[f64; 2]> = evals.iter().filter_map(|e| Some([e.step as f64, e.entropy?])).collect();
    let colour = ctx.theme.series().eval.0;
    let tracks = vec![Track::line(colour, 1.0, points.clone()), Track::dots(colour, points)];
    let picture = small_picture(ctx, (Chart::Entropy, "Entropy on held-out rows", number), view);
    chart_ui(ui, ctx.theme, &picture, tracks, cursor)
}

fn small_picture<'a>(
    ctx: &Ctx<'_>,
    (chart, name, number): (Chart, &'a str, fn(f64) -> String),
    view: (f64, f64),
) -> Picture<'a> {
    Picture {
        chart,
        name,
        height: SMALL,
        logarithmic: false,
        along: Axis::Run(Along::Steps),
        view,
        zoom: ctx.state.live.look.zoom,
        number,
    }
}

pub(super) fn small(
    ctx: &Ctx<'_>,
    ui: &mut Ui,
    what: (Chart, &str, fn(f64) -> String),
    lines: Vec<(Measure, Color32)>,
    cursor: Option<f64>,
) -> Answer {
    let view = view(ctx);
    let pixels = ui.available_width() as usize;
    let track = |(measure, colour)| {
        let points = ctx.state.run.curves.line(measure, Along::Steps, view, pixels);
        Track::line(colour, 1.5, points)
    };
    let tracks = lines.into_iter().map(track).collect();
    chart_ui(ui, ctx.theme, &small_picture(ctx, what, view), tracks, cursor)
}

fn percent(value: f64) -> String {
    format!("{} %", number(value))
}

fn size(value: f64) -> String {
    bytes(value.max(0.0) as u64)
}
