//! The template beside what it is compared with, line by line. Knows lines, not Jinja.

use egui::{RichText, ScrollArea, TextStyle, Ui};

use super::super::{Ctx, icons, kit};
use crate::session::preview::{self, ComparedLine, LineChange, LookCommand, TemplateCommand, compare};
use crate::session::{Command, words};

/// The switch between editor and comparison; absent where there is nothing to compare.
pub fn toggle_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some((what, _)) = preview::compared_with(ctx.state) else {
        return;
    };
    let on = ctx.state.preview.look.compare;
    let name = if on {
        "Back to the editor"
    } else {
        "Show the difference"
    };
    let response = kit::icon_button(ui, icons::DIFFERENCE, name).on_hover_text(format!("To {what}"));
    if response.clicked() {
        ctx.send(Command::Template(TemplateCommand::Look(LookCommand::Compare(!on))));
    }
}

/// Draws the comparison; false where there is nothing to compare.
pub fn compared_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) -> bool {
    let Some((what, old)) = preview::compared_with(ctx.state) else {
        return false;
    };
    let lines = compare(old, &ctx.state.preview.editor.text);
    let count = |change: LineChange| lines.iter().filter(|l| l.change == change).count();
    let (added, removed) = (count(LineChange::Added), count(LineChange::Removed));
    let words = format!(
        "Against {what}: {} added, {removed} removed.",
        words::count(added, "line")
    );
    ui.label(kit::muted(ctx.theme, words));
    let height = ui.text_style_height(&TextStyle::Monospace);
    let frame = egui::Frame::new().fill(ctx.theme.background()).corner_radius(4);
    frame.show(ui, |ui| {
        let area = ScrollArea::both().id_salt("template difference").auto_shrink(false);
        area.show_rows(ui, height, lines.len(), |ui, rows| {
            for line in &lines[rows] {
                line_ui(ctx, ui, line);
            }
        });
    });
    true
}

fn line_ui(ctx: &Ctx<'_>, ui: &mut Ui, line: &ComparedLine) {
    let (sign, colour) = match line.change {
        LineChange::Same => (' ', ctx.theme.muted()),
        LineChange::Added => ('+', ctx.theme.ok()),
        LineChange::Removed => ('-', ctx.theme.error()),
    };
    let text = format!("{:>4} {sign} {}", line.number, line.text);
    ui.add(egui::Label::new(RichText::new(text).monospace().color(colour)).extend());
}
