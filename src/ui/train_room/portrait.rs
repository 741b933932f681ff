//! The charts of the Train room as pictures to be kept: names, axes and legends in them, nothing to click. Knows no files.

use egui::Ui;

use super::super::charts::{axis_name, legend_mark, number};
use super::super::{Ctx, kit};
use super::{charts, rate_chart};
use crate::session::words::{small, thousands};
use crate::session::{Chart, Measure};

/// Space between charts.
const GAP: f32 = 10.0;

/// Draws all charts of the run.
pub fn run_portrait(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let run = &ctx.state.run;
    let words = format!(
        "Step {} of {}",
        thousands(run.step() as u64),
        thousands(run.steps() as u64)
    );
    kit::heading(ui, ctx.theme, &run.name, &words);
    ui.add_space(GAP);
    legend(ctx, ui);
    charts::loss(ctx, ui, None);
    axis_name(ui, ctx.theme, "Steps");
    ui.add_space(GAP);
    ui.columns(2, |columns| {
        charts::norm_legend(ctx, &mut columns[0]);
        charts::norms(ctx, &mut columns[0], None);
        charts::legend_line(&mut columns[1], |ui| kit::caption(ui, ctx.theme, "Learning rate"));
        let what = (Chart::Rate, "Learning rate over steps", number as fn(f64) -> String);
        let lines = vec![(Measure::Rate, ctx.theme.series().rate.0)];
        charts::small(ctx, &mut columns[1], what, lines, None);
        columns.iter_mut().for_each(|ui| axis_name(ui, ctx.theme, "Steps"));
    });
    ui.add_space(GAP);
    let count = charts::lesser_count(ctx);
    ui.columns(count, |columns| {
        charts::lesser(ctx, columns, None, &mut Vec::new());
        columns.iter_mut().for_each(|ui| axis_name(ui, ctx.theme, "Steps"));
    });
}

/// The curves of the loss that are switched on.
fn legend(ctx: &Ctx<'_>, ui: &mut Ui) {
    let (series, look) = (ctx.theme.series(), &ctx.state.live.look);
    let curves = [
        (charts::RAW, series.train.0.gamma_multiply(0.5)),
        (charts::SMOOTHED, series.train.0),
        (charts::HELD_OUT, series.eval.0),
    ];
    let known = |name: &str| name != charts::HELD_OUT || !ctx.state.run.curves.evals.is_empty();
    ui.horizontal(|ui| {
        kit::caption(ui, ctx.theme, "Loss, nats a token");
        for (name, colour) in curves.into_iter().filter(|(name, _)| look.shows(name) && known(name)) {
            legend_mark(ui, ctx.theme, colour, name);
        }
    });
}

/// Draws the losses over the rates that were tried.
pub fn rates_portrait(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let recipe = &ctx.state.recipe;
    let words = match ctx.state.rate.found.and_then(|found| found.suggested) {
        Some(rate) => format!("Suggested: {}", small(rate)),
        None => "Nothing suggested".to_owned(),
    };
    kit::heading(
        ui,
        ctx.theme,
        &format!("Learning rates of {}", recipe.run_name()),
        &words,
    );
    ui.add_space(GAP);
    rate_chart::chart_ui(ctx, ui);
    axis_name(ui, ctx.theme, "Learning rate");
}
