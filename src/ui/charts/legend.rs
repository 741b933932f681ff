//! Entries of a legend that switch their curve on and off.

use egui::{Color32, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

use super::super::Theme;

/// Side of the coloured mark.
const MARK: f32 = 9.0;

/// A coloured mark with a name; true when it was clicked. Switched off it is an outline with muted text.
pub fn legend_entry(ui: &mut Ui, theme: &Theme, colour: Color32, name: &str, on: bool) -> bool {
    let font = egui::FontId::proportional(11.5);
    let text = if on { theme.text() } else { theme.muted() };
    let galley = ui.painter().layout_no_wrap(name.to_owned(), font, text);
    let size = vec2(MARK + 5.0 + galley.size().x, 18.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, format!("Curve: {name}")));
    let mark = egui::Rect::from_center_size(rect.left_center() + vec2(MARK / 2.0, 0.0), vec2(MARK, MARK));
    if on {
        ui.painter().rect_filled(mark, 2, colour);
    } else {
        ui.painter()
            .rect_stroke(mark, 2, Stroke::new(1.0, colour), egui::StrokeKind::Inside);
    }
    let place = egui::pos2(mark.right() + 5.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(place, galley, text);
    if response.has_focus() {
        ui.painter().rect_stroke(
            rect.expand(2.0),
            3,
            Stroke::new(1.0, theme.accent()),
            egui::StrokeKind::Outside,
        );
    }
    let tip = if on {
        "Click to hide this curve"
    } else {
        "Click to show this curve"
    };
    response
        .on_hover_text(tip)
        .on_hover_cursor(egui::CursorIcon::PointingHand)
        .clicked()
}

/// A coloured mark with a name, for a curve that is always shown.
pub fn legend_mark(ui: &mut Ui, theme: &Theme, colour: Color32, name: &str) {
    let (rect, _) = ui.allocate_exact_size(vec2(MARK, 18.0), Sense::hover());
    let mark = egui::Rect::from_center_size(rect.center(), vec2(MARK, MARK));
    ui.painter().rect_filled(mark, 2, colour);
    ui.add_space(-3.0);
    ui.label(egui::RichText::new(name).size(11.5).color(theme.text()));
}

/// A name that is cut in the middle where it is too long for a legend.
pub fn shortened(name: &str, longest: usize) -> String {
    let count = name.chars().count();
    if count <= longest.max(3) {
        return name.to_owned();
    }
    let half = (longest.max(3) - 1) / 2;
    let head: String = name.chars().take(half).collect();
    let tail: String = name.chars().skip(count - half).collect();
    format!("{head}\u{2026}{tail}")
}
