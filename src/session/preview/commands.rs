//! What a user can do in the Template room. Knows neither drawing nor files.

use std::path::PathBuf;

use super::store::FOLDER;
use super::tried::{self, Trial};
use super::{Middle, PreviewEffect, Source, asked, load, matches, refresh, row};
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
    /// Pick a file to save the template to with the system's dialog.
    SaveDialog,
    /// Save the template to a file and use that.
    SaveAs(PathBuf),
    /// Look at the row in another way.
    Look(LookCommand),
    /// Try a change of a message of the row.
    Try(usize, Trial),
    /// Show the row as the file has it again.
    GiveUpTrial,
    /// What is learned.
    Mode(Mode),
    /// Render what is shown, where nothing did yet.
    Refresh,
}

/// How the row can be looked at.
#[derive(Clone, Debug)]
pub enum LookCommand {
    /// Show the template beside what it was, line by line, or not.
    Compare(bool),
    /// What the middle pane shows.
    Middle(Middle),
    /// The answer, by its message, whose prompt is shown.
    Answer(usize),
    /// Look for words or an id in the tokens.
    Search(String),
    /// Go so many matches on.
    SearchStep(isize),
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
        TemplateCommand::SaveDialog => vec![Effect::Dialog(Dialog::SaveTemplate)],
        TemplateCommand::SaveAs(path) => save_as(state, path),
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
        TemplateCommand::Look(command) => {
            look(state, command);
            Vec::new()
        }
        TemplateCommand::Try(message, trial) => {
            tried::attempt(state, message, trial);
            refresh(state);
            Vec::new()
        }
        TemplateCommand::GiveUpTrial => {
            tried::give_up(state);
            refresh(state);
            Vec::new()
        }
    }
}

fn look(state: &mut State, command: LookCommand) {
    let view = &mut state.preview.look;
    match command {
        LookCommand::Compare(on) => view.compare = on,
        LookCommand::Middle(middle) => view.middle = middle,
        LookCommand::Answer(message) => {
            view.answer = Some(message);
            let asked = asked::ask(&state.preview, &row(state), true);
            state.preview.asked = asked;
        }
        LookCommand::Search(text) => view.search(text),
        LookCommand::SearchStep(by) => {
            let found = state.preview.shown.as_ref().map(|s| matches(s, &view.search).len());
            view.step(by, found.unwrap_or(0));
        }
    }
}

fn save_as(state: &State, path: PathBuf) -> Vec<Effect> {
    let text = state.preview.editor.text.clone();
    vec![Effect::Preview(PreviewEffect::SaveAs { path, text })]
}

/// The template was saved to a file, which is used from now on.
pub(super) fn saved(state: &mut State, result: Result<PathBuf, String>) -> Vec<Effect> {
    match result {
        Ok(path) => {
            state
                .problems
                .toast(format!("Saved the template as {}.", path.display()));
            // What was edited is in the file now.
            let original = state.preview.editor.original.as_ref().map(|o| o.source.clone());
            if let Some(original) = original {
                state.preview.editor.text = original;
            }
            choose(state, Source::File(path))
        }
        Err(message) => {
            state.problems.report(message, Vec::new());
            Vec::new()
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
