//! The lines above the panes: which template, which row, what is learned. Knows names, not templates.

use egui::{Align, ComboBox, DragValue, Key, Layout, RichText, Ui, WidgetInfo};

use super::super::{Ctx, fonts, icons, kit};
use crate::session::audit::AuditCommand;
use crate::session::preview::{Source, TemplateCommand, builtin_label};
use crate::session::{Command, DataCommand, words};
use crate::template::{Mode, Template};

/// Draws both lines.
pub fn toolbar_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    ui.horizontal(|ui| {
        template_menu(ctx, ui);
        if ctx.state.preview.editor.is_edited() {
            kit::badge(ui, ctx.theme.accent(), "edited")
                .on_hover_text("This is a copy in the project; what it was copied from stays as it is.");
        }
        if ctx.state.preview.editor.source == Source::Model && ctx.state.preview.has_own() == Some(false) {
            ui.label(kit::muted(
                ctx.theme,
                "The model has no template of its own: ChatML is used.",
            ));
        }
        if ctx.state.preview.slow.is_busy() {
            ui.spinner();
            ui.label(kit::muted(ctx.theme, "Rendering; this template or row takes long."));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| stepper(ctx, ui));
    });
    ui.horizontal(|ui| {
        modes(ctx, ui);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| count(ctx, ui));
    });
}

fn template_menu(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let source = ctx.state.preview.editor.source.clone();
    let current = match &source {
        Source::Model if ctx.state.preview.has_own() == Some(true) => "Model's own".to_owned(),
        Source::Model => "ChatML (automatic)".to_owned(),
        Source::Builtin(name) => builtin_label(name),
        Source::File(path) => path
            .file_name()
            .map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned()),
    };
    let mut chosen = None;
    let combo = ComboBox::from_id_salt("template menu")
        .selected_text(&current)
        .width(150.0);
    let response = combo.show_ui(ui, |ui| {
        if ui
            .selectable_label(source == Source::Model, "Model's own, else ChatML")
            .clicked()
        {
            chosen = Some(TemplateCommand::UseModels);
        }
        for name in Template::builtin_names() {
            let is = source == Source::Builtin((*name).into());
            if ui.selectable_label(is, builtin_label(name)).clicked() {
                chosen = Some(TemplateCommand::UseBuiltin((*name).into()));
            }
        }
        ui.separator();
        if ui.selectable_label(false, "Open .jinja file...").clicked() {
            chosen = Some(TemplateCommand::OpenDialog);
        }
    });
    response
        .response
        .widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Template"));
    if let Some(command) = chosen {
        ctx.send(Command::Template(command));
    }
}

/// Steps through the rows, laid out from the right.
fn stepper(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let rows = ctx.state.data.len();
    if rows == 0 {
        ui.label(kit::muted(ctx.theme, "Example row"));
        return;
    }
    let selected = ctx.state.data.selected;
    let mut step = 0;
    ui.add_enabled_ui(selected + 1 < rows, |ui| {
        if kit::icon_button(ui, icons::ARROW_RIGHT, "Next row").clicked() {
            step = 1;
        }
    });
    ui.add_enabled_ui(selected > 0, |ui| {
        if kit::icon_button(ui, icons::ARROW_LEFT, "Previous row").clicked() {
            step = -1;
        }
    });
    if kit::icon_button(ui, icons::SKIP, "Next row with a problem").clicked() {
        ctx.send(Command::Audit(AuditCommand::NextProblem));
    }
    ui.label(kit::muted(ctx.theme, format!("of {}", words::thousands(rows as u64))));
    let mut number = selected + 1;
    let drag = ui.add(DragValue::new(&mut number).range(1..=rows).speed(0.2));
    drag.widget_info(|| WidgetInfo::labeled(egui::Role::SpinButton, true, "Row number"));
    ui.label("Row");
    chosen_rows(ctx, ui);
    // Arrow keys step rows unless something is being typed.
    if ui.memory(|m| m.focused().is_none()) {
        ui.input(|i| {
            step += isize::from(i.key_pressed(Key::ArrowRight)) + isize::from(i.key_pressed(Key::ArrowDown));
            step -= isize::from(i.key_pressed(Key::ArrowLeft)) + isize::from(i.key_pressed(Key::ArrowUp));
        });
    }
    if step != 0 {
        ctx.send(Command::Data(DataCommand::Step(step)));
    } else if drag.changed() {
        ctx.send(Command::Data(DataCommand::Select(number - 1)));
    }
}

/// The finding whose rows are stepped through, with the way back to all rows.
fn chosen_rows(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(chosen) = &ctx.state.audit.rows else {
        return;
    };
    let at = chosen.rows.partition_point(|r| *r < ctx.state.data.selected) + 1;
    let words = format!(
        "{}: {} of {}",
        chosen.name,
        at.min(chosen.rows.len()),
        chosen.rows.len()
    );
    if kit::icon_button(ui, icons::X, "All rows").clicked() {
        ctx.send(Command::Audit(AuditCommand::AllRows));
    }
    kit::badge(ui, ctx.theme.accent(), &words).on_hover_text("Previous and next go through the rows of this finding.");
}

/// What each mode is called, and what it does.
const MODES: [(Mode, &str, &str); 6] = [
    (
        Mode::Assistant,
        "Assistant turns",
        "Everything that the assistant says, and the ends of its turns. The usual choice.",
    ),
    (
        Mode::Last,
        "Last turn",
        "Only the assistant's last turn; the turns before are context.",
    ),
    (
        Mode::Flags,
        "Flags",
        "Messages that the row marks with \"train\" or \"weight\".",
    ),
    (
        Mode::Completion,
        "Completion",
        "For rows of prompt and completion: the completion.",
    ),
    (Mode::All, "Everything", "Every token, as in pretraining."),
    (
        Mode::Template,
        "Template's own",
        "What stands in the template's {% generation %} blocks.",
    ),
];

fn modes(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let current = ctx.state.recipe.recipe.data.mode;
    ui.label(kit::muted(ctx.theme, "Learn"));
    ui.spacing_mut().item_spacing.x = 2.0;
    for (mode, name, tip) in MODES {
        if ui.selectable_label(mode == current, name).on_hover_text(tip).clicked() && mode != current {
            ctx.send(Command::Template(TemplateCommand::Mode(mode)));
        }
    }
}

fn count(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(shown) = ctx.state.preview.shown.as_ref().filter(|s| !s.pieces.is_empty()) else {
        return;
    };
    let words = format!(
        "{} of {} learned",
        words::thousands(shown.learned as u64),
        words::count(shown.pieces.len(), "token")
    );
    let colour = if shown.learned == 0 {
        ctx.theme.warn()
    } else {
        ctx.theme.text()
    };
    ui.label(RichText::new(words).family(fonts::strong()).color(colour));
}
