//! Blocks under each other: headings, lists, quotes, code, tables. Knows blocks, not where the text comes from.

use egui::{Align, Frame, Grid, Label, Layout, Margin, ScrollArea, Stroke, Ui, vec2};

use super::super::{icons, kit};
use super::inline::{Face, PROSE, spans_ui};
use super::{Block, Look, Span};

/// Width of a list's bullets and numbers.
const BULLET: f32 = 18.0;

/// Draws blocks; returns the source byte that was clicked.
pub fn blocks_ui(ui: &mut Ui, look: &Look<'_>, blocks: &[Block]) -> Option<usize> {
    let mut clicked = None;
    for (index, block) in blocks.iter().enumerate() {
        let here = ui.push_id(index, |ui| block_ui(ui, look, block)).inner;
        clicked = clicked.or(here);
    }
    clicked
}

fn block_ui(ui: &mut Ui, look: &Look<'_>, block: &Block) -> Option<usize> {
    match block {
        Block::Paragraph(spans) => spans_ui(ui, look, spans, PROSE),
        Block::Heading(level, spans) => {
            ui.add_space(2.0);
            spans_ui(ui, look, spans, heading(*level))
        }
        Block::Code { language, spans } => code_ui(ui, look, language, spans),
        Block::List { first, items } => list_ui(ui, look, *first, items),
        Block::Quote(blocks) => quote_ui(ui, look, blocks),
        Block::Table(rows) => table_ui(ui, look, rows),
        Block::Rule => {
            ui.add(egui::Separator::default().horizontal().spacing(6.0));
            None
        }
    }
}

fn heading(level: u8) -> Face {
    let size = match level {
        1 => 18.0,
        2 => 16.0,
        3 => 14.5,
        _ => 13.0,
    };
    Face {
        size,
        strong: true,
        wrap: true,
    }
}

fn list_ui(ui: &mut Ui, look: &Look<'_>, first: Option<u64>, items: &[Vec<Block>]) -> Option<usize> {
    let mut clicked = None;
    ui.spacing_mut().item_spacing.y = 4.0;
    for (index, item) in items.iter().enumerate() {
        let mark = match first {
            Some(first) => format!("{}.", first.saturating_add(index as u64)),
            None => "\u{2022}".into(),
        };
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let width = BULLET.max(8.0 + 7.0 * mark.len() as f32);
            ui.allocate_ui_with_layout(vec2(width, 16.0), Layout::right_to_left(Align::TOP), |ui| {
                ui.set_min_width(width);
                ui.add(Label::new(kit::muted(look.theme, mark)).selectable(false));
            });
            let here = ui.vertical(|ui| ui.push_id(index, |ui| blocks_ui(ui, look, item)).inner);
            clicked = clicked.or(here.inner);
        });
    }
    clicked
}

fn quote_ui(ui: &mut Ui, look: &Look<'_>, blocks: &[Block]) -> Option<usize> {
    let margin = Margin {
        left: 12,
        ..Margin::ZERO
    };
    let shown = Frame::new()
        .inner_margin(margin)
        .show(ui, |ui| blocks_ui(ui, look, blocks));
    let rect = shown.response.rect;
    let stroke = Stroke::new(2.0, look.theme.muted());
    ui.painter().vline(rect.left() + 3.0, rect.y_range(), stroke);
    shown.inner
}

fn code_ui(ui: &mut Ui, look: &Look<'_>, language: &str, spans: &[Span]) -> Option<usize> {
    let frame = Frame::new()
        .fill(look.theme.background())
        .stroke(Stroke::new(1.0, look.theme.line()))
        .corner_radius(4)
        .inner_margin(Margin::symmetric(8, 4));
    frame
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            ui.horizontal(|ui| {
                let name = if language.is_empty() { "code" } else { language };
                ui.label(kit::muted(look.theme, name).small());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if kit::icon_button(ui, icons::COPY, "Copy code").clicked() {
                        ui.ctx().copy_text(spans.iter().map(|s| s.text.as_str()).collect());
                    }
                });
            });
            let face = Face { wrap: false, ..PROSE };
            ScrollArea::horizontal()
                .show(ui, |ui| {
                    let code: Vec<Span> = spans.iter().cloned().map(as_code).collect();
                    spans_ui(ui, look, &code, face)
                })
                .inner
        })
        .inner
}

fn as_code(mut span: Span) -> Span {
    span.style.code = true;
    span
}

fn table_ui(ui: &mut Ui, look: &Look<'_>, rows: &[Vec<Vec<Span>>]) -> Option<usize> {
    let mut clicked = None;
    ScrollArea::horizontal().show(ui, |ui| {
        Grid::new("table").striped(true).spacing([16.0, 6.0]).show(ui, |ui| {
            for (index, row) in rows.iter().enumerate() {
                for cell in row {
                    let face = Face {
                        strong: index == 0,
                        wrap: false,
                        ..PROSE
                    };
                    clicked = clicked.or(ui.horizontal(|ui| spans_ui(ui, look, cell, face)).inner);
                }
                ui.end_row();
            }
        });
    });
    clicked
}
