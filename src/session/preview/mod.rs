//! The template, the supervision mode, and the selected row rendered and tokenised. Knows no drawing and no weights:
//! of a model only the tokenizer is read.
mod asked;
mod commands;
mod compare;
mod echo;
mod lex;
mod look;
mod shown;
mod slow;
mod source;
mod store;
mod tried;

pub use asked::{Asked, answers};
pub use commands::{LookCommand, TemplateCommand, apply};
pub use compare::{ComparedLine, LineChange, compare};
pub use echo::{source_of, text_of};
pub use lex::{Lexeme, LexemeKind, lex};
pub use look::{Look, Middle, TokenRange, matches};
pub use shown::{Inputs, Note, Shown, Trouble, example, why_words};
pub use slow::{BuiltRow, Slow, SlowRow, follow};
pub use source::{Editor, Source, builtin_label};
pub use store::{PreviewEffect, PreviewOutcome, ReadTemplate, perform};
pub use tried::{Trial, Tried, original};

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Effect, State};
use crate::data::Conversation;
use crate::template::Template;
use crate::tokens::{Tokenizer, choose};

/// The template of a model that has none.
const FALLBACK: &str = "chatml";

/// What the Template room shows.
#[derive(Default)]
pub struct PreviewState {
    /// The template and the copy that is being edited.
    pub editor: Editor,
    /// The tokenizer of the selected model, once it was read.
    pub tokenizer: Option<Arc<Tokenizer>>,
    /// The model whose tokenizer is shown or being read.
    pub tokenizer_of: Option<String>,
    /// Why there is no tokenizer.
    pub tokenizer_failure: Option<String>,
    /// The last row that could be rendered; stays while the template is broken.
    pub shown: Option<Arc<Shown>>,
    /// Why the row cannot be rendered now.
    pub trouble: Option<Trouble>,
    /// How the user looks at the row.
    pub look: Look,
    /// Changes of rows that are tried out.
    pub tried: Tried,
    /// The prompt that chat sends for the chosen answer; `None` where there is no answer.
    pub asked: Option<Asked>,
    /// Edited texts of templates that were left for another one, to come back to.
    left: Vec<(Source, String)>,
    /// Rows that take longer than a frame.
    pub slow: Slow,
    key: Option<u64>,
    /// Has the edited copy changed since it was written last?
    unkept: bool,
    /// Is it being written?
    keeping: bool,
}

impl PreviewState {
    /// Is the tokenizer being read?
    pub fn is_loading(&self) -> bool {
        self.tokenizer_of.is_some() && self.tokenizer.is_none() && self.tokenizer_failure.is_none()
    }

    /// Does the model bring a template of its own? `None` while that is not known.
    pub fn has_own(&self) -> Option<bool> {
        self.tokenizer.as_ref().map(|t| t.chat_template().is_some())
    }

    /// Empties the editor; what was edited is remembered.
    fn unload(&mut self) {
        let editor = std::mem::take(&mut self.editor);
        if editor.is_edited() {
            self.left.retain(|(source, _)| *source != editor.source);
            self.left.push((editor.source, editor.text));
        }
        (self.unkept, self.key) = (false, None);
    }

    /// Puts a template into the editor, as it was left where it was edited before.
    fn begin(&mut self, source: Source, original: Template, edited: Option<String>) {
        let left = self.left.iter().position(|(s, _)| *s == source);
        let left = left.map(|at| self.left.remove(at).1);
        self.editor.begin(source, original, edited.or(left));
    }
}

/// The row that is shown: the selected one as it is tried or as it is, or an example while no data is open.
pub fn row(state: &State) -> Cow<'_, Conversation> {
    let tried = |row: &Conversation| state.preview.tried.of(row);
    match state.data.conversation() {
        Some(conversation) => Cow::Borrowed(tried(conversation).unwrap_or(conversation)),
        None => {
            let example = example();
            Cow::Owned(tried(&example).cloned().unwrap_or(example))
        }
    }
}

/// What the template is compared with, and what that is called: the model's own, else the chosen one before it was edited.
/// `None` where both are the same.
pub fn compared_with(state: &State) -> Option<(&'static str, &str)> {
    let (preview, text) = (&state.preview, &state.preview.editor.text);
    let own = preview.tokenizer.as_ref().and_then(|t| t.chat_template());
    if let Some(own) = own.filter(|own| own.source != *text) {
        return Some(("the model's own", &own.source));
    }
    let original = preview.editor.original.as_ref()?;
    (original.source != *text).then_some(("what it was", &original.source))
}

/// Another model was selected (`state.model.selected`).
pub fn model_changed(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    if state.preview.tokenizer_of != state.model.selected {
        let model = state.model.selected.clone();
        state.preview.tokenizer = None;
        state.preview.tokenizer_failure = None;
        state.preview.tokenizer_of.clone_from(&model);
        effects.extend(model.map(|m| Effect::Preview(PreviewEffect::LoadTokenizer(m))));
    }
    effects.extend(load(state));
    refresh(state);
    effects
}

/// Another row was selected or the rows were read anew (`state.data`).
pub fn row_changed(state: &mut State) -> Vec<Effect> {
    let effects = load(state);
    refresh(state);
    effects
}

/// Takes in what came back.
pub fn absorb(state: &mut State, outcome: PreviewOutcome) -> Vec<Effect> {
    match outcome {
        PreviewOutcome::Tokenizer { model, result } => {
            if state.preview.tokenizer_of.as_ref() != Some(&model) {
                return Vec::new();
            }
            match result {
                Ok(tokenizer) => state.preview.tokenizer = Some(tokenizer),
                Err(message) => {
                    state.problems.report(message.clone(), Vec::new());
                    state.preview.tokenizer_failure = Some(message);
                }
            }
            // The model's own template is known only now.
            if state.preview.editor.source == Source::Model && !state.preview.editor.is_edited() {
                state.preview.unload();
            }
            row_changed(state)
        }
        PreviewOutcome::Template { path, result } => {
            read(state, path, result);
            refresh(state);
            Vec::new()
        }
        PreviewOutcome::Kept(result) => kept(state, result),
        PreviewOutcome::Saved(result) => commands::saved(state, result),
        PreviewOutcome::Built(built) => {
            slow::built(state, *built);
            Vec::new()
        }
    }
}

fn read(state: &mut State, path: PathBuf, result: Result<ReadTemplate, String>) {
    if Source::of(&state.recipe.recipe.template) != Source::File(path.clone()) {
        return;
    }
    let preview = &mut state.preview;
    match result {
        Ok(ReadTemplate {
            template,
            copy_of: Some(original),
        }) => {
            let source = Source::Builtin(original.name.clone());
            preview.begin(source, original, Some(template.source));
        }
        Ok(read) => preview.begin(Source::File(path), read.template, None),
        Err(message) => {
            preview.editor.failure = Some(message.clone());
            state.problems.report(message, Vec::new());
        }
    }
}

fn kept(state: &mut State, result: Result<PathBuf, String>) -> Vec<Effect> {
    state.preview.keeping = false;
    match result {
        Ok(path) if state.preview.editor.is_edited() => {
            state.recipe.recipe.template = Source::File(path).part();
            let mut effects = commands::keep(state);
            effects.push(Effect::Save);
            effects
        }
        Ok(_) => Vec::new(),
        Err(message) => {
            state.problems.report(message, Vec::new());
            Vec::new()
        }
    }
}

/// Puts the recipe's template into the editor where that has none.
fn load(state: &mut State) -> Vec<Effect> {
    let preview = &mut state.preview;
    if preview.editor.original.is_some() || preview.editor.failure.is_some() {
        return Vec::new();
    }
    let source = Source::of(&state.recipe.recipe.template);
    let builtin = |name: &str| Template::builtin(name);
    match &source {
        Source::Model => {
            // The same choice as training and chat make; before the tokenizer is there, the one for models without.
            let chosen = preview.tokenizer.as_ref().map(|t| choose(None, None, t));
            match chosen {
                Some(Ok(chosen)) => preview.begin(source, chosen.template, None),
                Some(Err(error)) => preview.editor.failure = Some(error.to_string()),
                None => {
                    if let Some(template) = builtin(FALLBACK) {
                        preview.begin(source, template, None);
                    }
                }
            }
        }
        Source::Builtin(name) => match builtin(name) {
            Some(template) => preview.begin(source, template, None),
            None => {
                preview.editor.failure = Some(format!(
                    "Unknown template \"{name}\". Built-in templates: {}.",
                    Template::builtin_names().join(", ")
                ));
            }
        },
        Source::File(path) => return vec![Effect::Preview(PreviewEffect::ReadTemplate(path.clone()))],
    }
    Vec::new()
}

/// Renders and tokenises the row where something that it depends on has changed.
fn refresh(state: &mut State) {
    let Some(template) = state.preview.editor.template() else {
        return;
    };
    let row = row(state);
    let inputs = Inputs {
        template: &template,
        conversation: &row,
        mode: state.recipe.recipe.data.mode,
        tokenizer: state.preview.tokenizer.as_ref(),
    };
    let key = inputs.key();
    if state.preview.key == Some(key) {
        return;
    }
    let built = inputs.build_at_once();
    let asked = built.as_ref().and_then(|_| asked::ask(&state.preview, &row, true));
    let preview = &mut state.preview;
    preview.key = Some(key);
    preview.asked = asked;
    preview.slow.want(built.is_none().then_some(key));
    match built {
        Some(Ok(shown)) => {
            preview.shown = Some(Arc::new(shown));
            preview.trouble = None;
        }
        Some(Err(trouble)) => preview.trouble = Some(trouble),
        None => {}
    }
}
