//! The prompt that chat sends for an answer of the row, and where it parts from what stands before that answer in training.
//! Knows two texts, not how they were rendered.

use egui::text::{LayoutJob, TextFormat};
use egui::{ComboBox, RichText, ScrollArea, TextStyle, Ui, WidgetInfo};

use super::super::{Ctx, icons, kit};
use super::visible::visible;
use crate::session::Command;
use crate::session::preview::{self, LookCommand, Note, TemplateCommand};
use crate::tokens::{Agreement, Difference};

/// Characters shown around a difference.
const AROUND: usize = 24;

/// The prompt of the chosen answer.
pub fn text(ctx: &Ctx<'_>) -> Option<String> {
    let asked = ctx.state.preview.asked.as_ref()?.as_ref().ok()?;
    Some(asked.prompt.text.clone())
}

/// What should be known of the prompt without looking at it.
pub fn note(ctx: &Ctx<'_>) -> Option<Note> {
    let agreement = ctx.state.preview.asked.as_ref()?.as_ref().ok()?;
    agreement.difference.map(|difference| Note {
        warning: true,
        text: format!(
            "Chat asks for the answer in message {} with other words than it was trained after: they part at {}. See Prompt.",
            agreement.message + 1,
            place(difference)
        ),
    })
}

fn place(difference: Difference) -> String {
    match difference {
        Difference::Text(at) => format!("byte {at}"),
        Difference::Tokens(at) => format!("token {}", at + 1),
    }
}

/// Draws the prompt and the verdict.
pub fn prompt_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    chooser(ctx, ui);
    match ctx.state.preview.asked.clone() {
        None => {
            ui.label(kit::muted(
                ctx.theme,
                "This row has no answer with a question before it, or the tokenizer is not read yet.",
            ));
        }
        Some(Err(message)) => {
            ui.colored_label(ctx.theme.error(), message);
        }
        Some(Ok(agreement)) => {
            verdict(ctx, ui, &agreement);
            ui.add_space(4.0);
            ScrollArea::vertical()
                .id_salt("prompt text")
                .auto_shrink(false)
                .show(ui, |ui| texts(ctx, ui, &agreement));
        }
    }
}

/// Which answer, where the row has several.
fn chooser(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let row = preview::row(ctx.state).into_owned();
    let answers: Vec<usize> = preview::answers(&row).collect();
    let shown = ctx
        .state
        .preview
        .asked
        .as_ref()
        .and_then(|a| a.as_ref().ok())
        .map(|a| a.message);
    if answers.len() < 2 {
        return;
    }
    let name = |message: usize| format!("For message {}", message + 1);
    let mut chosen = None;
    let combo = ComboBox::from_id_salt("prompt answer").selected_text(shown.map_or_else(String::new, name));
    let response = combo.show_ui(ui, |ui| {
        for message in answers {
            if ui.selectable_label(shown == Some(message), name(message)).clicked() {
                chosen = Some(message);
            }
        }
    });
    response
        .response
        .widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Answer"));
    if let Some(message) = chosen {
        ctx.send(Command::Template(TemplateCommand::Look(LookCommand::Answer(message))));
    }
}

fn verdict(ctx: &Ctx<'_>, ui: &mut Ui, agreement: &Agreement) {
    let (icon, colour, words) = match agreement.difference {
        None => (
            icons::CHECK_CIRCLE,
            ctx.theme.ok(),
            format!(
                "Chat sends exactly what stands before this answer in training: {} bytes, {} tokens.",
                agreement.prompt.text.len(),
                agreement.prompt.ids.len()
            ),
        ),
        Some(Difference::Text(at)) => (
            icons::WARNING,
            ctx.theme.warn(),
            format!(
                "They part at byte {at}: training goes on with {}, chat sends {}. The model is asked in words that it was not trained after.",
                quoted(&agreement.training, at),
                quoted(&agreement.prompt.text, at)
            ),
        ),
        Some(Difference::Tokens(at)) => (
            icons::WARNING,
            ctx.theme.warn(),
            format!(
                "The text is the same, but the tokens part at token {}: in training, a token reaches from the prompt into the answer.",
                at + 1
            ),
        ),
    };
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(icon).color(colour));
        ui.label(words);
    });
}

/// The text from a byte on, in quotes; "nothing more" at its end.
fn quoted(text: &str, at: usize) -> String {
    let rest = text.get(at..).unwrap_or_default();
    if rest.is_empty() {
        return "nothing more".to_owned();
    }
    let part: String = rest.chars().take(AROUND).collect();
    let shown: String = visible(&part).into_iter().map(|p| p.text).collect();
    let more = if part.len() < rest.len() { "\u{2026}" } else { "" };
    format!("\"{shown}{more}\"")
}

fn texts(ctx: &Ctx<'_>, ui: &mut Ui, agreement: &Agreement) {
    let at = match agreement.difference {
        Some(Difference::Text(at)) => at,
        _ => usize::MAX,
    };
    kit::caption(ui, ctx.theme, "What chat sends");
    one(ctx, ui, &agreement.prompt.text, at);
    if at < usize::MAX {
        ui.add_space(12.0);
        kit::caption(ui, ctx.theme, "What stands before the answer in training");
        one(ctx, ui, &agreement.training, at);
    }
}

/// A text, from byte `at` on in the colour of a warning.
fn one(ctx: &Ctx<'_>, ui: &mut Ui, text: &str, at: usize) {
    let font = TextStyle::Monospace.resolve(ui.style());
    let mut job = LayoutJob::default();
    job.wrap.max_width = ui.available_width();
    let (same, other) = text.split_at_checked(at).unwrap_or((text, ""));
    for (part, colour) in [(same, ctx.theme.text()), (other, ctx.theme.warn())] {
        let mut format = TextFormat::simple(font.clone(), colour);
        format.line_height = Some((font.size * 1.5).round());
        job.append(part, 0.0, format);
    }
    ui.add(egui::Label::new(job).selectable(true));
}
