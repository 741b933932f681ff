//! The flow on top: project, base, data, template, method. Each part opens its room; a red dot marks a problem.

use egui::{Frame, Layout, Margin, Panel, RichText, Ui};

use super::super::{Ctx, icons, kit};
use crate::session::runs::method_words;
use crate::session::words::{file_names, parameters, thousands};
use crate::session::{Command, Room, ShellCommand, State, ThemeChoice};

/// Draws the top line.
pub fn breadcrumb_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let frame = Frame::new()
        .fill(ctx.theme.background())
        .inner_margin(Margin::symmetric(12, 5));
    Panel::top("breadcrumb").frame(frame).exact_size(38.0).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            let folder = ctx.state.project_dir().display().to_string();
            ui.label(kit::strong(&ctx.state.project.name)).on_hover_text(folder);
            ui.add_space(8.0);
            part(ctx, ui, Room::Model, &model(ctx.state));
            arrow(ctx, ui);
            part(ctx, ui, Room::Data, &data(ctx.state));
            arrow(ctx, ui);
            part(ctx, ui, Room::Template, &template(ctx.state));
            arrow(ctx, ui);
            part(ctx, ui, Room::Train, &method_words(&ctx.state.recipe.recipe));
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| tools(ctx, ui));
        });
    });
}

fn part(ctx: &mut Ctx<'_>, ui: &mut Ui, room: Room, text: &str) {
    let problem = ctx.state.problem_of(room);
    if problem.is_some() {
        let (rect, _) = ui.allocate_exact_size(egui::vec2(7.0, 7.0), egui::Sense::hover());
        ui.painter().circle_filled(rect.center(), 3.5, ctx.theme.error());
        ui.add_space(-4.0);
    }
    let here = ctx.state.nav.room == room;
    let text = RichText::new(text).color(if here { ctx.theme.text() } else { ctx.theme.muted() });
    let tip = problem.unwrap_or_else(|| format!("Open {}", room.name()));
    if ui
        .add(egui::Button::new(text).frame_when_inactive(false))
        .on_hover_text(tip)
        .clicked()
    {
        ctx.send(Command::Go(room));
    }
}

fn arrow(ctx: &Ctx<'_>, ui: &mut Ui) {
    ui.label(RichText::new(icons::CARET_RIGHT).size(11.0).color(ctx.theme.muted()));
}

fn model(state: &State) -> String {
    match (state.model.card(), &state.model.selected) {
        (Some(card), _) => format!("Base: {} ({})", card.name, parameters(card.parameters)),
        (None, Some(path)) => format!("Base: {path}"),
        (None, None) => "Base: none yet".into(),
    }
}

fn data(state: &State) -> String {
    match &state.data.set {
        Some(set) => {
            let name = file_names(set.files());
            format!("Data: {name} {}", thousands(state.data.len() as u64))
        }
        None => "Data: none yet".into(),
    }
}

fn template(state: &State) -> String {
    let part = &state.recipe.recipe.template;
    match (&part.name, &part.file) {
        (_, Some(file)) => file
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default(),
        (Some(name), None) => template_name(name),
        (None, None) if state.model.card().is_some_and(|c| c.has_template) => "Model's template".into(),
        (None, None) => "ChatML".into(),
    }
}

fn template_name(name: &str) -> String {
    match name {
        "chatml" => "ChatML".into(),
        "llama3" => "Llama 3".into(),
        "gemma" => "Gemma".into(),
        "plain" => "Plain".into(),
        other => other.into(),
    }
}

fn tools(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let count = ctx.state.problems.list.len();
    let bell = if count == 0 {
        "Problems: none".into()
    } else {
        format!("Problems: {count}")
    };
    if kit::icon_button(ui, icons::BELL, &bell).clicked() {
        ctx.send(Command::Shell(ShellCommand::ToggleProblems));
    }
    if count > 0 {
        ui.add_space(-6.0);
        ui.label(RichText::new(count.to_string()).small().color(ctx.theme.error()));
    }
    let (icon, name, choice) = if ctx.theme.dark {
        (icons::SUN, "Use the light theme", ThemeChoice::Light)
    } else {
        (icons::MOON, "Use the dark theme", ThemeChoice::Dark)
    };
    if kit::icon_button(ui, icon, name).clicked() {
        ctx.send(Command::Shell(ShellCommand::Theme(choice)));
    }
    if kit::icon_button(ui, icons::COMMAND, "Show all commands (Ctrl+K)").clicked() {
        ctx.send(Command::Shell(ShellCommand::TogglePalette));
    }
}
