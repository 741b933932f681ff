//! The search for a learning rate: its progress, the losses over the rates, and the rate to take. Knows no rule.

use egui::{DragValue, RichText, Ui};

use super::super::{Ctx, icons, kit};
use super::rate_chart::chart_ui;
use crate::audit::Severity;
use crate::session::audit::{self, AuditCommand};
use crate::session::rate::{RateCommand, blocked};
use crate::session::words::{count, duration, small};
use crate::session::{Command, PictureCommand, PictureOf};

fn send(ctx: &mut Ctx<'_>, command: RateCommand) {
    ctx.send(Command::Rate(command));
}

/// The button beside the learning rate.
pub fn button_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let blocked = blocked(ctx.state);
    let tip = "Tries rising rates for a hundred steps, keeps nothing, and suggests one";
    let right = egui::Layout::right_to_left(egui::Align::Center);
    ui.allocate_ui_with_layout(egui::vec2(ui.available_width(), 24.0), right, |ui| {
        ui.add_enabled_ui(blocked.is_none(), |ui| {
            let response = kit::quiet(ui, icons::CHART, "Find a rate").on_hover_text(tip);
            if response.on_disabled_hover_text(blocked.unwrap_or_default()).clicked() {
                send(ctx, RateCommand::Start);
            }
        });
    });
}

/// Draws the search while it is shown.
pub fn rate_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if !ctx.state.rate.open {
        return;
    }
    kit::card(ui, ctx.theme, |ui| {
        ui.set_min_width(ui.available_width());
        head(ctx, ui);
        open_questions(ctx, ui);
        if !ctx.state.rate.tried.is_empty() {
            ui.add_space(4.0);
            chart_ui(ctx, ui);
        }
        match &ctx.state.rate.flight {
            Some(_) => going_on(ctx, ui),
            None => result(ctx, ui),
        }
    });
    ui.add_space(16.0);
}

fn head(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    ui.horizontal(|ui| {
        ui.label(kit::strong("Finding a learning rate"));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if kit::icon_button(ui, icons::X, "Close the search for a rate").clicked() {
                send(ctx, RateCommand::Close);
            }
            let drawn = !ctx.state.rate.tried.is_empty();
            if drawn && kit::icon_button(ui, icons::EXPORT, "Save a picture of the rates...").clicked() {
                ctx.send(Command::Picture(PictureCommand::Ask(PictureOf::Rates)));
            }
        });
    });
    let words =
        "The recipe's first steps with a rate that rises from step to step. Nothing of what is learned is kept.";
    ui.label(kit::muted(ctx.theme, words).small());
}

/// What an audit of the data found does not stop a search, but changes what it is worth.
fn open_questions(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let serious = audit::fresh(ctx.state).map_or(0, |report| report.count(Severity::Serious));
    if serious == 0 {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.colored_label(ctx.theme.warn(), icons::WARNING);
        ui.label(format!(
            "The data has {}: the rate is found for the data as it is. Mend it first, then search again.",
            count(serious, "serious finding")
        ));
        if kit::link(ui, ctx.theme, "Look at the findings").clicked() {
            ctx.send(Command::Audit(AuditCommand::Look));
        }
    });
}

fn going_on(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let rate = &ctx.state.rate;
    let Some(flight) = &rate.flight else { return };
    ui.horizontal(|ui| {
        let words = match (rate.tried.last(), &flight.stage) {
            (Some(last), _) => format!(
                "Step {} of {}, rate {}",
                last.step,
                rate.shown_range().steps,
                small(last.lr)
            ),
            (None, Some((stage, ..))) => stage.clone(),
            (None, None) => "Starting the worker".into(),
        };
        let share = rate.progress().or_else(|| {
            let (_, done, total) = flight.stage.as_ref()?;
            (*total > 0).then(|| *done as f32 / *total as f32)
        });
        kit::progress(ui, ctx.theme, "Search for a rate", share, 180.0);
        ui.label(words);
        if let Some(left) = rate.seconds_left() {
            ui.label(kit::muted(ctx.theme, format!("at most {} left", duration(left))));
        }
        let stopping = flight.stopping;
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if stopping {
                ui.label(kit::muted(ctx.theme, "Stopping"));
            } else if kit::button(ui, icons::STOP, "Stop the search").clicked() {
                send(ctx, RateCommand::Stop);
            }
        });
    });
}

fn result(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if let Some(why) = &ctx.state.rate.failure {
        ui.horizontal_wrapped(|ui| {
            ui.colored_label(ctx.theme.error(), icons::WARNING_CIRCLE);
            ui.label(why);
        });
    }
    let recipe = &ctx.state.recipe.recipe;
    if let Some(found) = ctx.state.rate.found {
        ui.label(found.in_words());
        if !ctx.state.rate.is_of(recipe) {
            let words = "The recipe was changed since: another method or batch wants another rate.";
            ui.label(RichText::new(words).color(ctx.theme.warn()));
        }
    }
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        if let Some(rate) = ctx.state.rate.found.and_then(|found| found.suggested) {
            if recipe.optim.lr == rate {
                ui.label(kit::muted(
                    ctx.theme,
                    format!("{} {} is in the recipe", icons::CHECK, small(rate)),
                ));
            } else if kit::button(ui, icons::CHECK, "Use this rate")
                .on_hover_text(format!("Sets the learning rate to {}", small(rate)))
                .clicked()
            {
                send(ctx, RateCommand::Use);
            }
        }
        again(ctx, ui);
    });
}

/// The rates of the next search, and its button.
fn again(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let mut range = ctx.state.rate.range;
    ui.label(kit::muted(ctx.theme, "Rates from"));
    let mut changed = rate_field(ui, "Lowest rate", &mut range.low);
    ui.label(kit::muted(ctx.theme, "to"));
    changed |= rate_field(ui, "Highest rate", &mut range.high);
    ui.label(kit::muted(ctx.theme, "in"));
    let steps = ui.add(
        DragValue::new(&mut range.steps)
            .range(20..=10_000)
            .speed(1.0)
            .suffix(" steps"),
    );
    steps.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SpinButton, true, "Steps of the search"));
    changed |= steps.changed();
    if changed {
        send(ctx, RateCommand::Range(range));
    }
    let blocked = blocked(ctx.state).or_else(|| range.refused());
    ui.add_enabled_ui(blocked.is_none(), |ui| {
        let response = kit::button(ui, icons::ARROW_CLOCKWISE, "Search again");
        if response.on_disabled_hover_text(blocked.unwrap_or_default()).clicked() {
            send(ctx, RateCommand::Start);
        }
    });
}

fn rate_field(ui: &mut Ui, name: &str, rate: &mut f64) -> bool {
    let speed = (*rate * 0.02).max(1e-10);
    let drag = DragValue::new(rate)
        .range(1e-10..=100.0)
        .speed(speed)
        .max_decimals(10)
        .custom_formatter(|value, _| small(value));
    let response = ui.add(drag);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SpinButton, true, name));
    response.changed()
}
