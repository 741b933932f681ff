//! What the model says to the same prompts at each evaluation: a timeline for each prompt, so that one watches the manners appear.

use egui::{Align, Layout, RichText, Ui, vec2};

use super::super::{Ctx, kit};
use crate::data::Role;
use crate::session::Sample;
use crate::session::words::{first_words, thousands};

/// Width of the column of steps.
const STEPS: f32 = 96.0;
/// Different answers of a prompt that are shown from the beginning, and from the end.
const FIRST: usize = 4;
const NEWEST: usize = 16;
/// Answers that are looked through at most, the newest.
const RECENT: usize = 4000;
/// Characters of an answer that are shown.
const LONGEST: usize = 600;

/// Evaluations in a row at which a prompt got the same answer.
struct Stretch<'a> {
    from: usize,
    to: usize,
    text: &'a str,
}

/// The prompts in the order of their first answers, each with its answers in order.
fn by_prompt(samples: &[Sample]) -> Vec<(&str, Vec<Stretch<'_>>)> {
    let mut prompts: Vec<(&str, Vec<Stretch<'_>>)> = Vec::new();
    for sample in samples {
        let known = prompts.iter().position(|(prompt, _)| *prompt == sample.prompt);
        let at = known.unwrap_or_else(|| {
            prompts.push((&sample.prompt, Vec::new()));
            prompts.len() - 1
        });
        let stretches = &mut prompts[at].1;
        match stretches.last_mut().filter(|last| last.text == sample.text) {
            Some(last) => last.to = sample.step,
            None => stretches.push(Stretch {
                from: sample.step,
                to: sample.step,
                text: &sample.text,
            }),
        }
    }
    prompts
}

/// Draws the timelines.
pub fn timeline_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let theme = ctx.theme;
    kit::caption(ui, theme, "Answers to the same prompts");
    let samples = &ctx.state.run.samples;
    let prompts = by_prompt(&samples[samples.len().saturating_sub(RECENT)..]);
    if prompts.is_empty() {
        ui.label(kit::muted(theme, "Come with each evaluation."));
    }
    for (prompt, stretches) in prompts {
        kit::card(ui, theme, |ui| {
            ui.set_width(ui.available_width());
            ui.colored_label(theme.role(Role::User), first_words(prompt, 300));
            let last = stretches.len().saturating_sub(1);
            let left_out = FIRST..stretches.len().saturating_sub(NEWEST);
            for (i, stretch) in stretches.iter().enumerate() {
                if i == left_out.start && !left_out.is_empty() {
                    let words = format!("{} more answers", thousands(left_out.len() as u64));
                    ui.label(kit::muted(theme, words).small());
                }
                if !left_out.contains(&i) {
                    stretch_ui(ctx, ui, stretch, i == last);
                }
            }
        });
    }
}

fn stretch_ui(ctx: &Ctx<'_>, ui: &mut Ui, stretch: &Stretch<'_>, newest: bool) {
    let number = |step: usize| thousands(step as u64);
    let steps = if stretch.from == stretch.to {
        format!("Step {}", number(stretch.from))
    } else {
        format!("Step {}\u{2013}{}", number(stretch.from), number(stretch.to))
    };
    ui.horizontal_top(|ui| {
        ui.spacing_mut().interact_size.y = 16.0;
        ui.allocate_ui_with_layout(vec2(STEPS, 16.0), Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_width(STEPS);
            ui.label(kit::muted(ctx.theme, steps).small());
        });
        let colour = if newest { ctx.theme.text() } else { ctx.theme.muted() };
        let text = if stretch.text.trim().is_empty() {
            "(nothing)".to_owned()
        } else {
            first_words(stretch.text, LONGEST)
        };
        ui.add(egui::Label::new(RichText::new(text).color(colour)).wrap());
    });
}
