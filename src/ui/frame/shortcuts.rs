//! Keys to commands, by the same list that the palette shows.

use egui::{KeyboardShortcut, Modifiers, Ui};

use super::super::Ctx;
use crate::session::{Command, Key, ShellCommand, Shortcut, catalogue};

/// Sends the commands of the shortcuts that were pressed.
pub fn take_shortcuts(ctx: &mut Ctx<'_>, ui: &Ui) {
    let pressed = ui.input(|i| {
        i.events
            .iter()
            .any(|e| matches!(e, egui::Event::Key { pressed: true, .. }))
    });
    if !pressed {
        return;
    }
    for entry in catalogue(ctx.state) {
        let Some(shortcut) = entry.shortcut else { continue };
        if keys(shortcut).iter().any(|s| ui.input_mut(|i| i.consume_shortcut(s))) {
            ctx.send(entry.command);
        }
    }
    if ui.input(|i| i.key_pressed(egui::Key::Escape)) {
        ctx.send(Command::Shell(ShellCommand::Escape));
    }
}

/// Plus sits on different keys on different keyboards: several shortcuts may stand for one.
fn keys(shortcut: Shortcut) -> Vec<KeyboardShortcut> {
    let mut modifiers = Modifiers::NONE;
    if shortcut.ctrl {
        modifiers |= Modifiers::COMMAND;
    }
    if shortcut.shift {
        modifiers |= Modifiers::SHIFT;
    }
    let with = |key| KeyboardShortcut::new(modifiers, key);
    match shortcut.key {
        Key::Enter => vec![with(egui::Key::Enter)],
        Key::Escape => vec![with(egui::Key::Escape)],
        Key::Char('+') => vec![with(egui::Key::Plus), with(egui::Key::Equals)],
        Key::Char('-') => vec![with(egui::Key::Minus)],
        Key::Char(c) => egui::Key::from_name(&c.to_uppercase().to_string())
            .map(with)
            .into_iter()
            .collect(),
    }
}
