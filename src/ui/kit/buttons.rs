//! Buttons: the primary one of a room, ordinary ones, icon-only ones, links, and a row of choices.

use egui::{Button, Response, RichText, Role, Stroke, Ui, WidgetInfo, vec2};

use super::super::{Theme, fonts};

/// Names a button by its words alone; the icon says nothing to a screen reader.
fn named(response: Response, name: &str) -> Response {
    let enabled = response.enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    response
}

/// An ordinary button; `icon` may be empty.
pub fn button(ui: &mut Ui, icon: &str, label: &str) -> Response {
    let response = if icon.is_empty() {
        ui.add(Button::new(label))
    } else {
        ui.add(Button::new((icon, label)))
    };
    named(response, label)
}

/// A button without a frame until the pointer is on it.
pub fn quiet(ui: &mut Ui, icon: &str, label: &str) -> Response {
    let button = if icon.is_empty() {
        Button::new(label)
    } else {
        Button::new((icon, label))
    };
    named(ui.add(button.frame_when_inactive(false)), label)
}

/// An icon alone; its name is the tooltip.
pub fn icon_button(ui: &mut Ui, icon: &str, name: &str) -> Response {
    let text = RichText::new(icon).size(16.0);
    let response = ui.add(Button::new(text).frame_when_inactive(false).min_size(vec2(28.0, 26.0)));
    named(response, name).on_hover_text(name)
}

/// The one button of a room that names the next step. `blocked` says why it cannot be pressed yet.
pub fn primary(ui: &mut Ui, theme: &Theme, label: &str, blocked: Option<&str>) -> Response {
    let text = RichText::new(label).family(fonts::strong()).color(theme.on_accent());
    let button = Button::new(text)
        .fill(theme.accent())
        .stroke(Stroke::NONE)
        .min_size(vec2(0.0, 32.0));
    let response = named(ui.add_enabled(blocked.is_none(), button), label);
    match blocked {
        Some(why) => response.on_disabled_hover_text(why),
        None => response,
    }
}

/// Words that act, in the accent's colour.
pub fn link(ui: &mut Ui, theme: &Theme, label: &str) -> Response {
    let text = RichText::new(label).color(theme.accent());
    named(ui.add(Button::new(text).frame(false)), label).on_hover_cursor(egui::CursorIcon::PointingHand)
}

/// A row of choices of which one holds; returns the one that was clicked.
pub fn segmented<T: Copy + PartialEq>(ui: &mut Ui, current: T, choices: &[(T, &str)]) -> Option<T> {
    let mut clicked = None;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        for (value, label) in choices {
            if ui.selectable_label(*value == current, *label).clicked() {
                clicked = Some(*value);
            }
        }
    });
    clicked
}
