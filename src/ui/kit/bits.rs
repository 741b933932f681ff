//! Small pieces of text: headings, captions, badges, figures, and the path field.

use egui::{Align, Frame, Layout, Margin, ProgressBar, RichText, Role, Stroke, TextEdit, Ui, WidgetInfo};

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
    let shown = frame.show(ui, |ui| {
        // As low as its text, whatever stands beside it.
        ui.spacing_mut().interact_size.y = 0.0;
        ui.label(RichText::new(text).small().color(colour))
    });
    shown.response
}

/// A line with a name on the left and a value on the right.
pub fn figure(ui: &mut Ui, theme: &Theme, name: &str, value: impl Into<String>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 18.0;
        ui.label(muted(theme, name));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(value.into()));
    });
}

/// A progress bar; `share` is 0 to 1, `None` when it cannot be told. A width of 0 takes what there is.
pub fn progress(ui: &mut Ui, theme: &Theme, name: &str, share: Option<f32>, width: f32) {
    ui.scope(|ui| {
        // The track has to be seen on every ground.
        ui.visuals_mut().extreme_bg_color = theme.hover();
        let width = if width > 0.0 { width } else { ui.available_width() };
        let bar = ProgressBar::new(share.unwrap_or(0.0))
            .desired_width(width)
            .desired_height(8.0)
            .fill(theme.accent());
        let response = ui.add(bar);
        let percent = share.map_or("unknown".to_string(), |p| format!("{:.0} %", p * 100.0));
        let label = format!("{name} {percent}");
        response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, &label));
    });
}

/// A field for a path with a button that says `verb`; returns the path when it was entered.
pub fn path_field(ui: &mut Ui, name: &str, hint: &str, text: &str, verb: &str) -> (Option<String>, bool) {
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
        let by_button = super::button(ui, "", verb).clicked();
        entered = (by_key || by_button) && !edited.trim().is_empty();
    });
    ((edited != text).then(|| edited.clone()), entered)
}
