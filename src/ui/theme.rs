//! The semantic colours of both themes, read from `assets/theme/theme.toml`. The only place where colours have values.

use std::sync::LazyLock;

use egui::Color32;
use serde::Deserialize;

use crate::data::Role;

const TABLE: &str = include_str!("../../assets/theme/theme.toml");

/// Colours of one theme by what they mean.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    pub background: Hex,
    pub surface: Hex,
    pub raised: Hex,
    pub hover: Hex,
    pub selected: Hex,
    pub line: Hex,
    pub text: Hex,
    pub muted: Hex,
    pub on_accent: Hex,
    pub status: Status,
    pub role: Roles,
    pub series: Series,
    /// Colours of things that stand beside each other: runs, groups of weights.
    pub palette: Vec<Hex>,
}

/// Colours of states.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    pub accent: Hex,
    pub ok: Hex,
    pub warn: Hex,
    pub error: Hex,
}

/// Colours of speakers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    pub system: Hex,
    pub user: Hex,
    pub assistant: Hex,
    pub tool: Hex,
}

/// Colours of curves.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    pub train: Hex,
    pub eval: Hex,
    pub rate: Hex,
    pub norm: Hex,
    pub speed: Hex,
    pub share: Hex,
    pub memory: Hex,
}

/// A colour written as `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Hex(pub Color32);

impl TryFrom<String> for Hex {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Color32::from_hex(&text)
            .map(Hex)
            .map_err(|_| format!("\"{text}\" is not a colour such as #1b2a3c"))
    }
}

#[derive(Deserialize)]
struct Table {
    dark: Scheme,
    light: Scheme,
}

static SCHEMES: LazyLock<Table> = LazyLock::new(|| {
    // The table is compiled in and a test reads it: it cannot be broken in a build that was tested.
    toml::from_str(TABLE).unwrap_or_else(|error| panic!("assets/theme/theme.toml: {error}"))
});

/// One theme as the drawing functions use it.
#[derive(Clone, Debug)]
pub struct Theme {
    pub dark: bool,
    pub scheme: &'static Scheme,
}

impl Theme {
    /// The dark or the light theme.
    pub fn new(dark: bool) -> Self {
        Self {
            dark,
            scheme: if dark { &SCHEMES.dark } else { &SCHEMES.light },
        }
    }

    /// Behind everything.
    pub fn background(&self) -> Color32 {
        self.scheme.background.0
    }

    /// Panels.
    pub fn surface(&self) -> Color32 {
        self.scheme.surface.0
    }

    /// Cards, fields, buttons.
    pub fn raised(&self) -> Color32 {
        self.scheme.raised.0
    }

    /// What the pointer is on, and selected rows.
    pub fn hover(&self) -> Color32 {
        self.scheme.hover.0
    }

    /// Behind what is selected.
    pub fn selected(&self) -> Color32 {
        self.scheme.selected.0
    }

    /// Under windows that float.
    pub fn shadow(&self) -> Color32 {
        Color32::from_black_alpha(if self.dark { 110 } else { 40 })
    }

    /// The curves of a run.
    pub fn series(&self) -> &'static Series {
        &self.scheme.series
    }

    /// The colour of one of several things that stand beside each other; begins anew after the last.
    pub fn palette(&self, number: usize) -> Color32 {
        let palette = &self.scheme.palette;
        palette
            .get(number % palette.len().max(1))
            .map_or(self.text(), |hex| hex.0)
    }

    /// Thin lines between things.
    pub fn line(&self) -> Color32 {
        self.scheme.line.0
    }

    /// Text to be read.
    pub fn text(&self) -> Color32 {
        self.scheme.text.0
    }

    /// Text that may be skipped.
    pub fn muted(&self) -> Color32 {
        self.scheme.muted.0
    }

    /// The one thing to do next, selection, focus.
    pub fn accent(&self) -> Color32 {
        self.scheme.status.accent.0
    }

    /// Text on `accent` and on filled role colours.
    pub fn on_accent(&self) -> Color32 {
        self.scheme.on_accent.0
    }

    /// Done, good.
    pub fn ok(&self) -> Color32 {
        self.scheme.status.ok.0
    }

    /// Worth a look.
    pub fn warn(&self) -> Color32 {
        self.scheme.status.warn.0
    }

    /// Went wrong.
    pub fn error(&self) -> Color32 {
        self.scheme.status.error.0
    }

    /// The colour of a speaker: text or outline on `surface`, or fill under `on_accent` text.
    pub fn role(&self, role: Role) -> Color32 {
        match role {
            Role::System => self.scheme.role.system.0,
            Role::User => self.scheme.role.user.0,
            Role::Assistant => self.scheme.role.assistant.0,
            Role::Tool => self.scheme.role.tool.0,
        }
    }
}
