//! The rows as a virtualised table: only what is visible is laid out.

use egui::{Align, Label, Layout, Sense, Ui};
use egui_extras::{Column, TableBuilder, TableRow};

use super::super::{Ctx, icons, kit};
use crate::audit::{Finding, Severity};
use crate::data::{Conversation, Role, Split};
use crate::session::words::{first_words, thousands};
use crate::session::{Command, DataCommand, audit, can_count};

const ROW_HEIGHT: f32 = 26.0;

/// Draws the table.
pub fn table_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(set) = ctx.state.data.set.clone() else { return };
    let matches = ctx.state.data.matches.clone();
    let len = matches.as_ref().map_or(set.conversations.len(), |m| m.len());
    arrows(ctx, ui);
    let selected = ctx.state.data.selected;
    let moved = ui.data_mut(|d| {
        let shown = d.get_temp_mut_or(egui::Id::unique("shown row"), selected);
        std::mem::replace(shown, selected) != selected
    });
    ui.style_mut().interaction.selectable_labels = false;
    ui.spacing_mut().item_spacing = egui::vec2(12.0, 0.0);
    let mut table = TableBuilder::new(ui)
        .striped(false)
        .sense(Sense::click())
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::exact(64.0))
        .column(Column::remainder().clip(true).at_least(120.0))
        .column(Column::exact(48.0))
        .column(Column::exact(84.0))
        .column(Column::exact(92.0))
        .auto_shrink(false);
    let at = match &matches {
        Some(rows) => rows.binary_search(&selected).ok(),
        None => Some(selected),
    };
    if let Some(at) = at.filter(|at| moved && *at < len) {
        table = table.scroll_to_row(at, None);
    }
    let measure = if ctx.state.model.selected.is_some() {
        "Tokens"
    } else {
        "Characters"
    };
    let table = table.header(26.0, |mut row| {
        for (title, right) in [
            ("Line", true),
            ("First words", false),
            ("Turns", true),
            (measure, true),
            ("Flags", false),
        ] {
            row.col(|ui| {
                let text = kit::muted(ctx.theme, title).size(12.0);
                if right {
                    right_aligned(ui, |ui| ui.label(text))
                } else {
                    ui.label(text)
                };
            });
        }
    });
    let mut uncounted = Vec::new();
    table.body(|body| {
        body.rows(ROW_HEIGHT, len, |mut row| {
            let index = matches.as_ref().map_or(row.index(), |m| m[row.index()]);
            if ctx.state.data.lengths.of(index).is_none() {
                uncounted.push(index);
            }
            row.set_selected(index == selected);
            let line = set.conversations[index].source.line;
            cells(ctx, &mut row, (index, &set.conversations[index]));
            let response = row.response();
            response.widget_info(|| {
                egui::WidgetInfo::selected(egui::Role::Button, true, index == selected, format!("Line {line}"))
            });
            if response.clicked() {
                ctx.send(Command::Data(DataCommand::Select(index)));
            }
        });
    });
    if !uncounted.is_empty() && can_count(ctx.state) {
        ctx.send(Command::Data(DataCommand::CountTokens(uncounted)));
    }
}

/// Up and down step through the rows unless a text field has the keys.
fn arrows(ctx: &mut Ctx<'_>, ui: &Ui) {
    if ui.ctx().egui_wants_keyboard_input() || ctx.state.nav.palette {
        return;
    }
    let (up, down) = ui.input(|i| (i.key_pressed(egui::Key::ArrowUp), i.key_pressed(egui::Key::ArrowDown)));
    if up || down {
        ctx.send(Command::Data(DataCommand::Step(if up { -1 } else { 1 })));
    }
}

fn right_aligned<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.with_layout(Layout::right_to_left(Align::Center), content).inner
}

fn cells(ctx: &Ctx<'_>, row: &mut TableRow<'_, '_>, (index, conversation): (usize, &Conversation)) {
    let theme = ctx.theme;
    row.col(|ui| {
        right_aligned(ui, |ui| {
            ui.label(kit::muted(theme, thousands(conversation.source.line as u64)))
        });
    });
    row.col(|ui| {
        ui.add(Label::new(first_words(opening(conversation), 120)).truncate());
    });
    row.col(|ui| {
        right_aligned(ui, |ui| ui.label(conversation.messages.len().to_string()));
    });
    row.col(|ui| {
        let (words, tip) = length(ctx, index, conversation);
        right_aligned(ui, |ui| ui.label(words).on_hover_text(tip));
    });
    row.col(|ui| {
        flags(ctx, ui, conversation);
    });
}

/// Tokens of a row, its characters while there is no model, and what that means.
fn length(ctx: &Ctx<'_>, index: usize, conversation: &Conversation) -> (String, &'static str) {
    match ctx.state.data.lengths.of(index) {
        Some(Some(tokens)) => (thousands(tokens as u64), "Tokens with the template's markers"),
        Some(None) => (
            "\u{2013}".into(),
            "The template refuses this row or takes too long: select it to see",
        ),
        None if ctx.state.model.selected.is_none() => {
            let characters: usize = conversation.messages.iter().map(|m| m.content.chars().count()).sum();
            (thousands(characters as u64), "Characters; tokens depend on the model")
        }
        None => ("\u{2026}".into(), "Not counted yet"),
    }
}

/// Held out, and what the audit found in the row.
fn flags(ctx: &Ctx<'_>, ui: &mut Ui, conversation: &Conversation) {
    let theme = ctx.theme;
    if conversation.split == Split::Eval {
        kit::badge(ui, theme.warn(), "held out");
    }
    let report = audit::fresh(ctx.state);
    let file = ctx.state.data.set.as_ref().map_or(0, |set| set.file_of(conversation));
    let found = report.into_iter().flat_map(|r| r.of_row(file, conversation.source.row));
    let mut found: Vec<&Finding> = found.filter(|f| f.severity != Severity::Note).collect();
    found.sort_by_key(|f| f.severity);
    if let Some(worst) = found.first() {
        let (icon, colour) = match worst.severity {
            Severity::Serious => (icons::WARNING_CIRCLE, theme.error()),
            _ => (icons::WARNING, theme.warn()),
        };
        let names: Vec<String> = found.iter().map(|f| f.kind.name().replace('-', " ")).collect();
        let tip = format!("The audit found: {}", names.join(", "));
        ui.label(egui::RichText::new(icon).color(colour)).on_hover_text(tip);
    }
}

/// What the user says first, else whatever stands first.
fn opening(conversation: &Conversation) -> &str {
    let user = conversation.messages.iter().find(|m| m.role == Role::User);
    user.or(conversation.messages.first())
        .map_or("", |m| m.content.as_str())
}
