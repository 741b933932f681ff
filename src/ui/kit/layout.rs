//! The parts of a room: its frame, the footer with the next step, cards, groups, the honest empty state.

use egui::{CentralPanel, Frame, Layout, Margin, Panel, Response, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

use super::super::style::CARD_RADIUS;
use super::super::{Ctx, Theme};
use crate::session::{Command, ShellCommand};

/// Lays a room out: `footer` below (right to left: the primary button first), `body` in what is left.
pub fn room(
    ctx: &mut Ctx<'_>,
    ui: &mut Ui,
    footer: impl FnOnce(&mut Ctx<'_>, &mut Ui),
    body: impl FnOnce(&mut Ctx<'_>, &mut Ui),
) {
    let fill = ctx.theme.surface();
    self::footer(ctx, ui, footer);
    let frame = Frame::new().fill(fill).inner_margin(Margin::symmetric(16, 12));
    CentralPanel::no_frame().frame(frame).show(ui, |ui| body(ctx, ui));
}

/// The bottom line of a room, laid out from the right: the primary button first, hints after it.
pub fn footer(ctx: &mut Ctx<'_>, ui: &mut Ui, content: impl FnOnce(&mut Ctx<'_>, &mut Ui)) {
    let frame = Frame::new()
        .fill(ctx.theme.surface())
        .inner_margin(Margin::symmetric(16, 8));
    Panel::bottom("room footer")
        .frame(frame)
        .exact_size(48.0)
        .show(ui, |ui| {
            let layout = Layout::right_to_left(egui::Align::Center);
            ui.with_layout(layout, |ui| content(ctx, ui));
        });
}

/// Which side of the room a panel stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// A side panel that can be resized; its width is kept in the settings.
pub fn side_panel(
    ctx: &mut Ctx<'_>,
    ui: &mut Ui,
    name: &'static str,
    (side, usual, range): (Side, f32, std::ops::RangeInclusive<f32>),
    content: impl FnOnce(&mut Ctx<'_>, &mut Ui),
) {
    let frame = Frame::new()
        .fill(ctx.theme.background())
        .inner_margin(Margin::symmetric(14, 12));
    let panel = match side {
        Side::Left => Panel::left(name),
        Side::Right => Panel::right(name),
    };
    let kept = ctx.state.settings.panels.get(name).copied();
    // A window that is narrower than last time leaves at least half to the room.
    let most = range.end().min(ui.available_width() * 0.5).max(*range.start());
    let panel = panel
        .frame(frame)
        .default_size(kept.unwrap_or(usual))
        .size_range(*range.start()..=most);
    let shown = panel.show(ui, |ui| content(ctx, ui));
    let width = shown.response.rect.width();
    let released = ui.input(|i| i.pointer.any_released());
    if released && (width - kept.unwrap_or(usual)).abs() > 1.0 {
        ctx.send(Command::Shell(ShellCommand::PanelWidth(name, width)));
    }
}

/// A raised box with an outline.
pub fn card<R>(ui: &mut Ui, theme: &Theme, content: impl FnOnce(&mut Ui) -> R) -> R {
    let frame = Frame::new()
        .fill(theme.raised())
        .stroke(Stroke::new(1.0, theme.line()))
        .corner_radius(CARD_RADIUS)
        .inner_margin(Margin::same(12));
    frame.show(ui, content).inner
}

/// Widgets under a small title, with space after them.
pub fn group<R>(ui: &mut Ui, theme: &Theme, title: &str, content: impl FnOnce(&mut Ui) -> R) -> R {
    super::caption(ui, theme, title);
    ui.add_space(2.0);
    let inner = content(ui);
    ui.add_space(14.0);
    inner
}

/// What an empty room says: what it is for, and the one thing to do.
pub struct Empty<'a> {
    pub icon: &'a str,
    pub title: &'a str,
    /// What this room is for, in a sentence.
    pub sentence: &'a str,
    /// The word on the button; empty = no button.
    pub button: &'a str,
}

/// Draws an empty state in the middle; `more` adds an example under the button.
pub fn empty(ui: &mut Ui, theme: &Theme, state: Empty<'_>, more: impl FnOnce(&mut Ui)) -> Option<Response> {
    let mut response = None;
    let above = (ui.available_height() * 0.22).clamp(8.0, 160.0);
    ui.vertical_centered(|ui| {
        ui.add_space(above);
        ui.label(egui::RichText::new(state.icon).size(40.0).color(theme.muted()));
        ui.add_space(4.0);
        ui.heading(state.title);
        ui.label(super::muted(theme, state.sentence));
        ui.add_space(12.0);
        if !state.button.is_empty() {
            response = Some(super::button(ui, "", state.button));
        }
        ui.add_space(8.0);
        more(ui);
    });
    response
}

/// A box that can be chosen as a whole; `name` is what it is called.
pub fn selectable_card(
    ui: &mut Ui,
    theme: &Theme,
    name: &str,
    selected: bool,
    content: impl FnOnce(&mut Ui),
) -> Response {
    let line = if selected { theme.accent() } else { theme.line() };
    let frame = Frame::new()
        .fill(if selected { theme.selected() } else { theme.raised() })
        .stroke(Stroke::new(if selected { 1.5 } else { 1.0 }, line))
        .corner_radius(CARD_RADIUS)
        .inner_margin(Margin::same(12));
    let inner = frame.show(ui, |ui| {
        // The text of a card is not to be selected: the card as a whole is clicked.
        ui.style_mut().interaction.selectable_labels = false;
        ui.set_min_size(vec2(ui.available_width(), 0.0));
        content(ui);
    });
    let response = ui.interact(inner.response.rect, ui.scope_id().with(("card", name)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, name));
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}
