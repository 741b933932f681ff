//! The curves of a run: thin lines, smoothed over faint raw, the held-out loss as points.

use egui::{Color32, Ui, vec2};
use egui_plot::{AxisHints, Corner, HoverPosition, Legend, Line, Plot, PlotPoints, PlotUi, Points};

use super::super::{Ctx, Theme, kit};
use super::marks;
use crate::session::words::{small, thousands};
use crate::session::{Curves, StepPoint};

/// What a small chart shows of a step.
type Reading = fn(&StepPoint) -> f64;

/// Most points of a line; more are thinned out, for no screen shows them.
const MOST_POINTS: usize = 2000;

/// Height between two marks of the upright axis.
const PIXELS_A_MARK: f64 = 34.0;

/// Draws the loss large and the other curves small below it.
pub fn charts_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let series = ctx.theme.series();
    let curves = &ctx.state.run.curves;
    kit::caption(ui, ctx.theme, "Loss");
    loss(ctx, ui);
    ui.add_space(8.0);
    ui.columns(3, |columns| {
        let charts: [(&str, Color32, Reading); 3] = [
            ("Learning rate", series.rate.0, |s| s.lr),
            ("Gradient norm", series.norm.0, |s| s.grad_norm),
            ("Tokens per second", series.speed.0, |s| s.tokens_per_second),
        ];
        for (ui, (name, colour, value)) in columns.iter_mut().zip(charts) {
            kit::caption(ui, ctx.theme, name);
            let points = line_points(curves, value);
            plot(ctx.theme, name, 120.0).show(ui, |p: &mut PlotUi<'_>| {
                p.line(Line::new(name, PlotPoints::from(points)).color(colour).width(1.5));
            });
        }
    });
}

fn loss(ctx: &Ctx<'_>, ui: &mut Ui) {
    let series = ctx.theme.series();
    let curves = &ctx.state.run.curves;
    let height = (ui.ctx().content_rect().height() * 0.3).clamp(150.0, 340.0);
    let raw = line_points(curves, |s| s.loss);
    let smooth = line_points(curves, |s| s.smoothed);
    let evals: Vec<[f64; 2]> = curves.evals.iter().map(|(step, loss)| [*step as f64, *loss]).collect();
    let legend = Legend::default()
        .position(Corner::RightTop)
        .follow_insertion_order(true);
    let steps = ctx.state.run.steps().max(1) as f64;
    plot(ctx.theme, "loss", height)
        .legend(legend)
        .include_x(0.0)
        .include_x(steps)
        .show(ui, |p: &mut PlotUi<'_>| {
            let faint = series.train.0.gamma_multiply(0.35);
            p.line(
                Line::new("Training, each step", PlotPoints::from(raw))
                    .color(faint)
                    .width(1.0),
            );
            p.line(
                Line::new("Training, smoothed", PlotPoints::from(smooth))
                    .color(series.train.0)
                    .width(1.8),
            );
            if !evals.is_empty() {
                let points = Points::new("Held out", PlotPoints::from(evals));
                p.points(points.color(series.eval.0).radius(4.0).filled(true));
            }
        });
}

fn plot<'a>(theme: &Theme, name: &str, height: f32) -> Plot<'a> {
    Plot::new(name.to_string())
        .height(height)
        .show_background(false)
        .grid_color(theme.line())
        .cursor_color(theme.muted())
        .allow_scroll(false)
        .allow_zoom(false)
        .allow_drag(false)
        .allow_boxed_zoom(false)
        .set_margin_fraction(vec2(0.01, 0.08))
        .x_grid_spacer(marks::round(5.0, 1.0))
        .y_grid_spacer(marks::round((f64::from(height) / PIXELS_A_MARK).max(2.0), 0.0))
        .custom_x_axes(vec![
            axis(theme, AxisHints::new_x())
                .formatter(|mark, _| step(mark.value))
                .label_spacing(24.0..=36.0),
        ])
        .custom_y_axes(vec![
            axis(theme, AxisHints::new_y())
                .formatter(|mark, _| number(mark.value))
                .min_thickness(44.0)
                .label_spacing(14.0..=22.0),
        ])
        .label_formatter(|at| match at {
            HoverPosition::NearDataPoint {
                plot_name, position, ..
            } => {
                let step = thousands(position.x.max(0.0) as u64);
                Some(format!("{plot_name}\nstep {step}: {}", number(position.y)))
            }
            HoverPosition::Elsewhere { .. } => None,
        })
}

/// Labels of an axis are there to be looked up, not to be read first.
fn axis<'a>(theme: &Theme, hints: AxisHints<'a>) -> AxisHints<'a> {
    hints
        .tick_label_color(theme.muted())
        .tick_label_font(egui::FontId::proportional(10.5))
}

/// A step under the axis; there are none below 0.
fn step(value: f64) -> String {
    if value < 0.0 {
        String::new()
    } else {
        thousands(value as u64)
    }
}

fn number(value: f64) -> String {
    if value.abs() >= 1000.0 {
        thousands(value.abs() as u64)
    } else {
        small(value)
    }
}

fn line_points(curves: &Curves, value: impl Fn(&StepPoint) -> f64) -> Vec<[f64; 2]> {
    let every = curves.steps.len().div_ceil(MOST_POINTS).max(1);
    let last = curves.steps.len().saturating_sub(1);
    let kept = curves
        .steps
        .iter()
        .enumerate()
        .filter(|(i, _)| i % every == 0 || *i == last);
    kept.map(|(_, s)| [s.step as f64, value(s)])
        .filter(|p| p[1].is_finite())
        .collect()
}
