//! The run's event log.

use egui::{RichText, Ui};

use super::super::{Ctx, icons, kit};
use crate::session::words::thousands;

/// Lines that are drawn at most; older ones are in the run folder.
const SHOWN: usize = 160;

/// Draws the log, newest first.
pub fn log_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let theme = ctx.theme;
    kit::caption(ui, theme, "Events");
    ui.spacing_mut().interact_size.y = 16.0;
    for line in ctx.state.run.log.iter().rev().take(SHOWN) {
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
