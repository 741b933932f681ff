//! The theme's colours, spacing and text sizes as egui's style. Steps of 4; 8 inside, 16 between groups.

use egui::style::{ScrollStyle, Selection, WidgetVisuals};
use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle, vec2};

use super::{Theme, fonts};
use crate::session::ThemeChoice;

/// Corners of cards and panels.
pub const CARD_RADIUS: u8 = 6;
/// Corners of buttons and fields.
pub const WIDGET_RADIUS: u8 = 4;

/// Gives egui both themes and the fonts; called once.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts::definitions());
    ctx.add_font_provider(std::sync::Arc::new(fonts::system_font));
    ctx.set_style_of(egui::Theme::Dark, style(&Theme::new(true)));
    ctx.set_style_of(egui::Theme::Light, style(&Theme::new(false)));
    // Text size is a setting with commands of its own.
    ctx.options_mut(|o| o.zoom_with_keyboard = false);
}

/// Applies the chosen theme and text size.
pub fn apply(ctx: &egui::Context, choice: ThemeChoice, text_scale: u16) {
    let preference = match choice {
        ThemeChoice::System => egui::ThemePreference::System,
        ThemeChoice::Light => egui::ThemePreference::Light,
        ThemeChoice::Dark => egui::ThemePreference::Dark,
    };
    if ctx.options(|o| o.theme_preference) != preference {
        ctx.set_theme(preference);
    }
    let zoom = f32::from(text_scale) / 100.0;
    if (ctx.zoom_factor() - zoom).abs() > 0.001 {
        ctx.set_zoom_factor(zoom);
    }
}

fn style(theme: &Theme) -> Style {
    let mut style = Style {
        visuals: visuals(theme),
        ..Style::default()
    };
    style.text_styles = [
        (TextStyle::Small, FontId::proportional(11.5)),
        (TextStyle::Body, FontId::proportional(13.0)),
        (TextStyle::Button, FontId::proportional(13.0)),
        (TextStyle::Heading, FontId::new(18.0, fonts::strong())),
        (TextStyle::Monospace, FontId::new(12.5, FontFamily::Monospace)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(8.0, 6.0);
    spacing.button_padding = vec2(10.0, 4.0);
    spacing.interact_size = vec2(32.0, 26.0);
    spacing.menu_margin = Margin::same(6);
    spacing.window_margin = Margin::same(12);
    spacing.icon_width = 16.0;
    spacing.icon_width_inner = 9.0;
    spacing.combo_width = 96.0;
    spacing.tooltip_width = 340.0;
    spacing.scroll = ScrollStyle {
        floating: true,
        bar_width: 8.0,
        ..ScrollStyle::thin()
    };
    style.interaction.selectable_labels = true;
    style.interaction.tooltip_delay = 0.35;
    style.animation_time = 0.08;
    style
}

fn visuals(theme: &Theme) -> egui::Visuals {
    let mut v = if theme.dark {
        egui::Visuals::dark()
    } else {
        egui::Visuals::light()
    };
    let radius = CornerRadius::same(WIDGET_RADIUS);
    let widget = |fill: Color32, line: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, line),
        corner_radius: radius,
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    v.widgets.noninteractive = widget(theme.surface(), theme.line(), theme.text());
    v.widgets.inactive = widget(theme.raised(), theme.line(), theme.text());
    v.widgets.hovered = widget(theme.hover(), theme.muted(), theme.text());
    v.widgets.active = widget(theme.hover(), theme.accent(), theme.text());
    v.widgets.open = widget(theme.hover(), theme.line(), theme.text());
    v.selection = Selection {
        bg_fill: theme.selected(),
        stroke: Stroke::new(1.0, theme.text()),
    };
    v.hyperlink_color = theme.accent();
    v.weak_text_color = Some(theme.muted());
    v.panel_fill = theme.surface();
    v.window_fill = theme.surface();
    v.window_stroke = Stroke::new(1.0, theme.line());
    v.faint_bg_color = theme.background();
    v.extreme_bg_color = theme.background();
    v.text_edit_bg_color = Some(theme.background());
    v.code_bg_color = theme.raised();
    v.warn_fg_color = theme.warn();
    v.error_fg_color = theme.error();
    v.window_corner_radius = CornerRadius::same(CARD_RADIUS);
    v.menu_corner_radius = CornerRadius::same(CARD_RADIUS);
    v.window_shadow = Shadow {
        offset: [0, 6],
        blur: 20,
        spread: 0,
        color: theme.shadow(),
    };
    v.popup_shadow = Shadow {
        offset: [0, 3],
        blur: 10,
        spread: 0,
        color: theme.shadow(),
    };
    v.disabled_alpha = 0.55;
    v
}
