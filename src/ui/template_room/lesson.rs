//! What a loaded model makes of the row, under the token stream: how well it knows it, the five steps of learning for one token, and
//! what it writes when left on its own. Knows numbers, not how they were computed.

use egui::{Frame, Margin, Panel, RichText, ScrollArea, Ui};

use super::super::{Ctx, icons, kit};
use super::lesson_steps::steps_ui;
use super::visible::visible;
use crate::protocol::Lesson;
use crate::session::lesson::{LessonCommand, ReadRow};
use crate::session::preview::Shown;
use crate::session::{Command, words};

pub(super) fn send(ctx: &mut Ctx<'_>, command: LessonCommand) {
    ctx.send(Command::Lesson(command));
}

/// The switch over the token stream.
pub fn toggle_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let on = ctx.state.lesson.on;
    let name = match on {
        true => "Hide what the model makes of it",
        false => "See what the model makes of it",
    };
    let icon = if on { icons::X } else { icons::THERMOMETER };
    let tip = "Loads the model and shows how likely it held each token, what a step of learning changes, and what it writes on its own.";
    if kit::icon_button(ui, icon, name).on_hover_text(tip).clicked() {
        send(ctx, LessonCommand::Show(!on));
    }
}

/// Draws the panel where it is switched on.
pub fn lesson_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, shown: &Shown) {
    if !ctx.state.lesson.on {
        return;
    }
    let frame = Frame::new().inner_margin(Margin { top: 8, ..Margin::ZERO });
    let most = (ui.available_height() * 0.7).max(120.0);
    Panel::bottom("lesson")
        .frame(frame)
        .default_size(most.min(290.0))
        .size_range(100.0..=most)
        .show(ui, |ui| {
            who(ctx, ui);
            let area = ScrollArea::vertical().id_salt("lesson").auto_shrink(false);
            area.show(ui, |ui| content(ctx, ui, shown));
        });
}

/// Base or tuned, and what is going on.
fn who(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if ctx.state.chats.adapter.is_none() && ctx.state.lesson.flight.is_none() {
        return;
    }
    ui.horizontal(|ui| {
        let tuned = ctx.state.lesson.tuned;
        if ctx.state.chats.adapter.is_some() {
            let choice = kit::segmented(ui, tuned, &[(false, "Base"), (true, "Tuned")]);
            choice
                .into_iter()
                .for_each(|tuned| send(ctx, LessonCommand::Tuned(tuned)));
        }
        if let Some(flight) = &ctx.state.lesson.flight {
            ui.spinner();
            let (stage, part) = flight.stage.clone().unwrap_or(("Waiting for the model".into(), None));
            let part = part.map_or_else(String::new, |p| format!(" {:.0} %", p * 100.0));
            ui.label(kit::muted(ctx.theme, format!("{stage}{part}")));
        }
    });
}

fn content(ctx: &mut Ctx<'_>, ui: &mut Ui, shown: &Shown) {
    if let Some((_, message)) = ctx.state.lesson.failure.clone() {
        ui.colored_label(ctx.theme.error(), message);
        if kit::button(ui, icons::ARROW_CLOCKWISE, "Try again").clicked() {
            send(ctx, LessonCommand::Again);
        }
    }
    let Some(read) = ctx.state.lesson.of(shown).cloned() else {
        return;
    };
    overview(ctx, ui, shown, &read);
    ui.add_space(8.0);
    match ctx.state.lesson.token.filter(|t| *t < shown.pieces.len()) {
        Some(token) => steps_ui(ctx, ui, shown, (&read.lesson, token)),
        None => {
            ui.label(kit::muted(
                ctx.theme,
                "Click a token to follow the five steps of learning on it.",
            ));
        }
    }
    ui.add_space(8.0);
    on_its_own(ctx, ui, shown, &read);
}

/// How well the model knows what is to be learned.
fn overview(ctx: &mut Ctx<'_>, ui: &mut Ui, shown: &Shown, read: &ReadRow) {
    let learned: Vec<f32> = read
        .lesson
        .tokens
        .iter()
        .zip(&shown.pieces)
        .filter(|(_, piece)| piece.supervised)
        .filter_map(|(token, _)| Some(token.as_ref()?.nll))
        .collect();
    if learned.is_empty() {
        ui.label("Nothing of this row is learned, so it has no loss.");
        return;
    }
    let mean = learned.iter().sum::<f32>() / learned.len() as f32;
    ui.label(format!(
        "Loss of this row: {mean:.3} nats a learned token, on average {} for the right one.",
        kit::percent((-mean).exp())
    ));
    match &read.lesson.step {
        Some(step) => {
            ui.label(format!(
                "After one step of LoRA on this row alone ({} values, learning rate {}, gradient norm {:.2}): {:.3} nats.",
                words::thousands(step.trainable),
                step.lr,
                step.grad_norm,
                step.after
            ));
        }
        None if ctx.state.lesson.step => {}
        None => {
            let tip = "One optimizer step of LoRA with the recipe's rank and full learning rate, on a copy: the model stays as it is.";
            if kit::button(ui, icons::PLAY, "Take one step")
                .on_hover_text(tip)
                .clicked()
            {
                send(ctx, LessonCommand::Step);
            }
        }
    }
}

/// The model's own words beside the row's: from where they part it reads what training never showed it.
fn on_its_own(ctx: &mut Ctx<'_>, ui: &mut Ui, shown: &Shown, read: &ReadRow) {
    let from = read.of.from;
    kit::caption(ui, ctx.theme, &format!("Left on its own from token {}", from + 1));
    if from == 0 || from >= shown.pieces.len() {
        ui.label(kit::muted(
            ctx.theme,
            "Click a token after the first and choose \"Leave it on its own here\".",
        ));
        return;
    }
    let same = agreeing(&read.lesson, shown, from);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 1.0;
        for (index, token) in read.lesson.own.iter().enumerate() {
            let text: String = visible(&token.text).into_iter().map(|p| p.text).collect();
            let colour = if index < same { ctx.theme.ok() } else { ctx.theme.warn() };
            let tip = token.probability.map_or_else(|| "It ends here.".into(), kit::percent);
            ui.label(RichText::new(text).monospace().color(colour))
                .on_hover_text(tip);
        }
    });
    ui.label(kit::muted(ctx.theme, verdict(&read.lesson, shown, from, same)));
}

/// How many of its own tokens are those of the row.
fn agreeing(lesson: &Lesson, shown: &Shown, from: usize) -> usize {
    let row = shown.pieces[from..].iter().map(|p| p.id);
    lesson.own.iter().zip(row).take_while(|(own, id)| own.id == *id).count()
}

fn verdict(lesson: &Lesson, shown: &Shown, from: usize, same: usize) -> String {
    let row = shown.pieces.len() - from;
    if lesson.own.is_empty() {
        return "It writes nothing.".into();
    }
    if same == lesson.own.len() || same == row {
        return format!("Word for word the row, for {}.", words::count(same, "token"));
    }
    format!(
        "It parts from the row after {}. From there on it reads its own words; in training it always reads the row's, so its own \
         mistakes are never shown to it (exposure bias).",
        words::count(same, "token")
    )
}
