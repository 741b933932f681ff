//! Sample answers at each evaluation, and the run's event log.

use egui::{RichText, Ui};

use super::super::{Ctx, icons, kit};
use crate::data::Role;
use crate::session::words::{first_words, thousands};

/// Samples that are drawn at most; older ones are in the run folder.
const SHOWN: usize = 40;

/// Draws the samples, newest first.
pub fn samples_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let theme = ctx.theme;
    kit::caption(ui, theme, "Sample answers");
    let samples = &ctx.state.run.samples;
    if samples.is_empty() {
        ui.label(kit::muted(theme, "Come with each evaluation."));
    }
    for sample in samples.iter().rev().take(SHOWN) {
        kit::card(ui, theme, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.label(kit::muted(theme, format!("Step {}", thousands(sample.step as u64))).small());
            ui.colored_label(theme.role(Role::User), first_words(&sample.prompt, 160));
            ui.label(RichText::new(&sample.text).color(theme.text()));
        });
    }
}

/// Draws the log, newest first.
pub fn log_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let theme = ctx.theme;
    kit::caption(ui, theme, "Events");
    ui.spacing_mut().interact_size.y = 16.0;
    for line in ctx.state.run.log.iter().rev().take(4 * SHOWN) {
        ui.horizontal_wrapped(|ui| {
            if line.warning {
                ui.colored_label(theme.warn(), icons::WARNING);
            }
            if let Some(step) = line.step {
                ui.label(kit::muted(theme, format!("Step {}", thousands(step as u64))).small());
            }
            ui.label(RichText::new(&line.text).small());
        });
    }
}
