//! The figures of one step beside the pointer. Knows figures, not curves.

use egui::{Grid, PopupAnchor, Response, Tooltip, Ui};

use super::super::charts::number;
use super::super::{Ctx, kit};
use crate::session::words::{bytes, thousands};
use crate::session::{Curves, Measure};

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
    known("Tokens per second".into(), Measure::Speed, &|speed| {
        thousands(speed as u64)
    });
    known("Tokens learned".into(), Measure::Share, &|share| {
        format!("{share:.1} %")
    });
    known("Memory".into(), Measure::Memory, &|size| bytes(size as u64));
    if step.loss_scale > 0.0 {
        figures.push(("Loss scale".into(), thousands(step.loss_scale as u64)));
    }
    figures
}

/// What a step is called.
pub fn title(curves: &Curves, at: usize) -> String {
    let step = &curves.steps[at];
    format!("Step {}, epoch {:.2}", thousands(step.step as u64), step.epoch)
}

/// The figures of the step at a place beside the pointer, and what can be done there.
pub fn tooltip(ctx: &Ctx<'_>, ui: &Ui, response: &Response, (at, opens): (usize, bool)) {
    let curves = &ctx.state.run.curves;
    let tip = Tooltip::always_open(ui.ctx().clone(), response.layer_id, response.id, PopupAnchor::Pointer);
    tip.gap(14.0).show(|ui| {
        ui.label(kit::strong(title(curves, at)));
        ui.spacing_mut().interact_size.y = 16.0;
        table(ctx, ui, curves, at);
        let hint = if opens {
            "Click for the rows, draw a box to zoom."
        } else {
            "Draw a box to zoom."
        };
        ui.label(kit::muted(ctx.theme, hint).small());
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
