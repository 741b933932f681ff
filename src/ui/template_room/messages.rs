//! The row's messages to try changes on: every keystroke shows what would be learned. Knows words, not files.

use egui::{Frame, Margin, RichText, ScrollArea, Stroke, TextEdit, Ui, WidgetInfo};

use super::super::{Ctx, fonts, icons, kit};
use crate::data::{Message, Role};
use crate::session::Command;
use crate::session::preview::{self, TemplateCommand, Trial};
use crate::template::Mode;

/// Draws all messages.
pub fn messages_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let row = preview::row(ctx.state).into_owned();
    let tried = ctx.state.preview.tried.of(&row).is_some();
    ui.horizontal_wrapped(|ui| {
        if tried {
            kit::badge(ui, ctx.theme.accent(), "tried");
            ui.label(kit::muted(ctx.theme, "The file stays as it is."));
            if kit::quiet(ui, icons::UNDO, "Back to the row").clicked() {
                ctx.send(Command::Template(TemplateCommand::GiveUpTrial));
            }
        } else {
            ui.label(kit::muted(
                ctx.theme,
                "Change a message to see what would be learned. The file stays as it is.",
            ));
        }
    });
    ui.add_space(4.0);
    let area = ScrollArea::vertical().id_salt("tried messages").auto_shrink(false);
    area.show(ui, |ui| {
        for (index, message) in row.messages.iter().enumerate() {
            message_ui(ctx, ui, index, message);
            ui.add_space(8.0);
        }
    });
}

fn message_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, index: usize, message: &Message) {
    let colour = ctx.theme.role(message.role);
    let frame = Frame::new()
        .stroke(Stroke::new(1.0, ctx.theme.line()))
        .corner_radius(6)
        .inner_margin(Margin::same(8));
    frame.show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            let name = RichText::new(message.role.as_str())
                .family(fonts::strong())
                .color(colour);
            ui.label(name);
            if message.tool_calls.is_some() {
                ui.label(kit::muted(ctx.theme, "calls tools"));
            }
            if ctx.state.recipe.recipe.data.mode == Mode::Flags {
                flag_ui(ctx, ui, index, message);
            }
        });
        let mut text = message.content.clone();
        let field = TextEdit::multiline(&mut text)
            .id_salt(("tried message", index))
            .desired_rows(1)
            .desired_width(f32::INFINITY);
        let response = ui.add(field);
        let name = format!("Message {} ({})", index + 1, message.role.as_str());
        ui.ctx()
            .accesskit_node_builder(response.id, |node| node.set_label(name));
        if text != message.content {
            ctx.send(Command::Template(TemplateCommand::Try(index, Trial::Text(text))));
        }
    });
}

/// Is the message learned, in the mode that asks each message?
fn flag_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, index: usize, message: &Message) {
    let usual = message.role == Role::Assistant;
    let mut learned = message.weight.map_or(usual, |w| w > 0.0);
    let response = ui.checkbox(&mut learned, "Learn").on_hover_text(
        "The row's \"train\" or \"weight\". Without it the assistant's messages are learned, the others are not.",
    );
    let name = format!("Learn message {}", index + 1);
    response.widget_info(|| WidgetInfo::selected(egui::Role::CheckBox, true, learned, &name));
    if response.changed() {
        let flag = (learned != usual).then_some(learned);
        ctx.send(Command::Template(TemplateCommand::Try(index, Trial::Learn(flag))));
    }
}
