//! The rail: an icon and a word for each room.

use egui::{Align2, FontId, Frame, Margin, Panel, Response, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

use super::super::{Ctx, fonts, icons};
use crate::session::{Command, Room};

/// Draws the rail.
pub fn rail_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let frame = Frame::new()
        .fill(ctx.theme.background())
        .inner_margin(Margin::symmetric(6, 8));
    Panel::left("rail")
        .frame(frame)
        .exact_size(76.0)
        .resizable(false)
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            for (i, room) in Room::ALL.into_iter().enumerate() {
                entry(ctx, ui, room, i + 1);
            }
        });
}

fn icon_of(room: Room) -> &'static str {
    match room {
        Room::Model => icons::CUBE,
        Room::Data => icons::TABLE,
        Room::Template => icons::BRACKETS,
        Room::Train => icons::CHART,
        Room::Chat => icons::CHATS,
        Room::Compare => icons::COLUMNS,
        Room::Runs => icons::CLOCK,
        Room::Export => icons::EXPORT,
    }
}

fn entry(ctx: &mut Ctx<'_>, ui: &mut Ui, room: Room, number: usize) {
    let closed = room.closed_because();
    let size = vec2(ui.available_width(), 50.0);
    let sense = if closed.is_some() {
        Sense::hover()
    } else {
        Sense::click()
    };
    let (rect, response) = ui.allocate_exact_size(size, sense);
    let selected = ctx.state.nav.room == room;
    response.widget_info(|| WidgetInfo::selected(Role::Button, closed.is_none(), selected, room.name()));
    paint(ctx, ui, rect, &response, room, selected);
    let response = match closed {
        Some(why) => response.on_hover_text(why),
        None => response.on_hover_text(format!("{} (Ctrl+{number})", purpose(room))),
    };
    if response.clicked() {
        ctx.send(Command::Go(room));
    }
}

fn paint(ctx: &Ctx<'_>, ui: &Ui, rect: egui::Rect, response: &Response, room: Room, selected: bool) {
    let theme = ctx.theme;
    let painter = ui.painter();
    if selected {
        painter.rect_filled(rect, 6, theme.selected());
    } else if response.hovered() && room.closed_because().is_none() {
        painter.rect_filled(rect, 6, theme.hover());
    }
    if response.has_focus() {
        painter.rect_stroke(rect, 6, Stroke::new(1.5, theme.accent()), egui::StrokeKind::Inside);
    }
    let colour = match (selected, room.closed_because()) {
        (true, _) => theme.text(),
        (false, None) => theme.muted(),
        (false, Some(_)) => theme.muted().gamma_multiply(0.5),
    };
    let middle = rect.center();
    painter.text(
        middle - vec2(0.0, 8.0),
        Align2::CENTER_CENTER,
        icon_of(room),
        FontId::proportional(20.0),
        colour,
    );
    let family = if selected {
        fonts::strong()
    } else {
        egui::FontFamily::Proportional
    };
    painter.text(
        middle + vec2(0.0, 13.0),
        Align2::CENTER_CENTER,
        room.name(),
        FontId::new(11.5, family),
        colour,
    );
    if ctx.state.problem_of(room).is_some() {
        painter.circle_filled(rect.right_top() + vec2(-14.0, 10.0), 3.5, theme.error());
    }
}

fn purpose(room: Room) -> &'static str {
    match room {
        Room::Model => "Choose the base model",
        Room::Data => "Look at the examples",
        Room::Template => "See which tokens are learned",
        Room::Train => "Set up and watch a run",
        Room::Chat => "Talk to base and tuned model",
        Room::Runs => "Look back at all runs",
        Room::Compare | Room::Export => "",
    }
}
