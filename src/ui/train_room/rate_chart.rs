//! The losses of a search for a learning rate over the rates that were tried, with the suggestion marked. Knows points, no rule.

use egui::{Grid, Id, PopupAnchor, Response, Tooltip, Ui};

use super::super::charts::{self, Axis, Picture, Track, legend_mark, number};
use super::super::{Ctx, kit};
use crate::protocol::RateTried;
use crate::session::rate::{RateCommand, RateState};
use crate::session::words::small;
use crate::session::{Chart, Command, Zoom};

/// Height of the chart.
const HEIGHT: f32 = 220.0;
/// How much more than the smoothed losses before they broke away is in view.
const HEADROOM: f64 = 0.15;

/// Draws the losses, each step's and smoothed. The pointer reads values, a drawn box zooms.
pub fn chart_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let rate = &ctx.state.rate;
    let suggested = rate.found.and_then(|found| found.suggested);
    legend(ctx, ui, suggested);
    let range = rate.shown_range();
    let all = (range.low.log10() - 0.05, range.high.log10() + 0.05);
    let upright = upright(rate);
    let shown = rate.zoom.unwrap_or(Zoom {
        along: all,
        upright: (Chart::Tried, upright.0, upright.1),
    });
    let picture = Picture {
        chart: Chart::Tried,
        name: "Losses of the rates that were tried",
        height: HEIGHT,
        logarithmic: false,
        along: Axis::Logarithmic,
        view: shown.along,
        zoom: Some(shown),
        number,
    };
    let key = Id::unique("rate cursor");
    let cursor = ui.data(|d| d.get_temp::<Option<f64>>(key)).flatten();
    let tracks = tracks(ctx, suggested, shown);
    let answer = charts::chart_ui(ui, ctx.theme, &picture, tracks, cursor);
    let near = answer.hovered.and_then(|x| nearest(&ctx.state.rate.tried, x)).copied();
    ui.data_mut(|d| d.insert_temp(key, near.map(|tried| tried.lr.log10())));
    if let Some(tried) = near {
        tooltip(ctx, ui, &answer.response, &tried);
    }
    if let Some(zoom) = answer.zoomed {
        ctx.send(Command::Rate(RateCommand::Zoom(zoom)));
    }
}

fn legend(ctx: &Ctx<'_>, ui: &mut Ui, suggested: Option<f64>) {
    let series = ctx.theme.series();
    ui.horizontal_wrapped(|ui| {
        kit::caption(ui, ctx.theme, "Loss over the learning rate");
        ui.add_space(4.0);
        legend_mark(ui, ctx.theme, series.train.0.gamma_multiply(0.5), "each step");
        legend_mark(ui, ctx.theme, series.train.0, "smoothed");
        if let Some(rate) = suggested {
            legend_mark(ui, ctx.theme, ctx.theme.ok(), &format!("suggested: {}", small(rate)));
        }
    });
}

/// Lowest and highest loss in view: what stands before the loss breaks away, and a little of that.
fn upright(rate: &RateState) -> (f64, f64) {
    let least = rate.tried.iter().map(|t| t.loss).fold(f64::INFINITY, f64::min);
    let lowest = rate.found.and_then(|found| found.lowest).unwrap_or(f64::INFINITY);
    let before = rate.tried.iter().filter(|t| t.lr <= lowest);
    let most = before.map(|t| t.smoothed.max(t.loss)).fold(least, f64::max);
    let room = HEADROOM * (most - least).max(0.05 * most.abs());
    (least - room, most + room)
}

fn tracks(ctx: &Ctx<'_>, suggested: Option<f64>, shown: Zoom) -> Vec<Track> {
    let (series, tried) = (ctx.theme.series(), &ctx.state.rate.tried);
    let line = |value: fn(&RateTried) -> f64| tried.iter().map(|t| [t.lr.log10(), value(t)]).collect();
    let mut tracks = vec![
        Track::line(series.train.0.gamma_multiply(0.35), 1.0, line(|t| t.loss)),
        Track::line(series.train.0, 1.8, line(|t| t.smoothed)),
    ];
    if let Some(x) = suggested.map(f64::log10) {
        let (_, low, high) = shown.upright;
        tracks.push(Track::line(ctx.theme.ok(), 1.2, vec![[x, low], [x, high]]));
        let on = nearest(tried, x).map(|t| [x, t.smoothed]);
        tracks.push(Track::dots(ctx.theme.ok(), on.into_iter().collect()));
    }
    tracks
}

/// The rate that was tried next to a position.
fn nearest(tried: &[RateTried], x: f64) -> Option<&RateTried> {
    let distance = |t: &RateTried| (t.lr.log10() - x).abs();
    tried.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

fn tooltip(ctx: &Ctx<'_>, ui: &Ui, response: &Response, tried: &RateTried) {
    let tip = Tooltip::always_open(ui.ctx().clone(), response.layer_id, response.id, PopupAnchor::Pointer);
    tip.gap(14.0).show(|ui| {
        ui.label(kit::strong(format!("Rate {}, step {}", small(tried.lr), tried.step)));
        Grid::new("figures of a rate")
            .num_columns(2)
            .spacing([16.0, 2.0])
            .min_row_height(16.0)
            .show(ui, |ui| {
                for (name, value) in [("Loss", tried.loss), ("Smoothed loss", tried.smoothed)] {
                    ui.label(kit::muted(ctx.theme, name));
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        ui.label(format!("{value:.4}"))
                    });
                    ui.end_row();
                }
            });
        ui.label(kit::muted(ctx.theme, "Draw a box to zoom.").small());
    });
}
