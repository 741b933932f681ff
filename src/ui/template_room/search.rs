//! Finding tokens: the field over the token stream, and the frames around what was found. Knows matches, not how they are found.

use egui::{Id, Key, Rect, Stroke, StrokeKind, TextEdit, Ui};

use super::super::{Ctx, Theme, icons, kit};
use crate::session::Command;
use crate::session::preview::{LookCommand, Shown, TemplateCommand, TokenRange, matches};

/// Draws the field with the number of matches, laid out from the right.
pub fn search_ui(ctx: &mut Ctx<'_>, ui: &mut Ui, shown: &Shown) {
    let look = &ctx.state.preview.look;
    let send = |ctx: &mut Ctx<'_>, command| ctx.send(Command::Template(TemplateCommand::Look(command)));
    let mut text = look.search.clone();
    if !text.is_empty() {
        let count = matches(shown, &text).len();
        let mut step = 0;
        if kit::icon_button(ui, icons::CARET_DOWN, "Next match").clicked() {
            step = 1;
        }
        if kit::icon_button(ui, icons::CARET_UP, "Previous match").clicked() {
            step = -1;
        }
        let words = match count {
            0 => "none".to_owned(),
            count => format!("{} of {count}", look.found_at.min(count - 1) + 1),
        };
        ui.label(kit::muted(ctx.theme, words));
        if step != 0 {
            send(ctx, LookCommand::SearchStep(step));
        }
    }
    let width = (ui.available_width() - 8.0).clamp(48.0, 120.0);
    let field = TextEdit::singleline(&mut text)
        .id(Id::unique("token search"))
        .hint_text("Find")
        .desired_width(width);
    let response = ui.add(field).on_hover_text("Words of the text, or the id of a token");
    ui.ctx()
        .accesskit_node_builder(response.id, |node| node.set_label("Find tokens"));
    if response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter)) {
        let back = ui.input(|i| i.modifiers.shift);
        send(ctx, LookCommand::SearchStep(if back { -1 } else { 1 }));
        response.request_focus();
    }
    if text != ctx.state.preview.look.search {
        send(ctx, LookCommand::Search(text));
    }
}

/// What was found in the row.
pub struct Found {
    ranges: Vec<TokenRange>,
    current: Option<TokenRange>,
}

impl Found {
    /// Searches the row; nothing is found while nothing is searched.
    pub fn of(ctx: &Ctx<'_>, shown: &Shown) -> Self {
        let look = &ctx.state.preview.look;
        let ranges = matches(shown, &look.search);
        let current = ranges.get(look.found_at.min(ranges.len().saturating_sub(1))).copied();
        Self { ranges, current }
    }

    /// The token to scroll to, once after each jump.
    pub fn jump(&self, ctx: &Ctx<'_>, ui: &Ui) -> Option<usize> {
        let (id, jumps) = (Id::unique("token search jumps"), ctx.state.preview.look.jumps);
        let seen = ui.data_mut(|d| std::mem::replace(d.get_temp_mut_or(id, 0), jumps));
        self.current.filter(|_| seen != jumps).map(|(start, _)| start)
    }

    /// Frames a chip that belongs to a match.
    pub fn mark(&self, theme: &Theme, ui: &Ui, rect: Rect, index: usize) {
        let holds = |range: &TokenRange| range.0 <= index && index < range.1;
        if !self.ranges.iter().any(holds) {
            return;
        }
        let width = if self.current.as_ref().is_some_and(holds) {
            3.0
        } else {
            1.5
        };
        let stroke = Stroke::new(width, theme.accent());
        ui.painter()
            .rect_stroke(rect.expand(2.0), 5.0, stroke, StrokeKind::Outside);
    }
}
