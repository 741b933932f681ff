//! An answer: its text as it comes, why it ended, how fast it was; a failure with a way on. Knows replies.

use egui::{Align, Color32, Frame, Layout, Margin, RichText, Stroke, Ui};

use super::super::{Ctx, icons, kit};
use crate::data::Role;
use crate::protocol::StopReason;
use crate::session::chats::{ChatCommand, Place, Reply, ReplyStatus};
use crate::session::{Command, words};

/// Draws an answer.
pub fn reply_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, place: Place, reply: &Reply) {
    let colour = match reply.status {
        ReplyStatus::Failed(_) => ctx.theme.error(),
        _ => ctx.theme.role(Role::Assistant),
    };
    framed(ctx, ui, colour, |ctx, ui| {
        if !reply.text.is_empty() {
            let text = match reply.status {
                ReplyStatus::Streaming => format!("{}\u{258D}", reply.text),
                _ => reply.text.clone(),
            };
            ui.add(egui::Label::new(text).wrap());
        } else if reply.is_over() && !matches!(reply.status, ReplyStatus::Failed(_)) {
            ui.label(kit::muted(ctx.theme, "No text."));
        }
        status(ctx, ui, place, reply);
    });
}

/// Draws the place of an answer that this column was never asked for.
pub fn unasked_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, place: Place) {
    let colour = ctx.theme.line();
    framed(ctx, ui, colour, |ctx, ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label(kit::muted(ctx.theme, "Not asked."));
            if !ctx.state.chats.is_busy(place.chat) && kit::link(ui, ctx.theme, "Ask now").clicked() {
                ctx.send(retry(place));
            }
        });
    });
}

fn framed(ctx: &mut Ctx<'_>, ui: &mut Ui, colour: Color32, content: impl FnOnce(&mut Ctx<'_>, &mut Ui)) {
    let frame = Frame::new()
        .fill(ctx.theme.raised())
        .stroke(Stroke::new(1.0, colour.gamma_multiply(0.5)))
        .corner_radius(6)
        .inner_margin(Margin::symmetric(10, 8));
    frame.show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        // Columns stretch what stands in them: prose and buttons are not to be stretched.
        ui.with_layout(Layout::top_down(Align::LEFT), |ui| content(ctx, ui));
    });
}

fn retry(place: Place) -> Command {
    Command::Chat(ChatCommand::Retry {
        turn: place.turn,
        column: place.column,
    })
}

fn status(ctx: &mut Ctx<'_>, ui: &mut Ui, place: Place, reply: &Reply) {
    match &reply.status {
        ReplyStatus::Waiting => waiting(ctx, ui, place),
        ReplyStatus::Streaming => {}
        ReplyStatus::Ended(stop) => ended(ctx, ui, reply, *stop),
        ReplyStatus::Failed(message) => {
            ui.horizontal_wrapped(|ui| {
                ui.colored_label(ctx.theme.error(), icons::WARNING_CIRCLE);
                ui.label(message);
            });
            again(ctx, ui, place, "Try again");
        }
        ReplyStatus::Interrupted => {
            ui.label(kit::muted(ctx.theme, "Cut off: the window was closed."));
            again(ctx, ui, place, "Ask again");
        }
    }
}

fn again(ctx: &mut Ctx<'_>, ui: &mut Ui, place: Place, words: &str) {
    let enabled = !ctx.state.chats.is_busy(place.chat);
    ui.add_enabled_ui(enabled, |ui| {
        if kit::button(ui, icons::ARROW_CLOCKWISE, words).clicked() {
            ctx.send(retry(place));
        }
    });
}

fn waiting(ctx: &mut Ctx<'_>, ui: &mut Ui, place: Place) {
    let flight = ctx.state.chats.flight.as_ref().filter(|f| f.place == place);
    let words = match flight {
        Some(flight) => match &flight.stage {
            Some((stage, Some(part))) => format!("{stage}, {:.0} %", part * 100.0),
            Some((stage, None)) => stage.clone(),
            None => "Starting".into(),
        },
        None => "Waits for the answer beside it".into(),
    };
    ui.horizontal(|ui| {
        ui.add(egui::Spinner::new().size(12.0));
        ui.label(kit::muted(ctx.theme, words));
    });
}

fn ended(ctx: &mut Ctx<'_>, ui: &mut Ui, reply: &Reply, stop: StopReason) {
    let (icon, colour, words) = match stop {
        StopReason::EndOfTurn => (icons::CHECK_CIRCLE, ctx.theme.ok(), "Ended its turn"),
        StopReason::StopString => (icons::CHECK_CIRCLE, ctx.theme.ok(), "Reached a stop text"),
        StopReason::Length => (icons::WARNING, ctx.theme.warn(), "Did not stop: reached the limit"),
        StopReason::Cancelled => (icons::STOP, ctx.theme.muted(), "Stopped by you"),
    };
    let mut figures = Vec::new();
    if reply.tokens > 0 {
        figures.push(words::count(reply.tokens, "token"));
    }
    if reply.tokens_per_second > 0.0 {
        figures.push(format!("{:.0} tokens/s", reply.tokens_per_second));
    }
    ui.add_space(2.0);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        ui.label(RichText::new(icon).color(colour));
        ui.label(RichText::new(words).small().color(colour));
        if !figures.is_empty() {
            let tip = format!("{} with seed {}", reply.by, reply.seed);
            ui.label(RichText::new(figures.join(", ")).small().color(ctx.theme.muted()))
                .on_hover_text(tip);
        }
        if !reply.text.is_empty() && kit::icon_button(ui, icons::COPY, "Copy answer").clicked() {
            ui.ctx().copy_text(reply.text.clone());
        }
    });
}
