//! The rendered text: coloured by role, learned parts filled. Knows spans, not how they were found.

use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, ScrollArea, Sense, Stroke, StrokeKind, TextStyle, Ui, WidgetInfo, vec2};

use super::super::{Ctx, Theme};
use super::chips;
use super::focus::{Focus, Pane, Pointed};
use super::places::{byte_at, range_rects};
use crate::data::Role;
use crate::session::preview::{Shown, source_of};
use crate::template::Why;

/// Draws the text.
pub fn rendered_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, focus: &Focus, next: &mut Option<Pointed>) {
    let Some(shown) = ctx.state.preview.shown.clone() else {
        return;
    };
    ScrollArea::vertical()
        .id_salt("rendered text")
        .auto_shrink(false)
        .show(ui, |ui| {
            if ctx.state.preview.trouble.is_some() {
                // The last good rendering, while the template is broken.
                ui.set_opacity(0.45);
            }
            text_ui(ctx, ui, &shown, focus, next);
        });
}

fn text_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, shown: &Shown, focus: &Focus, next: &mut Option<Pointed>) {
    let text = &shown.rendered.text;
    let galley = ui.fonts_mut(|f| f.layout_job(job(ctx.theme, ui, shown)));
    let size = vec2(ui.available_width(), galley.size().y + 8.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, format!("Rendered text: {text}")));
    let origin = rect.min;
    if let Some((start, end)) = focus.scroll_to(Pane::Rendered)
        && let Some(first) = range_rects(&galley, text, start, end).first()
    {
        ui.scroll_to_rect(first.translate(origin.to_vec2()).expand(40.0), None);
    }
    if let Some(pointer) = response.hover_pos()
        && let Some(byte) = byte_at(&galley, text, pointer, origin)
    {
        *next = pointed(ctx, shown, byte, response.clicked());
        if let Some(piece) = shown.piece_at(byte) {
            response.on_hover_ui_at_pointer(|ui| chips::details(ctx.theme, ui, shown, piece));
        }
    }
    ui.painter().galley(origin, galley.clone(), ctx.theme.text());
    // Over the text, since the fill of learned text is part of it.
    for (start, end) in focus.text() {
        for part in range_rects(&galley, text, *start, *end) {
            let part = part.translate(origin.to_vec2()).expand(1.0);
            let stroke = Stroke::new(2.0, ctx.theme.text());
            ui.painter().rect_stroke(part, 2.0, stroke, StrokeKind::Outside);
        }
    }
}

fn pointed(ctx: &Ctx<'_>, shown: &Shown, byte: usize, clicked: bool) -> Option<Pointed> {
    let (start, end) = match shown.piece_at(byte) {
        Some(piece) => (shown.pieces[piece].start, shown.pieces[piece].end),
        None => {
            let span = shown.rendered.spans.iter().find(|s| s.start <= byte && byte < s.end)?;
            (span.start, span.end)
        }
    };
    Some(Pointed {
        pane: Pane::Rendered,
        text: vec![(start, end)],
        source: source_of(&ctx.state.preview.editor.text, start, end, shown),
        clicked,
    })
}

fn job(theme: &Theme, ui: &Ui, shown: &Shown) -> LayoutJob {
    let font = TextStyle::Monospace.resolve(ui.style());
    let mut job = LayoutJob::default();
    job.wrap.max_width = ui.available_width();
    for span in &shown.rendered.spans {
        let role = span.role.map_or(theme.muted(), |r| theme.role(r));
        let adds = span.why == Why::TemplateText;
        let mut format = TextFormat::simple(font.clone(), if adds { theme.muted() } else { role });
        format.line_height = Some((font.size * 1.5).round());
        if span.supervised {
            format.color = theme.on_accent();
            format.background = role_fill(theme, span.role);
        }
        job.append(
            shown.rendered.text.get(span.start..span.end).unwrap_or_default(),
            0.0,
            format,
        );
    }
    job
}

/// The fill of learned text: its role's colour; green where nobody says it (everything is learned).
pub fn role_fill(theme: &Theme, role: Option<Role>) -> Color32 {
    theme.role(role.unwrap_or(Role::Assistant))
}
