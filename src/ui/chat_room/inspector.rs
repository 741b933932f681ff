//! One token of an answer: its probability and what else the model held likely. Left and right go from token to token, Escape closes.
//! Knows tokens, not how they were chosen.

use egui::{
    Align, Align2, EventFilter, FontId, Frame, Id, Key, Layout, Margin, Role, Sense, Stroke, Ui, WidgetInfo, vec2,
};

use super::super::{Ctx, icons, kit, kit::percent, kit::quoted};
use crate::protocol::TopToken;
use crate::session::Command;
use crate::session::chats::{ChatCommand, Piece, Place, Reply};

/// Opens the inspector at a token and gives it the keyboard.
pub fn open(ctx: &mut Ctx<'_>, ui: &Ui, place: Place, token: usize) {
    ctx.send(Command::Chat(ChatCommand::Inspect { place, token }));
    // A click takes the focus from all else in its frame: the inspector asks for it in the next one.
    ui.data_mut(|d| d.insert_temp(id(place), Wanted));
    ui.ctx().request_repaint();
}

/// The inspector was opened and wants the keyboard.
#[derive(Clone, Default)]
struct Wanted;

fn id(place: Place) -> Id {
    Id::unique(("token inspector", place.chat, place.turn, place.column))
}

/// The token of this answer that is looked at.
pub fn inspected<'a>(ctx: &Ctx<'_>, place: Place, reply: &'a Reply) -> Option<(usize, &'a Piece)> {
    let inspected = ctx.state.chats.focus.token.filter(|t| t.place == place)?;
    reply.pieces.get(inspected.token).map(|piece| (inspected.token, piece))
}

/// Draws the inspector where a token of this answer is looked at.
pub fn inspector_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, place: Place, reply: &Reply) {
    let Some((token, piece)) = inspected(ctx, place, reply) else {
        return;
    };
    let frame = Frame::new()
        .fill(ctx.theme.surface())
        .stroke(Stroke::new(1.0, ctx.theme.line()))
        .corner_radius(4)
        .inner_margin(Margin::symmetric(8, 6));
    frame.show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        steps(ctx, ui, place, (token, reply.pieces.len()));
        title(ctx, ui, place, piece, (token, reply.pieces.len()));
        for (rank, alternative) in piece.alternatives.iter().enumerate() {
            line(ctx, ui, rank, alternative, alternative.id == piece.id);
        }
    });
}

/// "Token 3 of 12" with the ways to its neighbours.
fn steps(ctx: &mut Ctx<'_>, ui: &mut Ui, place: Place, (token, count): (usize, usize)) {
    ui.horizontal(|ui| {
        ui.label(kit::muted(ctx.theme, format!("Token {} of {count}", token + 1)).small());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            if kit::icon_button(ui, icons::X, "Close token").clicked() {
                ctx.send(Command::Chat(ChatCommand::CloseInspect));
            }
            ui.add_enabled_ui(token + 1 < count, |ui| {
                if kit::icon_button(ui, icons::ARROW_RIGHT, "Next token").clicked() {
                    open(ctx, ui, place, token + 1);
                }
            });
            ui.add_enabled_ui(token > 0, |ui| {
                if kit::icon_button(ui, icons::ARROW_LEFT, "Previous token").clicked() {
                    open(ctx, ui, place, token.saturating_sub(1));
                }
            });
        });
    });
}

/// The token itself; this line has the keyboard.
fn title(ctx: &mut Ctx<'_>, ui: &mut Ui, place: Place, piece: &Piece, (token, count): (usize, usize)) {
    let text = quoted(piece.text().unwrap_or_default());
    let words = match piece.probability {
        Some(p) => format!("{text}  {}", percent(p)),
        None => text,
    };
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), 24.0));
    let response = ui.interact(rect, id(place), Sense::click());
    let clicking = ui.input(|i| i.pointer.any_pressed() || i.pointer.any_click());
    if !clicking && ui.data_mut(|d| d.remove_temp::<Wanted>(id(place))).is_some() {
        response.request_focus();
        // The keys are kept from moving the focus only from the next frame on.
        ui.ctx().request_repaint();
    }
    let name = format!("Token {} of {count}: {words}", token + 1);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    if response.has_focus() {
        ui.painter().rect_stroke(
            rect,
            3.0,
            Stroke::new(1.0, ctx.theme.accent()),
            egui::StrokeKind::Inside,
        );
        keys(ctx, ui, place, token);
    }
    // Wherever the focus is: a click on a button beside this line has taken it away.
    if ui.input(|i| i.key_pressed(Key::Escape)) {
        ctx.send(Command::Chat(ChatCommand::CloseInspect));
    }
    if response.clicked() {
        response.request_focus();
    }
    let font = FontId::monospace(13.0);
    let at = rect.left_center() + vec2(4.0, 0.0);
    ui.painter()
        .text(at, Align2::LEFT_CENTER, &words, font, ctx.theme.text());
    response.on_hover_text(format!(
        "Id {}. Left and right go from token to token, Esc closes.",
        piece.id
    ));
}

fn keys(ctx: &mut Ctx<'_>, ui: &Ui, place: Place, token: usize) {
    let filter = EventFilter {
        horizontal_arrows: true,
        escape: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|m| m.set_focus_lock_filter(id(place), filter));
    let pressed = |key| ui.input(|i| i.key_pressed(key));
    if pressed(Key::ArrowRight) {
        open(ctx, ui, place, token + 1);
    }
    if pressed(Key::ArrowLeft) && token > 0 {
        open(ctx, ui, place, token - 1);
    }
}

/// An alternative: its text, a bar, its share; the chosen one is filled.
fn line(ctx: &Ctx<'_>, ui: &mut Ui, rank: usize, token: &TopToken, chosen: bool) {
    let mark = if chosen { ", chosen" } else { "" };
    let (text, share) = (quoted(&token.text), percent(token.probability));
    let name = format!("Alternative {}: {text} {share}{mark}", rank + 1);
    let response = kit::share_line(ui, ctx.theme, &name, &text, (token.probability, chosen));
    response.on_hover_text(format!("Id {}, score {:.3}", token.id, token.logit));
}
