//! The template's source: an editor with line numbers, errors at their line, undo and revert. Knows source, not Jinja.

use egui::text::CCursorRange;
use egui::text_edit::{TextEditOutput, TextEditState};
use egui::{Align, Align2, Id, Margin, Rect, ScrollArea, TextEdit, TextStyle, Ui, pos2};

use super::super::{Ctx, icons, kit};
use super::focus::{Focus, Pane, Pointed};
use super::places::{byte_at, range_rects};
use super::{highlight, pane_title};
use crate::session::Command;
use crate::session::preview::{TemplateCommand, Trouble, text_of};

/// Width of the column of line numbers.
const GUTTER: f32 = 38.0;

fn editor_id() -> Id {
    Id::unique("template editor")
}

/// Draws the pane.
pub fn editor_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, focus: &Focus, next: &mut Option<Pointed>) {
    pane_title(ui, ctx, "Template", actions);
    let trouble = ctx.state.preview.trouble.clone();
    if let Some(trouble) = &trouble {
        egui::Panel::bottom("template trouble")
            .frame(egui::Frame::new().inner_margin(Margin { top: 6, ..Margin::ZERO }))
            .show_separator_line(false)
            .show(ui, |ui| trouble_ui(ctx, ui, trouble));
    }
    if ctx.state.preview.look.compare && super::compared::compared_ui(ctx, ui) {
        return;
    }
    let frame = egui::Frame::new().fill(ctx.theme.background()).corner_radius(4);
    frame.show(ui, |ui| {
        ScrollArea::both()
            .id_salt("template source")
            .auto_shrink(false)
            .show(ui, |ui| source_ui(ctx, ui, trouble.as_ref(), focus, next));
    });
}

fn source_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, trouble: Option<&Trouble>, focus: &Focus, next: &mut Option<Pointed>) {
    let before = &ctx.state.preview.editor.text;
    let mut text = before.clone();
    let theme = ctx.theme;
    // Lies under the text and is filled once it is known where the text stands.
    let marks = ui.painter().add(egui::Shape::Noop);
    let mut layouter = |ui: &Ui, buffer: &dyn egui::TextBuffer, _wrap: f32| highlight::layout(theme, ui, buffer);
    let output = TextEdit::multiline(&mut text)
        .id(editor_id())
        .code_editor()
        .frame(egui::Frame::new().inner_margin(Margin {
            left: GUTTER as i8 + 6,
            right: 8,
            top: 6,
            bottom: 6,
        }))
        .desired_width(ui.available_width())
        .desired_rows(12)
        .min_size(ui.available_size())
        .layouter(&mut layouter)
        .show(ui);
    ui.ctx()
        .accesskit_node_builder(output.response.id, |node| node.set_label("Template source"));
    let shapes = underlay(ctx, &output, trouble, focus);
    ui.painter().set(marks, egui::Shape::Vec(shapes));
    gutter(ctx, ui, &output, trouble);
    scroll(ui, &output, &text, focus);
    if let Some(pointer) = output.response.hover_pos()
        && let Some(byte) = byte_at(&output.galley, before, pointer, output.galley_pos)
        && let Some(shown) = &ctx.state.preview.shown
        && let Some((source, ranges)) = text_of(before, byte, shown)
    {
        *next = Some(Pointed {
            pane: Pane::Editor,
            text: ranges,
            source: vec![source],
            clicked: output.response.clicked(),
        });
    }
    if text != *before {
        ctx.send(Command::Template(TemplateCommand::Edit(text)));
    }
}

/// What lies under the text: the line with the error, what is pointed at.
fn underlay(ctx: &Ctx<'_>, output: &TextEditOutput, trouble: Option<&Trouble>, focus: &Focus) -> Vec<egui::Shape> {
    let mut shapes = Vec::new();
    let origin = output.galley_pos.to_vec2();
    if let Some(rect) = trouble.and_then(|t| t.line).and_then(|line| line_rect(output, line)) {
        shapes.push(egui::Shape::rect_filled(
            rect,
            0.0,
            ctx.theme.error().gamma_multiply(0.22),
        ));
    }
    for (start, end) in focus.source() {
        for rect in range_rects(&output.galley, &ctx.state.preview.editor.text, *start, *end) {
            let rect = rect.translate(origin).expand(1.0);
            shapes.push(egui::Shape::rect_filled(
                rect,
                2.0,
                ctx.theme.accent().gamma_multiply(0.35),
            ));
        }
    }
    shapes
}

/// The whole width of a source line, from 1. The source does not wrap, so that rows are lines.
fn line_rect(output: &TextEditOutput, line: usize) -> Option<Rect> {
    let last = output.galley.rows.len().checked_sub(1)?;
    let row = output.galley.rows.get(line.saturating_sub(1).min(last))?;
    let top = output.galley_pos.y + row.rect().top();
    let rect = output.response.rect;
    Some(Rect::from_x_y_ranges(rect.x_range(), top..=top + row.rect().height()))
}

/// Line numbers; they stay at the left edge when the source scrolls sideways.
fn gutter(ctx: &Ctx<'_>, ui: &Ui, output: &TextEditOutput, trouble: Option<&Trouble>) {
    let clip = ui.clip_rect();
    let left = clip.left().max(output.response.rect.left());
    let column = Rect::from_min_max(pos2(left, clip.top()), pos2(left + GUTTER, clip.bottom()));
    ui.painter().rect_filled(column, 0.0, ctx.theme.background());
    let mut font = TextStyle::Monospace.resolve(ui.style());
    font.size *= 0.88;
    let broken = trouble.and_then(|t| t.line);
    for (index, row) in output.galley.rows.iter().enumerate() {
        let y = output.galley_pos.y + row.rect().center().y;
        if !clip.y_range().contains(y) {
            continue;
        }
        let line = index + 1;
        let colour = if broken == Some(line) {
            ctx.theme.error()
        } else {
            ctx.theme.muted()
        };
        let at = pos2(left + GUTTER - 10.0, y);
        ui.painter().text(at, Align2::RIGHT_CENTER, line, font.clone(), colour);
    }
    ui.painter().vline(
        column.right() - 3.0,
        column.y_range(),
        egui::Stroke::new(1.0, ctx.theme.line()),
    );
}

fn scroll(ui: &Ui, output: &TextEditOutput, text: &str, focus: &Focus) {
    if let Some((start, end)) = focus.scroll_to(Pane::Editor)
        && let Some(first) = range_rects(&output.galley, text, start, end).first()
    {
        ui.scroll_to_rect(
            first.translate(output.galley_pos.to_vec2()).expand(20.0),
            Some(Align::Center),
        );
    }
}

/// The error under the editor, in words.
fn trouble_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, trouble: &Trouble) {
    let message = match trouble.line {
        Some(line) => format!("Line {line}: {}", trouble.message),
        None => trouble.message.clone(),
    };
    let frame = egui::Frame::new()
        .stroke(egui::Stroke::new(1.0, ctx.theme.error()))
        .corner_radius(4)
        .inner_margin(8);
    frame.show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal_wrapped(|ui| {
            ui.colored_label(ctx.theme.error(), icons::WARNING_CIRCLE);
            ui.label(message);
        });
    });
}

/// Save, compare, revert, redo, undo, laid out from the right.
fn actions(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let editor = &ctx.state.preview.editor;
    if editor.original.is_some() && kit::icon_button(ui, icons::FLOPPY, "Save template as...").clicked() {
        ctx.send(Command::Template(TemplateCommand::SaveDialog));
    }
    super::compared::toggle_ui(ctx, ui);
    if editor.is_edited()
        && kit::quiet(ui, "", "Revert")
            .on_hover_text("Give up the changes")
            .clicked()
    {
        ctx.send(Command::Template(TemplateCommand::Revert));
    }
    let Some(mut state) = TextEditState::load(ui.ctx(), editor_id()) else {
        return;
    };
    let mut undoer = state.undoer();
    let now = (state.cursor.char_range().unwrap_or_default(), editor.text.clone());
    let can = (undoer.has_undo(&now), undoer.has_redo(&now));
    let mut stepped: Option<(CCursorRange, String)> = None;
    ui.add_enabled_ui(can.1, |ui| {
        if kit::icon_button(ui, icons::ARROW_CLOCKWISE, "Redo").clicked() {
            stepped = undoer.redo(&now).cloned();
        }
    });
    ui.add_enabled_ui(can.0, |ui| {
        if kit::icon_button(ui, icons::UNDO, "Undo").clicked() {
            stepped = undoer.undo(&now).cloned();
        }
    });
    if let Some((cursor, text)) = stepped {
        state.cursor.set_char_range(Some(cursor));
        state.set_undoer(undoer);
        state.store(ui.ctx(), editor_id());
        ctx.send(Command::Template(TemplateCommand::Edit(text)));
    }
}
