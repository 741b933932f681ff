//! What the pointer is on, shared by the three panes: a range of the rendered text, or of the template's source.
//! One frame behind, so that all panes agree.

use egui::{Id, Ui};

/// Which pane the pointer is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    Editor,
    Rendered,
    Tokens,
}

/// What is pointed at.
#[derive(Clone, Debug, PartialEq)]
pub struct Pointed {
    pub pane: Pane,
    /// Byte ranges of the rendered text.
    pub text: Vec<(usize, usize)>,
    /// Byte ranges of the template's source.
    pub source: Vec<(usize, usize)>,
    /// Was it clicked? Then the other panes scroll to it.
    pub clicked: bool,
}

/// What was pointed at in the last frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Focus(Option<Pointed>);

impl Focus {
    fn id() -> Id {
        Id::unique("template focus")
    }

    /// Reads what the last frame found.
    pub fn begin(ui: &Ui) -> Self {
        ui.data(|d| d.get_temp(Self::id())).unwrap_or_default()
    }

    /// Keeps what this frame found, and draws again when it is something else.
    pub fn end(ui: &Ui, next: Option<Pointed>) {
        let next = Focus(next);
        let changed = ui.data_mut(|d| {
            let old: Focus = d.get_temp(Self::id()).unwrap_or_default();
            let changed = old != next;
            d.insert_temp(Self::id(), next);
            changed
        });
        if changed {
            ui.ctx().request_repaint();
        }
    }

    /// Ranges of the rendered text to light up.
    pub fn text(&self) -> &[(usize, usize)] {
        self.0.as_ref().map_or(&[], |p| &p.text)
    }

    /// Ranges of the template's source to light up.
    pub fn source(&self) -> &[(usize, usize)] {
        self.0.as_ref().map_or(&[], |p| &p.source)
    }

    /// Does a byte range of the rendered text touch what is pointed at?
    pub fn touches(&self, start: usize, end: usize) -> bool {
        self.text().iter().any(|(s, e)| start < *e && *s < end)
    }

    /// Where `pane` should scroll to: the first range, when another pane was clicked.
    pub fn scroll_to(&self, pane: Pane) -> Option<(usize, usize)> {
        let pointed = self.0.as_ref().filter(|p| p.clicked && p.pane != pane)?;
        match pane {
            Pane::Editor => pointed.source.first().copied(),
            Pane::Rendered | Pane::Tokens => pointed.text.first().copied(),
        }
    }
}
