//! Small pieces of text: headings, captions, badges, figures, and the path field.

use egui::{Align, Frame, Layout, Margin, RichText, Stroke, TextEdit, Ui};

use super::super::{Theme, fonts};

/// Text of weight in the size of prose.
pub fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).family(fonts::strong())
}

/// Text that may be skipped.
pub fn muted(theme: &Theme, text: impl Into<String>) -> RichText {
    RichText::new(text).color(theme.muted())
}

/// The title of a room with a sentence after it.
pub fn heading(ui: &mut Ui, theme: &Theme, title: &str, sentence: &str) {
    ui.horizontal(|ui| {
        ui.heading(title);
        ui.add_space(4.0);
        ui.label(muted(theme, sentence));
    });
}

/// The title of a group.
pub fn caption(ui: &mut Ui, theme: &Theme, text: &str) {
    ui.label(
        RichText::new(text)
            .family(fonts::strong())
            .size(12.0)
            .color(theme.muted()),
    );
}

/// A short word in a rounded outline.
pub fn badge(ui: &mut Ui, colour: egui::Color32, text: &str) -> egui::Response {
    let frame = Frame::new()
        .stroke(Stroke::new(1.0, colour))
        .corner_radius(8)
        .inner_margin(Margin::symmetric(6, 0));
    frame
        .show(ui, |ui| ui.label(RichText::new(text).small().color(colour)))
        .response
}

/// A line with a name on the left and a value on the right.
pub fn figure(ui: &mut Ui, theme: &Theme, name: &str, value: impl Into<String>) {
    ui.horizontal(|ui| {
        ui.label(muted(theme, name));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(value.into()));
    });
}

/// A field for a path with a button; returns the path when it was entered.
pub fn path_field(ui: &mut Ui, name: &str, hint: &str, text: &str) -> (Option<String>, bool) {
    let mut edited = text.to_string();
    let mut entered = false;
    ui.horizontal(|ui| {
        let field = TextEdit::singleline(&mut edited)
            .id_salt(name)
            .hint_text(hint)
            .desired_width(300.0);
        let response = ui.add(field);
        response.widget_info(|| egui::WidgetInfo::text_edit(true, text, text, name));
        let by_key = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let by_button = super::button(ui, "", "Open").clicked();
        entered = (by_key || by_button) && !edited.trim().is_empty();
    });
    ((edited != text).then(|| edited.clone()), entered)
}
