//! The token stream as chips: filled = learned, outline = context. Only visible rows are drawn. Knows tokens and spans,
//! not the tokenizer.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat};
use egui::{
    Color32, FontId, Grid, Id, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind, TextStyle, Ui, WidgetInfo, vec2,
};

use super::super::{Ctx, Theme, icons, kit};
use super::chip_layout::{ChipLayout, Place, ROW_GAP};
use super::focus::{Focus, Pane, Pointed};
use super::heat::Heat;
use super::pane_title;
use super::rendered::role_fill;
use super::visible::{Part, visible};
use super::{lesson, search};
use crate::session::Command;
use crate::session::Room;
use crate::session::lesson::LessonCommand;
use crate::session::preview::{Shown, source_of, why_words};
use crate::tokens::Piece;

/// Space between a chip's outline and its text.
const PADDING: f32 = 6.0;
const ID_SIZE: f32 = 9.5;

/// Draws the pane.
pub fn tokens_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, focus: &Focus, next: &mut Option<Pointed>) {
    let shown = ctx.state.preview.shown.clone().filter(|s| !s.pieces.is_empty());
    pane_title(ui, ctx, "Tokens", |ctx, ui| {
        if let Some(shown) = &shown
            && kit::icon_button(ui, icons::COPY, "Copy token ids").clicked()
        {
            let ids: Vec<String> = shown.pieces.iter().map(|p| p.id.to_string()).collect();
            ui.ctx().copy_text(format!("[{}]", ids.join(", ")));
        }
        if let Some(shown) = &shown {
            lesson::toggle_ui(ctx, ui);
            search::search_ui(ctx, ui, shown);
        }
    });
    let Some(shown) = shown else {
        return no_tokens(ctx, ui);
    };
    lesson::lesson_ui(ctx, ui, &shown);
    ScrollArea::vertical()
        .id_salt("token stream")
        .auto_shrink(false)
        .show_viewport(ui, |ui, viewport| {
            if ctx.state.preview.trouble.is_some() {
                ui.set_opacity(0.45);
            }
            stream(ctx, ui, viewport, &shown, focus, next);
        });
}

fn no_tokens(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let preview = &ctx.state.preview;
    if let Some(failure) = &preview.tokenizer_failure {
        ui.colored_label(ctx.theme.error(), failure);
    } else if preview.is_loading() {
        ui.horizontal(|ui| {
            ui.spinner();
            ui.label(kit::muted(ctx.theme, "Reading the tokenizer"));
        });
    } else if ctx.state.model.selected.is_none() {
        ui.label(kit::muted(ctx.theme, "Tokens depend on the model's tokenizer."));
        if kit::link(ui, ctx.theme, "Pick a model to see tokens").clicked() {
            ctx.send(Command::Go(Room::Model));
        }
    }
}

fn stream(ctx: &mut Ctx<'_>, ui: &mut Ui, viewport: Rect, shown: &Shown, focus: &Focus, next: &mut Option<Pointed>) {
    // The bar floats over the right edge.
    let layout = layout(ui, shown, ui.available_width() - 10.0);
    ui.set_height(layout.height() + ROW_GAP);
    let origin = ui.min_rect().min.to_vec2();
    let found = search::Found::of(ctx, shown);
    let pointed = focus
        .scroll_to(Pane::Tokens)
        .and_then(|(start, _)| shown.piece_at(start));
    if let Some(rect) = pointed.or(found.jump(ctx, ui)).and_then(|i| layout.rect(i)) {
        ui.scroll_to_rect(rect.translate(origin).expand(40.0), None);
    }
    for index in layout.visible(viewport.top(), viewport.bottom()) {
        let Some(rect) = layout.rect(index) else {
            break;
        };
        let piece = &shown.pieces[index];
        let rect = rect.translate(origin);
        let lit = focus.touches(piece.start, piece.end);
        let heat = Heat::of(ctx, shown, index);
        paint(ctx.theme, ui, rect, piece, (&face(shown, index), heat.as_ref()), lit);
        found.mark(ctx.theme, ui, rect, index);
        let response = ui.interact(rect, Id::unique(("token chip", index)), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, name(index, piece)));
        if response.clicked() && ctx.state.lesson.on {
            ctx.send(Command::Lesson(LessonCommand::Select(Some(index))));
        }
        if response.hovered() {
            *next = Some(Pointed {
                pane: Pane::Tokens,
                text: vec![(piece.start, piece.end)],
                source: source_of(&ctx.state.preview.editor.text, piece.start, piece.end, shown),
                clicked: response.clicked(),
            });
        }
        response.on_hover_ui(|ui| {
            details(ctx.theme, ui, shown, index);
            heat.iter().for_each(|heat| heat.details(ctx.theme, ui));
        });
    }
}

/// What a screen reader says of a chip, and tests look for.
fn name(index: usize, piece: &Piece) -> String {
    let state = if piece.supervised { "learned" } else { "context" };
    format!(
        "Token {}: {} \"{}\", {state}",
        index + 1,
        piece.id,
        joined(&visible(&piece.text))
    )
}

fn joined(parts: &[Part]) -> String {
    parts.iter().map(|p| p.text.as_str()).collect()
}

/// What a chip says: the token's text, or which part of a character it is.
fn face(shown: &Shown, index: usize) -> Vec<Part> {
    let piece = &shown.pieces[index];
    let Some((part, of)) = shown.part_of(index) else {
        return visible(&piece.text);
    };
    let character = shown.rendered.text.get(piece.start..piece.end).unwrap_or_default();
    let mut parts = visible(character);
    parts.push(Part {
        text: format!(" {part}/{of}"),
        mark: true,
    });
    parts
}

/// The places of all chips; kept while row and width stay the same.
fn layout(ui: &Ui, shown: &Shown, width: f32) -> Arc<ChipLayout> {
    let id = Id::unique("token chip layout");
    let key = (shown.key, ui.pixels_per_point().to_bits());
    type Kept = ((u64, u32), Arc<ChipLayout>);
    let kept: Option<Kept> = ui.data(|d| d.get_temp(id));
    if let Some((old, layout)) = kept
        && old == key
        && layout.width() == width
    {
        return layout;
    }
    let font = TextStyle::Monospace.resolve(ui.style());
    let places = (0..shown.pieces.len()).map(|index| Place {
        width: chip_width(ui, &font, &face(shown, index), shown.pieces[index].id),
        breaks: shown.pieces[index].text.contains('\n'),
    });
    let layout = Arc::new(ChipLayout::new(places, width));
    ui.data_mut(|d| d.insert_temp(id, (key, layout.clone())));
    layout
}

fn chip_width(ui: &Ui, font: &FontId, face: &[Part], id: u32) -> f32 {
    let painter = ui.painter();
    let measure = |text: String, font: FontId| painter.layout_no_wrap(text, font, Color32::PLACEHOLDER).size().x;
    let text = measure(joined(face), font.clone());
    let id = measure(id.to_string(), FontId::proportional(ID_SIZE));
    (text.max(id) + 2.0 * PADDING).ceil().max(24.0)
}

fn paint(theme: &Theme, ui: &Ui, rect: Rect, piece: &Piece, (face, heat): (&[Part], Option<&Heat>), lit: bool) {
    let painter = ui.painter();
    let role = match piece.role {
        Some(role) => theme.role(role),
        None => theme.muted(),
    };
    let (fill, line, text, weak) = match piece.supervised {
        true => (
            role_fill(theme, piece.role),
            role_fill(theme, piece.role),
            theme.on_accent(),
            theme.on_accent(),
        ),
        false => (theme.surface(), role.gamma_multiply(0.7), theme.text(), theme.muted()),
    };
    painter.rect(rect, 4.0, fill, Stroke::new(1.0, line), StrokeKind::Inside);
    if lit {
        painter.rect_stroke(
            rect.expand(1.5),
            5.0,
            Stroke::new(2.0, theme.text()),
            StrokeKind::Outside,
        );
    }
    let clip = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    let font = TextStyle::Monospace.resolve(ui.style());
    let galley = clip.layout_job(job(face, font, text, weak));
    let x = rect.left() + ((rect.width() - galley.size().x) / 2.0).max(PADDING);
    clip.galley(egui::pos2(x, rect.top() + 3.0), galley, text);
    if let Some(heat) = heat {
        heat.paint(theme, &clip, rect);
        return;
    }
    let at = rect.center_bottom() - vec2(0.0, 3.0);
    let id = FontId::proportional(ID_SIZE);
    clip.text(at, egui::Align2::CENTER_BOTTOM, piece.id, id, weak);
}

fn job(face: &[Part], font: FontId, colour: Color32, weak: Color32) -> LayoutJob {
    let mut job = LayoutJob::default();
    job.wrap.max_width = f32::INFINITY;
    job.break_on_newline = false;
    for part in face {
        let colour = if part.mark { weak.gamma_multiply(0.8) } else { colour };
        job.append(&part.text, 0.0, TextFormat::simple(font.clone(), colour));
    }
    job
}

/// Everything that is known of a token.
pub fn details(theme: &Theme, ui: &mut Ui, shown: &Shown, index: usize) {
    let Some(piece) = shown.pieces.get(index) else {
        return;
    };
    ui.label(RichText::new(joined(&face(shown, index))).monospace().size(15.0));
    let text = shown.rendered.text.get(piece.start..piece.end).unwrap_or_default();
    let bytes: Vec<String> = text.bytes().take(24).map(|b| format!("{b:02X}")).collect();
    let (first, last) = shown.characters(piece.start, piece.end);
    let role = piece.role.map_or("none", |r| r.as_str());
    let message = match piece.message {
        Some(message) => format!("{} ({role})", message + 1),
        None => "none: the template adds it".into(),
    };
    let mut facts = vec![
        (
            "Token",
            format!("{} of {}, id {}", index + 1, shown.pieces.len(), piece.id),
        ),
        ("Bytes", bytes.join(" ")),
        ("Characters", format!("{first} to {last}")),
        ("Message", message),
    ];
    let kind = if piece.special {
        "special token"
    } else {
        "ordinary token"
    };
    facts.push(("Kind", kind.into()));
    let grid = Grid::new("token facts")
        .num_columns(2)
        .spacing([16.0, 4.0])
        .min_row_height(16.0);
    grid.show(ui, |ui| {
        for (name, value) in facts {
            ui.label(kit::muted(theme, name));
            ui.label(value);
            ui.end_row();
        }
    });
    ui.separator();
    let (why, colour) = match (piece.why, piece.supervised) {
        (Some(why), true) => (why_words(why), role_fill(theme, piece.role)),
        (Some(why), false) => (why_words(why), theme.text()),
        (None, _) => ("Context: no part of the conversation.", theme.text()),
    };
    ui.colored_label(colour, why);
    if piece.straddles {
        ui.colored_label(
            theme.warn(),
            "It covers both learned text and context: its first character decides.",
        );
    }
}
