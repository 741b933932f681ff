//! The middle pane: the rendered text, the row's messages, or the prompt that chat sends. Knows which is shown.

use egui::Ui;

use super::super::{Ctx, icons, kit};
use super::focus::{Focus, Pointed};
use super::{messages, pane_head, prompt, rendered};
use crate::session::Command;
use crate::session::preview::{LookCommand, Middle, TemplateCommand};

/// Draws the pane.
pub fn middle_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, focus: &Focus, next: &mut Option<Pointed>) {
    let middle = ctx.state.preview.look.middle;
    pane_head(ui, ctx, tabs, copy);
    match middle {
        Middle::Text => rendered::rendered_ui(ctx, ui, focus, next),
        Middle::Messages => messages::messages_ui(ctx, ui),
        Middle::Prompt => prompt::prompt_ui(ctx, ui),
    }
}

fn tabs(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    const TABS: [(Middle, &str, &str); 3] = [
        (
            Middle::Text,
            "Rendered text",
            "What the model is trained on, coloured by who says it.",
        ),
        (
            Middle::Messages,
            "Messages",
            "The row itself. Change it to see what would be learned.",
        ),
        (
            Middle::Prompt,
            "Prompt",
            "What chat sends to get an answer, held against the training row.",
        ),
    ];
    ui.spacing_mut().item_spacing.x = 2.0;
    let current = ctx.state.preview.look.middle;
    for (middle, name, tip) in TABS {
        if ui
            .selectable_label(middle == current, name)
            .on_hover_text(tip)
            .clicked()
        {
            ctx.send(Command::Template(TemplateCommand::Look(LookCommand::Middle(middle))));
        }
    }
}

fn copy(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let preview = &ctx.state.preview;
    let (name, text) = match preview.look.middle {
        Middle::Text => (
            "Copy rendered text",
            preview.shown.as_ref().map(|s| s.rendered.text.clone()),
        ),
        Middle::Messages => return,
        Middle::Prompt => ("Copy prompt", prompt::text(ctx)),
    };
    if let Some(text) = text
        && kit::icon_button(ui, icons::COPY, name).clicked()
    {
        ui.ctx().copy_text(text);
    }
}
