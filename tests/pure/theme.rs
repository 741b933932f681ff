//! The table of colours: every text colour is readable on every ground it stands on, and no colour is written elsewhere.

use burnish::data::Role;
use burnish::ui::Theme;
use egui::Color32;

use super::source::{code_only, source_files};

/// Contrast of two colours as WCAG 2 defines it: 1 to 21.
fn contrast(a: Color32, b: Color32) -> f64 {
    let channel = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    let luminance = |c: Color32| 0.2126 * channel(c.r()) + 0.7152 * channel(c.g()) + 0.0722 * channel(c.b());
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

const ROLES: [Role; 4] = [Role::System, Role::User, Role::Assistant, Role::Tool];

#[test]
fn contrast_knows_black_on_white() {
    assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 0.01);
}

#[test]
fn text_is_readable_on_every_ground() {
    for theme in [Theme::new(true), Theme::new(false)] {
        let grounds = [
            theme.background(),
            theme.surface(),
            theme.raised(),
            theme.hover(),
            theme.selected(),
        ];
        for (name, ground) in ["background", "surface", "raised", "hover", "selected"]
            .iter()
            .zip(grounds)
        {
            for (what, text) in [("text", theme.text()), ("muted", theme.muted())] {
                let found = contrast(text, ground);
                assert!(found >= 4.5, "dark {}: {what} on {name} has {found:.2}", theme.dark);
            }
        }
    }
}

#[test]
fn states_and_roles_are_readable_as_text_and_under_text() {
    for theme in [Theme::new(true), Theme::new(false)] {
        let states = [theme.accent(), theme.ok(), theme.warn(), theme.error()];
        let colours = states.into_iter().chain(ROLES.map(|r| theme.role(r)));
        for (i, colour) in colours.enumerate() {
            for ground in [theme.background(), theme.surface(), theme.raised()] {
                let found = contrast(colour, ground);
                assert!(
                    found >= 4.5,
                    "dark {}: colour {i} on {ground:?} has {found:.2}",
                    theme.dark
                );
            }
            let filled = contrast(theme.on_accent(), colour);
            assert!(filled >= 4.5, "dark {}: text on colour {i} has {filled:.2}", theme.dark);
        }
    }
}

#[test]
fn no_colour_is_written_outside_the_theme() {
    let raw = [
        "Color32::from_",
        "Rgba::from_",
        "Color32::RED",
        "Color32::GREEN",
        "Color32::BLUE",
        "Color32::YELLOW",
        "Color32::WHITE",
        "Color32::BLACK",
        "Color32::GRAY",
        "Color32::LIGHT",
        "Color32::DARK",
        "Color32::ORANGE",
        "hex_color!",
    ];
    let mut found = Vec::new();
    for file in source_files()
        .iter()
        .filter(|f| f.room() == "ui" && !f.path.ends_with("ui/theme.rs"))
    {
        let code = code_only(&file.text);
        for word in raw.iter().filter(|w| code.contains(**w)) {
            found.push(format!("{}: {word}", file.path.display()));
        }
    }
    assert!(
        found.is_empty(),
        "colours belong into assets/theme/theme.toml: {found:?}"
    );
}
