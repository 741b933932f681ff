//! The history as a virtualised table: only what is visible is laid out.

use egui::{Align, Button, Label, Layout, Role, Sense, Ui, WidgetInfo};
use egui_extras::{Column as Width, TableBuilder, TableRow};

use super::super::{Ctx, Theme, icons, kit};
use super::send;
use crate::session::Command;
use crate::session::runs::{Column, RunEnd, RunEntry, RunsCommand, Sort};
use crate::session::words::{duration, thousands};

const ROW: f32 = 26.0;
const HEAD: f32 = 26.0;

/// Height of the table with so many runs.
pub fn height_of(runs: usize) -> f32 {
    HEAD + ROW * runs as f32 + 8.0
}

/// The colour of a run, the same everywhere.
pub fn colour_of(theme: &Theme, run: &RunEntry) -> egui::Color32 {
    theme.palette(run.notes.colour.unwrap_or_default())
}

/// Draws the table.
pub fn table_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, height: f32) {
    let runs = ctx.state.runs.visible();
    ui.scope(|ui| {
        ui.style_mut().interaction.selectable_labels = false;
        ui.spacing_mut().item_spacing = egui::vec2(10.0, 0.0);
        let mut table = TableBuilder::new(ui)
            .id_salt("runs")
            .striped(false)
            .sense(Sense::click())
            .max_scroll_height(height - HEAD)
            .min_scrolled_height(height - HEAD)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Width::exact(26.0));
        for column in Column::ALL {
            table = table.column(width_of(column));
        }
        let table = table.auto_shrink(false).header(HEAD, |mut row| {
            row.col(|_| {});
            for column in Column::ALL {
                row.col(|ui| head(ctx.theme, ctx.out, ui, column, ctx.state.runs.sort));
            }
        });
        table.body(|body| {
            body.rows(ROW, runs.len(), |mut row| {
                let run = runs[row.index()];
                row_ui(ctx, &mut row, run);
            });
        });
    });
    if runs.is_empty() {
        ui.label(kit::muted(ctx.theme, "No run holds these words."));
    }
}

fn width_of(column: Column) -> Width {
    match column {
        Column::Name => Width::remainder().clip(true).at_least(110.0),
        Column::When => Width::exact(112.0),
        Column::Model => Width::exact(110.0).clip(true),
        Column::Method => Width::exact(116.0).clip(true),
        Column::Steps => Width::exact(76.0),
        Column::Loss | Column::EvalLoss => Width::exact(62.0),
        Column::Time => Width::exact(72.0),
        Column::State => Width::exact(74.0),
    }
}

fn aligned<R>(ui: &mut Ui, right: bool, content: impl FnOnce(&mut Ui) -> R) -> R {
    let layout = if right {
        Layout::right_to_left(Align::Center)
    } else {
        Layout::left_to_right(Align::Center)
    };
    ui.with_layout(layout, content).inner
}

fn head(theme: &Theme, out: &mut Vec<Command>, ui: &mut Ui, column: Column, sort: Sort) {
    let by = sort.by == column;
    let mark = match (by, sort.descending) {
        (false, _) => "",
        (true, true) => icons::CARET_DOWN,
        (true, false) => icons::CARET_UP,
    };
    aligned(ui, column.is_number(), |ui| {
        let colour = if by { theme.text() } else { theme.muted() };
        let text = egui::RichText::new(format!("{} {mark}", column.title()))
            .size(12.0)
            .color(colour);
        let response = ui.add(Button::new(text).frame(false));
        let name = format!("Sort by {}", column.title().to_lowercase());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        if response.on_hover_text(name.clone()).clicked() {
            out.push(Command::Runs(RunsCommand::Sort(column)));
        }
    });
}

fn row_ui(ctx: &mut Ctx<'_>, row: &mut TableRow<'_, '_>, run: &RunEntry) {
    let picked = ctx.state.runs.picked.contains(&run.dir);
    row.set_selected(picked);
    row.col(|ui| mark(ctx, ui, run, picked));
    for column in Column::ALL {
        row.col(|ui| {
            aligned(ui, column.is_number(), |ui| cell(ctx.theme, ui, run, column));
        });
    }
    let response = row.response();
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, picked, format!("Run: {}", run.name)));
    if response.clicked() {
        let more = response.ctx.input(|i| i.modifiers.command || i.modifiers.shift);
        let alone = ctx.state.runs.picked.len() == 1 && picked;
        send(
            ctx,
            match (more, alone) {
                (true, _) => RunsCommand::Toggle(run.dir.clone()),
                (false, true) => RunsCommand::PickNone,
                (false, false) => RunsCommand::Pick(run.dir.clone()),
            },
        );
    }
}

/// The colour of a selected run; a click selects it beside the others.
fn mark(ctx: &mut Ctx<'_>, ui: &mut Ui, run: &RunEntry, picked: bool) {
    let (rect, response) = ui.allocate_exact_size(egui::vec2(18.0, 18.0), Sense::click());
    let name = format!("Compare {}", run.name);
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, picked, &name));
    let square = egui::Rect::from_center_size(rect.center(), egui::vec2(12.0, 12.0));
    if picked {
        ui.painter().rect_filled(square, 3, colour_of(ctx.theme, run));
    } else {
        let stroke = egui::Stroke::new(1.0, ctx.theme.muted());
        ui.painter().rect_stroke(square, 3, stroke, egui::StrokeKind::Inside);
    }
    if response.on_hover_text("Select beside the others").clicked() {
        send(ctx, RunsCommand::Toggle(run.dir.clone()));
    }
}

/// The colour of a state.
pub fn end_colour(theme: &Theme, end: RunEnd) -> egui::Color32 {
    match end {
        RunEnd::Running => theme.accent(),
        RunEnd::Finished => theme.ok(),
        RunEnd::Stopped | RunEnd::Paused => theme.warn(),
        RunEnd::Broken => theme.error(),
        RunEnd::Imported => theme.muted(),
    }
}

fn cell(theme: &Theme, ui: &mut Ui, run: &RunEntry, column: Column) {
    let figures = &run.figures;
    let unknown = || "\u{2013}".to_owned();
    let loss = |loss: Option<f64>| loss.map_or_else(unknown, |loss| format!("{loss:.4}"));
    let text = match column {
        Column::Name => return name(theme, ui, run),
        Column::State => {
            ui.label(egui::RichText::new(run.end.word()).color(end_colour(theme, run.end)));
            return;
        }
        Column::When => run.when.clone(),
        Column::Model => run.model.clone(),
        Column::Method => run.method.clone(),
        Column::Steps => thousands(figures.steps as u64),
        Column::Loss => loss(figures.loss),
        Column::EvalLoss => loss(figures.eval_loss),
        Column::Time if figures.seconds > 0.0 => duration(figures.seconds),
        Column::Time => unknown(),
    };
    let text = if text.is_empty() { unknown() } else { text };
    let muted = matches!(column, Column::When | Column::Model | Column::Method);
    let colour = if muted { theme.muted() } else { theme.text() };
    ui.add(Label::new(egui::RichText::new(text).color(colour)).truncate());
}

fn name(theme: &Theme, ui: &mut Ui, run: &RunEntry) {
    ui.spacing_mut().item_spacing.x = 6.0;
    ui.add(Label::new(&run.name).truncate());
    for tag in &run.notes.tags {
        kit::badge(ui, theme.muted(), tag);
    }
    if !run.notes.text.is_empty() {
        ui.label(kit::muted(theme, icons::PENCIL))
            .on_hover_text(&run.notes.text);
    }
}
