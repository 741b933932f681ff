//! The window's heart, without a window system: state, effects, and one frame of drawing. Tests drive it as it is.

use std::path::PathBuf;

use egui::Ui;

use super::frame::{self, dialogs};
use super::portrait::Portrait;
use super::{Ctx, Theme, style};
use crate::session::effects::Effects;
use crate::session::{Command, Effect, PictureCommand, PictureOf, State, absorb, apply, start};

/// State, effects and what belongs to the window alone.
pub struct Shell {
    pub state: State,
    effects: Effects,
    /// Commands of dialogs, which answer from their own threads.
    dialogs: dialogs::Dialogs,
    dark: Theme,
    light: Theme,
    closing: bool,
}

impl Shell {
    /// Opens the project (or the last one) and begins to read what it names.
    pub fn new(ctx: &egui::Context, effects: Effects, project: Option<&std::path::Path>) -> Self {
        style::install(ctx);
        let (state, pending) = start(effects.restore(project));
        let mut shell = Self {
            state,
            effects,
            dialogs: dialogs::Dialogs::new(ctx.clone()),
            dark: Theme::new(true),
            light: Theme::new(false),
            closing: false,
        };
        shell.start_all(ctx, pending);
        shell
    }

    /// Takes in what came back since the last frame; runs while the window is hidden, too.
    pub fn logic(&mut self, ctx: &egui::Context) {
        for outcome in self.effects.drain() {
            let effects = absorb(&mut self.state, outcome);
            self.start_all(ctx, effects);
        }
        for command in self.dialogs.drain() {
            self.apply(ctx, command);
        }
    }

    /// Draws one frame and does what the user wants.
    pub fn ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        style::apply(&ctx, self.state.settings.theme, self.state.settings.text_scale);
        let theme = self.theme(&ctx);
        let mut out = Vec::new();
        frame::frame_ui(
            &mut Ctx {
                state: &self.state,
                out: &mut out,
                theme,
            },
            ui,
        );
        for command in out {
            self.apply(&ctx, command);
        }
    }

    /// Does one command, effects included.
    pub fn apply(&mut self, ctx: &egui::Context, command: Command) {
        let effects = apply(&mut self.state, command);
        self.start_all(ctx, effects);
    }

    /// May the window close now? Otherwise it asks first.
    pub fn close_asked(&mut self, ctx: &egui::Context) -> bool {
        if !self.closing {
            self.apply(ctx, Command::Shell(crate::session::ShellCommand::CloseAsked));
        }
        self.closing
    }

    /// Waits until everything is written.
    pub fn finish(self) {
        self.effects.finish();
    }

    /// Draws now, as things are shown; pixels and file are made on a thread.
    fn save_picture(&self, ctx: &egui::Context, of: PictureOf, path: PathBuf) {
        let portrait = Portrait::new(&self.state, self.theme(ctx), of);
        self.dialogs.later(move || {
            let saved = portrait.save(&path).map(|()| path);
            Some(Command::Picture(PictureCommand::Saved(saved)))
        });
    }

    fn theme(&self, ctx: &egui::Context) -> &Theme {
        match ctx.theme() {
            egui::Theme::Dark => &self.dark,
            egui::Theme::Light => &self.light,
        }
    }

    fn start_all(&mut self, ctx: &egui::Context, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Dialog(dialog) => self.dialogs.open(dialog),
                Effect::Copy(text) => ctx.copy_text(text),
                Effect::SavePicture { of, path } => self.save_picture(ctx, of, path),
                Effect::CloseWindow => {
                    self.closing = true;
                    ctx.send_viewport_cmd(egui::ViewportCommand::Close);
                }
                other => self.effects.start(&self.state, other),
            }
        }
        // What a command changed shows at once.
        ctx.request_repaint();
    }
}
