//! Fields of forms: a name with a tooltip on the left, the widget on the right.

use egui::{Align, ComboBox, DragValue, Layout, Response, Role, Ui, WidgetInfo};

use super::super::Theme;

/// A line of a form.
pub fn row<R>(ui: &mut Ui, theme: &Theme, name: &str, tip: &str, widget: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal(|ui| {
        ui.label(super::muted(theme, name)).on_hover_text(tip);
        ui.with_layout(Layout::right_to_left(Align::Center), widget).inner
    })
    .inner
}

/// A number that is typed or dragged; true when it changed.
pub fn number(ui: &mut Ui, theme: &Theme, name: &str, tip: &str, drag: DragValue<'_>) -> bool {
    row(ui, theme, name, tip, |ui| {
        let response = ui.add_sized([84.0, 24.0], drag).on_hover_text(tip);
        name_it(&response, Role::SpinButton, name);
        response.changed()
    })
}

/// A switch; true when it changed.
pub fn switch(ui: &mut Ui, theme: &Theme, name: &str, tip: &str, on: &mut bool) -> bool {
    row(ui, theme, name, tip, |ui| {
        let response = ui.checkbox(on, "").on_hover_text(tip);
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, *on, name));
        response.changed()
    })
}

/// One of several values; returns the new one.
pub fn choice<T: Copy + PartialEq>(
    ui: &mut Ui,
    theme: &Theme,
    name: &str,
    tip: &str,
    current: T,
    choices: &[(T, &str)],
) -> Option<T> {
    let shown = choices
        .iter()
        .find(|(value, _)| *value == current)
        .map_or("", |(_, label)| *label);
    row(ui, theme, name, tip, |ui| {
        let mut picked = None;
        let combo = ComboBox::from_id_salt(name).selected_text(shown).width(120.0);
        let response = combo.show_ui(ui, |ui| {
            for (value, label) in choices {
                if ui.selectable_label(*value == current, *label).clicked() {
                    picked = Some(*value);
                }
            }
        });
        name_it(&response.response, Role::ComboBox, name);
        response.response.on_hover_text(tip);
        picked.filter(|value| *value != current)
    })
}

fn name_it(response: &Response, kind: Role, name: &str) {
    response.widget_info(|| WidgetInfo::labeled(kind, true, name));
}
