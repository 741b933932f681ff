//! Runs of styled text as one selectable label each, links between them. Knows spans, not blocks.

use std::ops::Range;

use egui::text::LayoutJob;
use egui::text_selection::LabelSelectionState;
use egui::{Color32, FontFamily, FontId, Label, Role, Stroke, TextFormat, Ui, Vec2, WidgetInfo};

use super::super::fonts;
use super::{Look, Span};

/// Text sizes of a run.
#[derive(Clone, Copy)]
pub struct Face {
    pub size: f32,
    /// Is all of it strong?
    pub strong: bool,
    /// Does it wrap at the edge?
    pub wrap: bool,
}

/// Prose.
pub const PROSE: Face = Face {
    size: 13.0,
    strong: false,
    wrap: true,
};

/// Draws spans; returns the source byte that was clicked.
pub fn spans_ui(ui: &mut Ui, look: &Look<'_>, spans: &[Span], face: Face) -> Option<usize> {
    if spans.iter().all(|s| s.link.is_none()) {
        return run_ui(ui, look, spans, face);
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        ui.spacing_mut().interact_size.y = 0.0;
        let mut clicked = None;
        for run in spans.chunk_by(|a, b| a.link == b.link) {
            clicked = match &run[0].link {
                Some(url) => {
                    let (job, _) = job(look, run, face);
                    ui.hyperlink_to(job, &**url).on_hover_text(&**url);
                    clicked
                }
                None => clicked.or(run_ui(ui, look, run, face)),
            };
        }
        clicked
    })
    .inner
}

fn run_ui(ui: &mut Ui, look: &Look<'_>, spans: &[Span], face: Face) -> Option<usize> {
    let (job, starts) = job(look, spans, face);
    let label = Label::new(job).selectable(true);
    let label = if face.wrap { label.wrap() } else { label.extend() };
    let (at, galley, response) = label.layout_in_ui(ui);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, galley.text()));
    if ui.is_rect_visible(response.rect) {
        let text = look.theme.text();
        LabelSelectionState::label_text_selection(ui, &response, at, galley.clone(), text, Stroke::NONE);
    }
    let pointer = response.interact_pointer_pos().filter(|_| response.clicked())?;
    let byte = clicked_byte(&galley, pointer - at);
    let index = starts.partition_point(|start| *start <= byte).checked_sub(1)?;
    Some(spans[index].source(byte - starts[index]))
}

/// The byte of the character under a point: a cursor stands between characters, the nearest one may be behind it.
fn clicked_byte(galley: &egui::Galley, point: Vec2) -> usize {
    let cursor = galley.cursor_from_pos(point);
    let behind = point.x < galley.pos_from_cursor(cursor).left();
    let character = cursor.index.0.saturating_sub(usize::from(behind));
    let mut bytes = galley.text().char_indices().map(|(byte, _)| byte);
    bytes.nth(character).unwrap_or(galley.text().len())
}

/// The spans as one text; and where each begins in it.
fn job(look: &Look<'_>, spans: &[Span], face: Face) -> (LayoutJob, Vec<usize>) {
    let mut job = LayoutJob::default();
    let mut starts = Vec::with_capacity(spans.len());
    for span in spans {
        starts.push(job.text.len());
        for (text, marked) in marked_parts(span, look.marked.as_ref()) {
            job.append(text, 0.0, format(look, span, face, marked));
        }
    }
    (job, starts)
}

/// A span cut where the mark begins and ends.
fn marked_parts<'a>(span: &'a Span, marked: Option<&Range<usize>>) -> Vec<(&'a str, bool)> {
    let whole = vec![(span.text.as_str(), false)];
    let Some(marked) = marked.filter(|m| m.start < span.range.end && span.range.start < m.end) else {
        return whole;
    };
    let place = |byte: usize| byte.saturating_sub(span.range.start).min(span.text.len());
    let (start, end) = (place(marked.start), place(marked.end));
    let parts = (span.text.get(..start), span.text.get(start..end), span.text.get(end..));
    match parts {
        (Some(before), Some(inside), Some(after)) => vec![(before, false), (inside, true), (after, false)],
        // The mark would cut a character, which an entity stands for.
        _ => whole,
    }
}

fn format(look: &Look<'_>, span: &Span, face: Face, marked: bool) -> TextFormat {
    let theme = look.theme;
    let family = match span.style {
        style if style.code => FontFamily::Monospace,
        style if style.bold || face.strong => fonts::strong(),
        _ => FontFamily::Proportional,
    };
    let color = if span.link.is_some() {
        theme.accent()
    } else {
        theme.text()
    };
    let line = |on: bool| if on { Stroke::new(1.0, color) } else { Stroke::NONE };
    TextFormat {
        // The monospaced face looks larger than prose of the same size.
        font_id: FontId::new(face.size - if span.style.code { 0.5 } else { 0.0 }, family),
        color: if marked { theme.on_accent() } else { color },
        background: match (marked, span.style.code) {
            (true, _) => theme.accent(),
            (false, true) => theme.background(),
            (false, false) => Color32::TRANSPARENT,
        },
        italics: span.style.italic,
        underline: line(span.link.is_some()),
        strikethrough: line(span.style.strike),
        ..TextFormat::default()
    }
}
