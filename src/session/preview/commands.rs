//! What a user can do in the Template room. Knows neither drawing nor files.

use std::path::PathBuf;

use super::store::FOLDER;
use super::{PreviewEffect, Source, load, refresh};
use crate::session::{Dialog, Effect, State};
use crate::template::Mode;

/// What can be done in the Template room.
#[derive(Clone, Debug)]
pub enum TemplateCommand {
    /// Use the model's own template, ChatML where it has none.
    UseModels,
    /// Use a built-in template by name (`chatml` ...).
    UseBuiltin(String),
    /// Use a .jinja file.
    OpenFile(PathBuf),
    /// Pick a .jinja file with the system's dialog.
    OpenDialog,
    /// The text in the editor.
    Edit(String),
    /// Give up the changes.
    Revert,
    /// What is learned.
    Mode(Mode),
    /// Render what is shown, where nothing did yet.
    Refresh,
}

/// Carries out a command.
pub fn apply(state: &mut State, command: TemplateCommand) -> Vec<Effect> {
    match command {
        TemplateCommand::UseModels => choose(state, Source::Model),
        TemplateCommand::UseBuiltin(name) => choose(state, Source::Builtin(name)),
        TemplateCommand::OpenFile(path) => choose(state, Source::File(path)),
        TemplateCommand::OpenDialog => vec![Effect::Dialog(Dialog::TemplateFile)],
        TemplateCommand::Edit(text) => edit(state, text),
        TemplateCommand::Revert => {
            let original = state.preview.editor.original.as_ref().map(|o| o.source.clone());
            original.map(|text| edit(state, text)).unwrap_or_default()
        }
        TemplateCommand::Mode(mode) => {
            state.recipe.recipe.data.mode = mode;
            refresh(state);
            vec![Effect::Save]
        }
        TemplateCommand::Refresh => {
            let effects = load(state);
            refresh(state);
            effects
        }
    }
}

fn choose(state: &mut State, source: Source) -> Vec<Effect> {
    state.recipe.recipe.template = source.part();
    state.preview.unload();
    let mut effects = load(state);
    refresh(state);
    if state.preview.editor.is_edited() {
        // It was edited before: the recipe names the edited copy again once that is written.
        state.preview.unkept = true;
        effects.extend(keep(state));
    }
    effects.push(Effect::Save);
    effects
}

fn edit(state: &mut State, text: String) -> Vec<Effect> {
    let editor = &mut state.preview.editor;
    if editor.text == text || editor.original.is_none() {
        return Vec::new();
    }
    editor.text = text;
    refresh(state);
    if state.preview.editor.is_edited() {
        state.preview.unkept = true;
        return keep(state);
    }
    // Back at the original: the recipe names that again.
    state.preview.unkept = false;
    state.recipe.recipe.template = state.preview.editor.source.part();
    vec![Effect::Save]
}

/// Writes the edited copy, one write at a time.
pub(super) fn keep(state: &mut State) -> Vec<Effect> {
    let folder = state.project_dir().join(FOLDER);
    let preview = &mut state.preview;
    if preview.keeping || !preview.unkept {
        return Vec::new();
    }
    let Some(template) = preview.editor.template() else {
        return Vec::new();
    };
    (preview.keeping, preview.unkept) = (true, false);
    vec![Effect::Preview(PreviewEffect::KeepEdited {
        folder,
        name: template.name,
        text: template.source,
    })]
}
