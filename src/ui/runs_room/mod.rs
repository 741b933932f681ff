//! The Runs room: the history as a table; under it the curves of the selected runs beside each other, the last one's details, and in
//! what their recipes differ.
mod curves;
mod details;
mod differences;
mod table;

pub use curves::portrait;
use egui::{Align, Layout, TextEdit, Ui};

use super::{Ctx, icons, kit};
use crate::session::runs::{RunEnd, RunsCommand};
use crate::session::words::count;
use crate::session::{Command, Room};

/// Least height of the table and of what is under it.
const LEAST: f32 = 150.0;

/// Draws the room.
pub fn runs_room_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if !ctx.state.runs.listed {
        let reading = |ctx: &mut Ctx<'_>, ui: &mut Ui| {
            ui.label(kit::muted(ctx.theme, "Reading the runs."));
        };
        kit::room(ctx, ui, |_, _| {}, reading);
        return;
    }
    if ctx.state.runs.list.is_empty() {
        empty(ctx, ui);
        return;
    }
    kit::room(ctx, ui, footer, |ctx, ui| {
        strip(ctx, ui);
        ui.add_space(4.0);
        if ctx.state.runs.picked.is_empty() {
            table::table_ui(ctx, ui, ui.available_height());
            return;
        }
        let room = ui.available_height();
        let rows = table::height_of(ctx.state.runs.list.len());
        let height = rows.min((room * 0.45).max(LEAST)).min((room - LEAST).max(LEAST));
        table::table_ui(ctx, ui, height);
        ui.add_space(4.0);
        ui.separator();
        selected(ctx, ui);
    });
}

fn send(ctx: &mut Ctx<'_>, command: RunsCommand) {
    ctx.send(Command::Runs(command));
}

fn empty(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let undo = !ctx.state.runs.deleted.is_empty();
    kit::room(
        ctx,
        ui,
        |_, _| {},
        |ctx, ui| {
            let state = kit::Empty {
                icon: icons::CLOCK,
                title: "No runs yet",
                sentence: "Every training run of this project is kept here, with its curves, its recipe and your notes.",
                button: "Set up a run",
            };
            let mut pressed = (false, false);
            let response = kit::empty(ui, ctx.theme, state, |ui| {
                pressed.0 = kit::link(ui, ctx.theme, IMPORT).clicked();
                ui.label(kit::muted(ctx.theme, "A log of transformers or TRL becomes a run to compare with.").small());
                pressed.1 = undo && kit::link(ui, ctx.theme, "Undo the deletion").clicked();
            });
            if response.is_some_and(|response| response.clicked()) {
                ctx.send(Command::Go(Room::Train));
            }
            if pressed.0 {
                send(ctx, RunsCommand::ImportDialog);
            }
            if pressed.1 {
                send(ctx, RunsCommand::UndoDelete);
            }
        },
    );
}

const IMPORT: &str = "Import trainer_state.json...";

/// Search, how many there are, what can be brought in or back.
fn strip(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    ui.horizontal(|ui| {
        let mut text = ctx.state.runs.search.clone();
        let field = TextEdit::singleline(&mut text).hint_text("Search name, model, method, tags, notes");
        let response = ui.add(field.desired_width(280.0).margin(egui::vec2(8.0, 5.0)));
        let response = response.accessible_name("Search the runs");
        if response.changed() {
            send(ctx, RunsCommand::Search(text));
        }
        let all = ctx.state.runs.list.len();
        let found = ctx.state.runs.visible().len();
        let words = if found == all {
            count(all, "run")
        } else {
            format!("{found} of {}", count(all, "run"))
        };
        ui.label(kit::muted(ctx.theme, words));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if kit::quiet(ui, icons::DOWNLOAD, IMPORT).clicked() {
                send(ctx, RunsCommand::ImportDialog);
            }
            if kit::icon_button(ui, icons::ARROW_CLOCKWISE, "Read the runs again").clicked() {
                send(ctx, RunsCommand::Refresh);
            }
            if let Some(deleted) = ctx.state.runs.deleted.last() {
                let what = match &deleted[..] {
                    [one] => one.name.clone(),
                    more => count(more.len(), "run"),
                };
                if kit::button(ui, icons::UNDO, "Undo").clicked() {
                    send(ctx, RunsCommand::UndoDelete);
                }
                ui.label(kit::muted(ctx.theme, format!("{what} in the bin")));
            }
        });
    });
}

/// Curves on the left; on the right the details of one run, or the differences of several.
fn selected(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let height = ui.available_height();
    let side = (ui.available_width() * 0.42).clamp(330.0, 560.0);
    let left = ui.available_width() - side - 16.0;
    ui.horizontal_top(|ui| {
        ui.allocate_ui_with_layout(egui::vec2(left, height), Layout::top_down(Align::Min), |ui| {
            ui.set_min_size(egui::vec2(left, height));
            curves::curves_ui(ctx, ui);
        });
        ui.add_space(8.0);
        ui.allocate_ui_with_layout(egui::vec2(side, height), Layout::top_down(Align::Min), |ui| {
            ui.set_width(side);
            let area = egui::ScrollArea::vertical().id_salt("run details").auto_shrink(false);
            area.show(ui, |ui| {
                // The bar of the area floats over its right edge.
                ui.set_max_width(ui.available_width() - 10.0);
                if ctx.state.runs.picked.len() > 1 {
                    differences::differences_ui(ctx, ui);
                    ui.add_space(12.0);
                }
                details::details_ui(ctx, ui);
            });
        });
    });
}

fn footer(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(run) = ctx.state.runs.current() else {
        ui.label(kit::muted(
            ctx.theme,
            "Click a run to see its curves; tick several to compare them.",
        ));
        return;
    };
    let (dir, name) = (run.dir.clone(), run.name.clone());
    let can_resume = matches!(run.end, RunEnd::Broken | RunEnd::Paused | RunEnd::Stopped);
    let resume = run.checkpoint.as_ref().filter(|_| can_resume).map(|(step, _)| *step);
    let chat = run.result.is_some() || run.checkpoint.is_some();
    let next = match (run.end, resume) {
        (RunEnd::Running, _) => Some(("Watch it train".to_owned(), None, RunsCommand::Open(dir.clone()))),
        (RunEnd::Broken | RunEnd::Paused, Some(step)) => {
            let busy = ctx.state.run.is_active().then_some("Another run is being trained.");
            Some((
                format!("Resume from step {step}"),
                busy,
                RunsCommand::Resume(dir.clone()),
            ))
        }
        _ if chat => Some((format!("Chat with {name}"), None, RunsCommand::Chat(dir.clone()))),
        _ => None,
    };
    if let Some((label, blocked, command)) = next
        && kit::primary(ui, ctx.theme, &label, blocked).clicked()
    {
        send(ctx, command);
    }
    if let Some(step) = resume.filter(|_| run.end == RunEnd::Stopped && !ctx.state.run.is_active())
        && kit::button(ui, "", &format!("Go on from step {step}")).clicked()
    {
        send(ctx, RunsCommand::Resume(dir.clone()));
    }
    if run.recipe.is_some()
        && kit::button(ui, icons::COPY, "Duplicate and edit")
            .on_hover_text("Puts this run's recipe into the Train room")
            .clicked()
    {
        send(ctx, RunsCommand::Duplicate(dir.clone()));
    }
    if kit::button(ui, icons::TRASH, "Delete")
        .on_hover_text("Moves the selected runs to the project's bin")
        .clicked()
    {
        send(ctx, RunsCommand::Delete);
    }
}
