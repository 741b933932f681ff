//! Before a run: what will happen, in figures and sentences.

use egui::Ui;

use super::super::{Ctx, icons, kit};
use super::memory;
use crate::session::words::{bytes, count, duration, thousands};
use crate::session::{Command, DataCommand, Plan, Room, TrainCommand};

/// Draws the forecast, or what is missing for one.
pub fn forecast_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let Some(plan) = ctx.state.plan.clone() else {
        nothing_yet(ctx, ui);
        return;
    };
    kit::heading(
        ui,
        ctx.theme,
        "What will happen",
        "Estimates; the first steps tell more.",
    );
    ui.add_space(12.0);
    let (time, pace) = match plan.seconds {
        Some(seconds) => (format!("about {}", duration(seconds)), "by the last run's pace"),
        None => ("not known yet".into(), "the first run tells"),
    };
    ui.columns(4, |columns| {
        tile(
            ctx,
            &mut columns[0],
            "Steps",
            thousands(plan.steps as u64),
            &steps_words(ctx),
        );
        tile(
            ctx,
            &mut columns[1],
            "Tokens",
            format!("about {}", short(plan.tokens)),
            "over the whole run",
        );
        tile(ctx, &mut columns[2], "Time", time, pace);
        tile(
            ctx,
            &mut columns[3],
            "Memory",
            bytes(plan.memory.total()),
            "estimated peak",
        );
    });
    ui.add_space(16.0);
    memory::memory_ui(ctx, ui, &plan);
    ui.add_space(16.0);
    lints_ui(ctx, ui, &plan);
    kit::caption(ui, ctx.theme, "In words");
    ui.spacing_mut().interact_size.y = 20.0;
    for line in sentences(ctx, &plan) {
        ui.horizontal(|ui| {
            ui.colored_label(ctx.theme.muted(), icons::CHECK);
            ui.label(line);
        });
    }
}

/// What is probably not meant, each with the change that would mend it.
fn lints_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, plan: &Plan) {
    if plan.lints.is_empty() {
        return;
    }
    kit::caption(ui, ctx.theme, "Before you start");
    for lint in &plan.lints {
        ui.horizontal_wrapped(|ui| {
            ui.colored_label(ctx.theme.warn(), icons::WARNING);
            ui.label(&lint.message);
            if let Some(fix) = &lint.fix {
                let setting = fix.split_once('.').map_or(fix.as_str(), |(_, setting)| setting);
                let label = format!("Set {}", setting.replace('_', " ").replace('=', " to "));
                if kit::link(ui, ctx.theme, &label).clicked() {
                    ctx.send(Command::Train(TrainCommand::Set(vec![fix.clone()])));
                }
            }
        });
    }
    ui.add_space(16.0);
}

fn nothing_yet(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let no_model = ctx.state.model.selected.is_none();
    let (sentence, button, command) = if no_model {
        (
            "A run needs a base model and examples. Pick the model first.",
            "Pick a model",
            Command::Go(Room::Model),
        )
    } else {
        (
            "A run needs examples to learn from.",
            "Open data file...",
            Command::Data(DataCommand::OpenDialog),
        )
    };
    let state = kit::Empty {
        icon: icons::CHART,
        title: "Nothing to train yet",
        sentence,
        button,
    };
    let pressed = kit::empty(ui, ctx.theme, state, |ui| {
        if kit::link(ui, ctx.theme, "Try it with the starter and a sample").clicked() {
            ctx.send(Command::TryIt);
        }
    });
    if pressed.is_some_and(|r| r.clicked()) {
        ctx.send(command);
    }
}

fn tile(ctx: &Ctx<'_>, ui: &mut Ui, name: &str, value: impl Into<String>, words: &str) {
    kit::card(ui, ctx.theme, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.label(kit::muted(ctx.theme, name).small());
        ui.label(kit::strong(value).size(16.0));
        ui.add(egui::Label::new(kit::muted(ctx.theme, words).small()).truncate());
    });
}

fn steps_words(ctx: &Ctx<'_>) -> String {
    let batch = &ctx.state.recipe.recipe.batch;
    format!("{} a step", count(batch.size * batch.accumulation, "row"))
}

fn short(tokens: u64) -> String {
    crate::session::words::parameters(tokens)
}

fn sentences(ctx: &Ctx<'_>, plan: &Plan) -> Vec<String> {
    let recipe = &ctx.state.recipe.recipe;
    let mut lines = vec![format!(
        "{} are learned {}.",
        count(plan.train_rows, "conversation"),
        if recipe.optim.epochs == 1.0 {
            "once".to_string()
        } else {
            format!("{} times", recipe.optim.epochs)
        }
    )];
    if plan.eval_rows > 0 {
        lines.push(format!(
            "{} are held out and never learned.",
            count(plan.eval_rows, "conversation")
        ));
    } else {
        lines.push("No rows are held out: nothing will tell learning from memorising.".into());
    }
    lines.push("The base stays as it is; the result is a small adapter beside it.".into());
    if recipe.method.kind == crate::recipe::MethodKind::Full {
        lines.pop();
        lines.push("All weights change; the result is a whole model.".into());
    }
    lines.push("You can pause or stop at any time; the result up to there is kept.".into());
    lines
}
