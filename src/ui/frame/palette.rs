//! The command palette: every command with its shortcut, found by typing a few letters.

use egui::{Align2, Area, Frame, Id, Key, Order, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::super::{Ctx, kit};
use crate::session::{Command, Entry, ShellCommand, Shortcut, catalogue};

/// Draws the palette when it is open.
pub fn palette_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    if !ctx.state.nav.palette {
        return;
    }
    let top = vec2(0.0, 72.0);
    let area = Area::new(Id::unique("palette"))
        .order(Order::Foreground)
        .anchor(Align2::CENTER_TOP, top);
    let shown = area.accessible_name("Command palette").show(ui.ctx(), |ui| {
        Frame::window(ui.style()).show(ui, |ui| {
            ui.set_width(460.0);
            content(ctx, ui);
        });
    });
    if shown.response.clicked_elsewhere() && ui.input(|i| i.time) > 0.0 {
        ctx.send(Command::Shell(ShellCommand::Escape));
    }
}

fn content(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let found = find(&ctx.state.nav.palette_text, catalogue(ctx.state));
    let at = ctx.state.nav.palette_at.min(found.len().saturating_sub(1));
    // The arrows belong to the list, not to the text field.
    let (up, down, enter) = ui.input_mut(|i| {
        let mut take = |key| i.consume_key(egui::Modifiers::NONE, key);
        (take(Key::ArrowUp), take(Key::ArrowDown), take(Key::Enter))
    });
    search_field(ctx, ui);
    if up || down {
        let next = if up { at.saturating_sub(1) } else { at + 1 };
        ctx.send(Command::Shell(ShellCommand::PaletteAt(
            next.min(found.len().saturating_sub(1)),
        )));
    }
    let mut chosen = found.get(at).filter(|_| enter).cloned();
    ui.add_space(4.0);
    ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
        if found.is_empty() {
            ui.label(kit::muted(ctx.theme, "No command has these letters."));
        }
        for (i, entry) in found.iter().enumerate() {
            let shortcut = entry.shortcut.map(Shortcut::text).unwrap_or_default();
            let shortcut = RichText::new(shortcut).color(ctx.theme.muted());
            let button = egui::Button::selectable(i == at, &*entry.title).right_text(shortcut);
            let response = ui.add(button.min_size(vec2(ui.available_width(), 26.0)));
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &entry.title));
            if i == at && (up || down) {
                response.scroll_to_me(None);
            }
            if response.clicked() {
                chosen = Some(entry.clone());
            }
        }
    });
    if let Some(entry) = chosen {
        ctx.send(Command::Shell(ShellCommand::Escape));
        ctx.send(entry.command);
    }
}

fn search_field(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    let mut text = ctx.state.nav.palette_text.clone();
    let field = TextEdit::singleline(&mut text)
        .id(Id::unique("palette search"))
        .hint_text("Type a command");
    let response = ui.add(field.desired_width(f32::INFINITY).margin(vec2(8.0, 6.0)));
    response.request_focus();
    if response.changed() {
        ctx.send(Command::Shell(ShellCommand::PaletteText(text)));
    }
}

/// Entries whose title holds the letters in order, best first.
fn find(text: &str, entries: Vec<Entry>) -> Vec<Entry> {
    let mut found: Vec<(usize, Entry)> = entries
        .into_iter()
        .filter(|e| !matches!(e.command, Command::Shell(ShellCommand::TogglePalette)))
        .filter_map(|entry| Some((spread(text, &entry.title)?, entry)))
        .collect();
    found.sort_by_key(|(spread, _)| *spread);
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// How far apart the letters of `text` lie in `title`; `None` when they are not all there. Whole words come first.
fn spread(text: &str, title: &str) -> Option<usize> {
    let (text, title) = (text.trim().to_lowercase(), title.to_lowercase());
    if let Some(at) = title.find(&text) {
        return Some(at.min(1));
    }
    let mut letters = title.char_indices();
    let mut last = 0;
    let mut gaps = 2;
    for wanted in text.chars().filter(|c| !c.is_whitespace()) {
        let (at, _) = letters.find(|(_, c)| *c == wanted)?;
        gaps += at.saturating_sub(last + 1);
        last = at;
    }
    Some(gaps)
}
