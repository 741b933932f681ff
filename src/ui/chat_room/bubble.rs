//! An answer: its text as it comes, why it ended, how fast it was; a failure with a way on. Knows replies.

use egui::{Align, Color32, Frame, Layout, Margin, RichText, Stroke, Ui};

use super::super::markdown::{Look, markdown_ui};
use super::super::{Ctx, icons, kit};
use super::inspector;
use crate::data::Role;
use crate::protocol::{Ending, StopReason};
use crate::session::chats::{ChatCommand, Place, Reply, ReplyStatus};
use crate::session::{Command, words};

/// Draws an answer.
pub fn reply_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, place: Place, reply: &Reply) {
    let colour = match reply.status {
        ReplyStatus::Failed(_) => ctx.theme.error(),
        _ => ctx.theme.role(Role::Assistant),
    };
    framed(ctx, ui, colour, |ctx, ui| {
        if let Some(words) = reply.reading.dropped_in_words() {
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(icons::INFO).color(ctx.theme.warn()));
                ui.label(kit::muted(ctx.theme, words).small());
            });
        }
        if !reply.text.is_empty() {
            text(ctx, ui, place, reply);
        } else if reply.is_over() && !matches!(reply.status, ReplyStatus::Failed(_)) {
            ui.label(kit::muted(ctx.theme, "No text."));
        }
        status(ctx, ui, place, reply);
        inspector::inspector_ui(ctx, ui, place, reply);
    });
}

/// The text as Markdown; a click leads to the token under the pointer.
fn text(ctx: &mut Ctx<'_>, ui: &mut Ui, place: Place, reply: &Reply) {
    let look = Look {
        theme: ctx.theme,
        marked: inspector::inspected(ctx, place, reply).map(|(_, piece)| piece.range.clone()),
    };
    let coming = reply.status == ReplyStatus::Streaming;
    let clicked = markdown_ui(ui, &look, &reply.text, coming);
    if let Some(token) = clicked.and_then(|byte| reply.piece_at(byte)) {
        inspector::open(ctx, ui, place, token);
    }
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
        ReplyStatus::Ended(stop) => ended(ctx, ui, place, reply, *stop),
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

fn ended(ctx: &mut Ctx<'_>, ui: &mut Ui, place: Place, reply: &Reply, stop: StopReason) {
    let (icon, colour, words) = ending(ctx, reply, stop);
    ui.add_space(2.0);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        ui.label(RichText::new(icon).color(colour));
        ui.label(RichText::new(words).small().color(colour));
        let figures = figures(reply);
        if !figures.is_empty() {
            ui.label(RichText::new(figures).small().color(ctx.theme.muted()))
                .on_hover_text(about(reply));
        }
        // Together on one line, wherever it breaks.
        ui.horizontal(|ui| buttons(ctx, ui, place, reply));
    });
}

fn buttons(ctx: &mut Ctx<'_>, ui: &mut Ui, place: Place, reply: &Reply) {
    ui.spacing_mut().button_padding.x = 4.0;
    ui.spacing_mut().item_spacing.x = 2.0;
    if !reply.text.is_empty() && kit::icon_button(ui, icons::COPY, "Copy answer").clicked() {
        ui.ctx().copy_text(reply.text.clone());
    }
    if !reply.pieces.is_empty() && kit::icon_button(ui, icons::BRACKETS, "Look at tokens").clicked() {
        inspector::open(ctx, ui, place, 0);
    }
}

/// What really ended the answer.
fn ending(ctx: &Ctx<'_>, reply: &Reply, stop: StopReason) -> (&'static str, Color32, String) {
    let theme = ctx.theme;
    let (good, doubt) = ((icons::CHECK_CIRCLE, theme.ok()), (icons::WARNING, theme.warn()));
    let ((icon, colour), words) = match (&reply.ended, stop) {
        (Some(Ending::Document { text }), _) => (good, format!("Ended the text ({text}), not its turn")),
        (Some(Ending::StopText { text }), _) => (good, format!("Reached the stop text {text:?}")),
        (Some(Ending::Context), _) => (doubt, "Did not stop: the model's context is full".into()),
        (Some(Ending::Turn { .. }), _) | (_, StopReason::EndOfTurn) => (good, "Ended its turn".into()),
        (_, StopReason::StopString) => (good, "Reached a stop text".into()),
        (_, StopReason::Length) => (doubt, "Did not stop: reached the limit".into()),
        (_, StopReason::Cancelled) => ((icons::STOP, theme.muted()), "Stopped by you".into()),
    };
    (icon, colour, words)
}

/// How long and how fast the answer was.
fn figures(reply: &Reply) -> String {
    let mut figures = Vec::new();
    if reply.tokens > 0 {
        figures.push(words::count(reply.tokens, "token"));
    }
    if reply.tokens_per_second > 0.0 {
        figures.push(format!("{:.0} tokens/s", reply.tokens_per_second));
    }
    if reply.first_token_seconds > 0.0 {
        figures.push(format!("first after {:.2} s", reply.first_token_seconds));
    }
    figures.join(", ")
}

/// What stands behind the figures.
fn about(reply: &Reply) -> String {
    let mut about = format!("{} with seed {}.", reply.by, reply.seed);
    let reading = &reply.reading;
    if reading.prompt_tokens > 0 {
        let read = words::count(
            reading.prompt_tokens - reading.reused_tokens.min(reading.prompt_tokens),
            "token",
        );
        about += &format!(
            " The model read {read} of the {} before the answer",
            reading.prompt_tokens
        );
        about += match reading.reused_tokens {
            0 => ".",
            _ => "; it remembered the others.",
        };
    }
    about
}
