//! How hard a token was for the model: a strip under its text that grows with the loss, and its probability. Knows losses, not models.

use egui::{Align2, Color32, FontId, Painter, Rect, Ui, vec2};

use super::super::{Ctx, Theme, kit};
use crate::session::preview::Shown;

/// The loss, in nats, that fills the strip: a probability of a quarter of a percent.
const FULL: f32 = 6.0;
/// Height of the strip in points.
const STRIP: f32 = 13.0;

/// One token's loss.
#[derive(Clone, Copy, Debug)]
pub struct Heat {
    nll: f32,
    learned: bool,
    /// After a step of learning, where one was taken.
    after: Option<f32>,
}

impl Heat {
    /// The loss of a token where the shown row was read by the model.
    pub fn of(ctx: &Ctx<'_>, shown: &Shown, index: usize) -> Option<Self> {
        let read = ctx.state.lesson.of(shown)?;
        let token = read.lesson.tokens.get(index)?.as_ref()?;
        let after = read.lesson.step.as_ref().and_then(|step| *step.nll.get(index)?);
        Some(Self {
            nll: token.nll,
            learned: shown.pieces.get(index)?.supervised,
            after,
        })
    }

    /// The strip and the probability, at the bottom of a chip.
    pub fn paint(&self, theme: &Theme, painter: &Painter, chip: Rect) {
        let strip = Rect::from_min_max(chip.left_bottom() - vec2(0.0, STRIP), chip.right_bottom()).shrink(1.0);
        let share = (self.nll / FULL).clamp(0.0, 1.0);
        let filled = strip.with_max_x(strip.left() + strip.width() * share);
        painter.rect_filled(strip, 3.0, theme.background());
        painter.rect_filled(filled, 3.0, colour(theme, share));
        let words = short((-self.nll).exp());
        let font = FontId::proportional(9.5);
        painter.text(strip.center(), Align2::CENTER_CENTER, words, font, theme.text());
    }

    /// The same in words, for a tooltip.
    pub fn details(&self, theme: &Theme, ui: &mut Ui) {
        let probability = kit::percent((-self.nll).exp());
        ui.label(format!(
            "The model gave it {probability}: a loss of {:.3} nats.",
            self.nll
        ));
        if let Some(after) = self.after {
            let probability = kit::percent((-after).exp());
            ui.label(format!("After one step: {probability}, {after:.3} nats."));
        }
        if !self.learned {
            ui.label(kit::muted(theme, "It is context: its loss does not count."));
        }
    }
}

/// Percent in as little room as a chip has.
fn short(share: f32) -> String {
    match share * 100.0 {
        small if small < 1.0 => "<1%".into(),
        percent => format!("{percent:.0}%"),
    }
}

/// From calm to hot; dim enough for text on it.
fn colour(theme: &Theme, share: f32) -> Color32 {
    let hot = if share > 0.5 { theme.error() } else { theme.warn() };
    theme.background().lerp_to_gamma(hot, 0.25 + 0.3 * share)
}
