//! The line above the table: what was read, kept and skipped, and why.

use egui::{RichText, ScrollArea, TextEdit, Ui};

use super::super::{Ctx, icons, kit};
use crate::data::{DataSet, Schema};
use crate::session::words::{count, file_names, thousands};
use crate::session::{Command, DataCommand};

/// Draws the strip and, when unfolded, the list of row problems.
pub fn strip_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(set) = ctx.state.data.set.clone() else { return };
    let name = file_names(set.files());
    let paths: Vec<String> = set.files().map(|path| path.display().to_string()).collect();
    ui.horizontal(|ui| {
        ui.heading(&name).on_hover_text(paths.join("\n"));
        kit::badge(ui, ctx.theme.accent(), schema_name(set.schema)).on_hover_text("The schema that the rows follow");
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| search(ctx, ui));
    });
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 16.0;
        number(ctx, ui, "read", set.rows_read);
        number(ctx, ui, "kept", set.conversations.len());
        skipped(ctx, ui, &set);
        let counts = ctx.state.data.counts;
        let tip = "Held-out rows are not learned from; their loss tells whether the model only memorises. Change the share in Train.";
        number(ctx, ui, "held out", counts.eval).on_hover_text(tip);
    });
    if ctx.state.data.show_problems {
        problems(ctx, ui, &set);
    }
}

fn number(ctx: &Ctx<'_>, ui: &mut Ui, what: &str, value: usize) -> egui::Response {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.label(kit::strong(thousands(value as u64)));
        ui.label(kit::muted(ctx.theme, what));
    })
    .response
}

fn skipped(ctx: &mut Ctx<'_>, ui: &mut Ui, set: &DataSet) {
    let skipped = set.problems.iter().filter(|p| p.skipped).count();
    let noted = set.problems.len() - skipped;
    if set.problems.is_empty() {
        number(ctx, ui, "skipped", 0);
        return;
    }
    let notes = if noted > 0 {
        format!(", {}", count(noted, "note"))
    } else {
        String::new()
    };
    let label = format!("{} skipped{notes}: why?", thousands(skipped as u64));
    let colour = if skipped > 0 {
        ctx.theme.error()
    } else {
        ctx.theme.warn()
    };
    let text = RichText::new(&label).color(colour);
    if ui.add(egui::Button::new(text).frame_when_inactive(false)).clicked() {
        ctx.send(Command::Data(DataCommand::ToggleProblems));
    }
}

fn problems(ctx: &mut Ctx<'_>, ui: &mut Ui, set: &DataSet) {
    let theme = ctx.theme;
    ui.add_space(4.0);
    kit::card(ui, theme, |ui| {
        let height = ui.text_style_height(&egui::TextStyle::Body) + ui.spacing().item_spacing.y;
        let area = ScrollArea::vertical()
            .id_salt("row problems")
            .max_height(150.0)
            .auto_shrink([false, true]);
        area.show_rows(ui, height, set.problems.len(), |ui, range| {
            for problem in &set.problems[range] {
                ui.horizontal(|ui| {
                    let (icon, colour) = if problem.skipped {
                        (icons::WARNING_CIRCLE, theme.error())
                    } else {
                        (icons::INFO, theme.warn())
                    };
                    ui.colored_label(colour, icon);
                    ui.label(kit::muted(theme, format!("Line {}", thousands(problem.line as u64))));
                    let field = problem.field.as_ref().map(|f| format!("{f}: ")).unwrap_or_default();
                    // The room names file and line already.
                    let file = format!(" ({}", problem.file.display());
                    let row = format!("Row {}: ", problem.row);
                    let message = problem.message.split(&file).next().unwrap_or_default();
                    let message = message.strip_prefix(&row).unwrap_or(message);
                    ui.add(egui::Label::new(format!("{field}{message}")).truncate());
                });
            }
        });
    });
}

fn search(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let mut text = ctx.state.data.search.clone();
    let field = TextEdit::singleline(&mut text)
        .id_salt("data search")
        .hint_text("Search rows")
        .desired_width(180.0);
    let response = ui.add(field);
    response.widget_info(|| egui::WidgetInfo::text_edit(true, &text, &text, "Search rows"));
    if response.changed() {
        ctx.send(Command::Data(DataCommand::Search(text)));
    }
    if let Some(matches) = &ctx.state.data.matches {
        ui.label(kit::muted(
            ctx.theme,
            count(matches.len(), "match").replace("matchs", "matches"),
        ));
    }
}

fn schema_name(schema: Schema) -> &'static str {
    match schema {
        Schema::Messages => "messages",
        Schema::Alpaca => "alpaca",
        Schema::ShareGpt => "sharegpt",
        Schema::PromptCompletion => "prompt + completion",
        Schema::Preference => "prompt + chosen",
        Schema::Text => "text",
    }
}
