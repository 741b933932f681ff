//! The run that was selected last: its figures, the user's notes, what can be done with it.

use egui::{Id, Sense, TextEdit, Ui, WidgetInfo, vec2};

use super::super::{Ctx, icons, kit};
use super::{send, table};
use crate::session::runs::{COLOURS, RunEnd, RunEntry, RunsCommand};
use crate::session::words::{bytes, duration, parameters, thousands};

/// Draws the details.
pub fn details_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(run) = ctx.state.runs.current() else { return };
    ui.horizontal_wrapped(|ui| {
        ui.heading(&run.name);
        kit::badge(ui, table::end_colour(ctx.theme, run.end), run.end.word());
    });
    figures(ctx, ui, run);
    ui.add_space(6.0);
    notes(ctx, ui, run);
    ui.add_space(6.0);
    actions(ctx, ui, run);
}

/// Parts beside each other; a line does not break within one.
fn in_words(parts: &[impl AsRef<str>]) -> String {
    let whole: Vec<String> = parts.iter().map(|part| part.as_ref().replace(' ', "\u{a0}")).collect();
    whole.join("   ")
}

fn figures(ctx: &Ctx<'_>, ui: &mut Ui, run: &RunEntry) {
    let figures = &run.figures;
    let steps = thousands(figures.steps as u64);
    let steps = if figures.of > figures.steps {
        format!("{steps} of {}", thousands(figures.of as u64))
    } else {
        steps
    };
    let mut parts = vec![format!("{steps} steps")];
    let losses = [("loss", figures.loss), ("best held out", figures.eval_loss)];
    parts.extend(
        losses
            .into_iter()
            .filter_map(|(name, loss)| Some(format!("{name} {:.4}", loss?))),
    );
    if figures.tokens > 0 {
        parts.push(format!("{} tokens", parameters(figures.tokens)));
    }
    if figures.seconds > 0.0 {
        parts.push(duration(figures.seconds));
    }
    if figures.peak_memory > 0 {
        parts.push(format!("peak memory {}", bytes(figures.peak_memory)));
    }
    ui.add(egui::Label::new(kit::muted(ctx.theme, in_words(&parts))).wrap());
    let what: Vec<&str> = [&run.when, &run.model, &run.method]
        .into_iter()
        .map(String::as_str)
        .collect();
    let what: Vec<&str> = what.into_iter().filter(|text| !text.is_empty()).collect();
    ui.add(egui::Label::new(kit::muted(ctx.theme, in_words(&what))).wrap());
}

fn notes(ctx: &mut Ctx<'_>, ui: &mut Ui, run: &RunEntry) {
    let mut text = run.notes.text.clone();
    let field = TextEdit::multiline(&mut text)
        .id_salt(("notes", &run.dir))
        .hint_text("Notes")
        .desired_rows(2);
    let response = ui.add(field.desired_width(f32::INFINITY).margin(vec2(8.0, 6.0)));
    let response = response.accessible_name("Notes");
    if response.changed() {
        send(ctx, RunsCommand::Text(run.dir.clone(), text));
    }
    tags(ctx, ui, run);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.label(kit::muted(ctx.theme, "Colour"));
        for colour in 0..COLOURS {
            swatch(ctx, ui, run, colour);
        }
    });
}

/// Tags are taken over when the field is left: a comma that is being typed is no tag yet.
fn tags(ctx: &mut Ctx<'_>, ui: &mut Ui, run: &RunEntry) {
    let key = Id::unique(("tags being typed", &run.dir));
    let kept = run.notes.tags.join(", ");
    let mut typed = ui.data(|d| d.get_temp::<String>(key)).unwrap_or_else(|| kept.clone());
    let field = TextEdit::singleline(&mut typed)
        .id_salt(("tags", &run.dir))
        .hint_text("Tags, separated by commas");
    let response = ui.add(field.desired_width(f32::INFINITY).margin(vec2(8.0, 5.0)));
    let response = response.accessible_name("Tags");
    if response.lost_focus() {
        ui.data_mut(|d| d.remove_temp::<String>(key));
        send(ctx, RunsCommand::Tags(run.dir.clone(), typed));
    } else if response.changed() {
        ui.data_mut(|d| d.insert_temp(key, typed));
    }
}

fn swatch(ctx: &mut Ctx<'_>, ui: &mut Ui, run: &RunEntry, colour: usize) {
    let (rect, response) = ui.allocate_exact_size(vec2(18.0, 18.0), Sense::click());
    let chosen = run.notes.colour == Some(colour);
    let name = format!("Colour {}", colour + 1);
    response.widget_info(|| WidgetInfo::selected(egui::Role::RadioButton, true, chosen, &name));
    ui.painter()
        .circle_filled(rect.center(), 6.0, ctx.theme.palette(colour));
    if chosen || response.has_focus() {
        ui.painter()
            .circle_stroke(rect.center(), 8.0, egui::Stroke::new(1.5, ctx.theme.text()));
    }
    if response.on_hover_text(name.clone()).clicked() {
        send(ctx, RunsCommand::Colour(run.dir.clone(), colour));
    }
}

fn actions(ctx: &mut Ctx<'_>, ui: &mut Ui, run: &RunEntry) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        let mut action = |ui: &mut Ui, icon: &str, label: &str, tip: &str, command: RunsCommand| {
            if kit::button(ui, icon, label).on_hover_text(tip).clicked() {
                send(ctx, command);
            }
        };
        let dir = || run.dir.clone();
        if run.end != RunEnd::Imported {
            let tip = "Shows all curves, answers and events in the Train room";
            action(ui, icons::CHART, "Open in Train", tip, RunsCommand::Open(dir()));
        }
        let tip = "Shows the run folder in the system's file manager";
        action(ui, icons::FOLDER, "Open folder", tip, RunsCommand::ShowFolder(dir()));
        let tip = "Into the run's tensorboard folder";
        action(
            ui,
            icons::EXPORT,
            "Write TensorBoard files",
            tip,
            RunsCommand::TensorBoard(dir()),
        );
        let tip = "Puts the numbers of all steps on the clipboard";
        action(ui, icons::COPY, "Copy as CSV", tip, RunsCommand::CopyCsv(dir()));
    });
}
