//! Named conversations with the base and the tuned model. Knows no drawing and no worker processes: jobs leave as
//! effects, their events come back by job id.
mod chat;
mod commands;
mod examples;
mod flow;
mod runs;
mod store;

pub use chat::{Chat, Column, Piece, Reply, ReplyStatus, Turn, UNNAMED};
pub use commands::{ChatCommand, apply};
pub use examples::examples;
pub use flow::{on_event, on_gone};
pub(super) use runs::when as run_began;
pub use runs::{RunChoice, list as list_runs};
pub use store::{ChatsEffect, ChatsOutcome, bin, load, perform, save};

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use super::{Effect, Room, State};
use crate::data::Role;

/// A place for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The chat's id.
    pub chat: u64,
    /// Index of the turn.
    pub turn: usize,
    pub column: Column,
}

/// The job that the chat worker works on.
#[derive(Clone, Debug, PartialEq)]
pub struct Flight {
    /// Id of the job.
    pub job: u64,
    /// Where its answer goes.
    pub place: Place,
    /// What the worker does before the first token ("Loading the model"), and how far it is (0 to 1).
    pub stage: Option<(String, Option<f32>)>,
    /// Was Stop pressed?
    pub stopping: bool,
}

/// A user message that is being edited.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    pub turn: usize,
    pub text: String,
}

/// A token whose alternatives are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspected {
    pub place: Place,
    /// Index among the answer's tokens.
    pub token: usize,
}

/// What the user has open in the thread.
#[derive(Clone, Debug, Default)]
pub struct Focus {
    /// The user message that is being edited.
    pub edit: Option<Edit>,
    /// The token that is looked at.
    pub token: Option<Inspected>,
}

/// Which chats wait to be written, and whether a write is under way: one at a time, so that none overtakes another.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    dirty: BTreeSet<u64>,
    writing: bool,
    /// The chat that was deleted last, for "Undo".
    pub deleted: Option<Chat>,
}

/// What the Chat room shows.
#[derive(Clone, Debug, Default)]
pub struct ChatsState {
    /// All kept chats.
    pub chats: Vec<Chat>,
    /// Id of the chat that is shown.
    pub open: Option<u64>,
    /// The adapter that answers in the tuned column.
    pub adapter: Option<PathBuf>,
    /// The template that came with the adapter; both columns use it.
    pub adapter_template: Option<PathBuf>,
    /// The job that runs.
    pub flight: Option<Flight>,
    /// Answers that wait for their turn.
    pub queue: VecDeque<Place>,
    /// The message that is edited, the token that is looked at.
    pub focus: Focus,
    /// The project's runs that an adapter can be taken from, the newest first.
    pub runs: Vec<RunChoice>,
    /// Are the sampling settings shown?
    pub show_settings: bool,
    /// What is to be written.
    pub keeping: Keeping,
}

impl ChatsState {
    /// The chat that is shown.
    pub fn current(&self) -> Option<&Chat> {
        self.open.and_then(|id| self.chat(id))
    }

    /// A chat by its id.
    pub fn chat(&self, id: u64) -> Option<&Chat> {
        self.chats.iter().find(|c| c.id == id)
    }

    /// A chat by its id, to be changed.
    fn chat_mut(&mut self, id: u64) -> Option<&mut Chat> {
        self.chats.iter_mut().find(|c| c.id == id)
    }

    /// Is an answer of this chat being written or waited for?
    pub fn is_busy(&self, chat: u64) -> bool {
        self.flight.as_ref().is_some_and(|f| f.place.chat == chat) || self.queue.iter().any(|p| p.chat == chat)
    }

    /// The columns that answer now.
    pub fn columns(&self) -> &'static [Column] {
        if self.adapter.is_some() {
            &Column::ALL
        } else {
            &Column::ALL[..1]
        }
    }

    /// What people call the adapter: the run's name.
    pub fn adapter_name(&self) -> Option<String> {
        self.adapter.as_deref().map(run_name)
    }
}

/// The name of the run that an adapter folder belongs to: `runs/2026-11-21-143012-pirate/final` is "pirate".
pub fn run_name(path: &Path) -> String {
    let last = |p: &Path| p.file_name().map(|n| n.to_string_lossy().into_owned());
    let name = last(path).unwrap_or_else(|| path.display().to_string());
    let (folder, checkpoint) = match name.strip_prefix("checkpoint-") {
        Some(step) => (path.parent().and_then(last), Some(step.to_owned())),
        None if name == "final" => (path.parent().and_then(last), None),
        None => (None, None),
    };
    let folder = folder.unwrap_or(name);
    // Four parts of date and time stand before the name that the user gave.
    let dated = folder.splitn(5, '-').collect::<Vec<_>>();
    let is_date = dated.len() == 5 && dated[..4].iter().all(|part| part.chars().all(|c| c.is_ascii_digit()));
    let run = if is_date { dated[4] } else { folder.as_str() };
    match checkpoint {
        Some(step) => format!("{run}, step {step}"),
        None => run.to_owned(),
    }
}

/// Reads the kept chats; called once, when settings and project are known.
pub fn start(state: &mut State) -> Vec<Effect> {
    let folder = folder(state);
    vec![Effect::Chats(ChatsEffect::Load { folder })]
}

/// Takes in what came back.
pub fn absorb(state: &mut State, outcome: ChatsOutcome) -> Vec<Effect> {
    match outcome {
        ChatsOutcome::Loaded { chats, problems } => {
            for problem in problems {
                state.problems.report(problem, Vec::new());
            }
            let known: BTreeSet<u64> = state.chats.chats.iter().map(|c| c.id).collect();
            let fresh = chats.into_iter().filter(|c| !known.contains(&c.id));
            state.chats.chats.extend(fresh);
            state.chats.chats.sort_by_key(|c| c.id);
            state.chats.open = state.chats.open.or(state.chats.chats.last().map(|c| c.id));
            Vec::new()
        }
        ChatsOutcome::Saved(failure) => {
            state.chats.keeping.writing = false;
            if let Some(message) = failure {
                state.problems.report(message, Vec::new());
                return Vec::new();
            }
            keep_dirty(state)
        }
        ChatsOutcome::Runs(runs) => {
            state.chats.runs = runs;
            Vec::new()
        }
        ChatsOutcome::Adapter { path, template } => {
            if state.chats.adapter.as_ref() == Some(&path) {
                state.chats.adapter_template = template;
            }
            Vec::new()
        }
    }
}

/// Chat with an adapter folder: after a run ("Chat with NAME") or when one was dropped on the window.
/// `base` is the model that the adapter names.
pub fn open_adapter(state: &mut State, path: PathBuf, base: Option<String>) -> Vec<Effect> {
    state.nav.room = Room::Chat;
    let mut effects = use_adapter(state, path, base);
    // A new model is asked afresh, with the system prompt that it learned with.
    effects.extend(commands::new_chat(state));
    effects.extend(commands::ensure_open(state));
    effects
}

/// Lets an adapter answer in the tuned column, in the chat that is open.
fn use_adapter(state: &mut State, path: PathBuf, base: Option<String>) -> Vec<Effect> {
    state.chats.adapter = Some(path.clone());
    state.chats.adapter_template = None;
    let mut effects = vec![Effect::Chats(ChatsEffect::LookAtAdapter { path })];
    if let Some(base) = base.filter(|b| !b.is_empty()) {
        effects.extend(use_base(state, base));
    }
    effects
}

/// Selects the base of an adapter: a known model, or, where nothing is selected, the one that the adapter names.
fn use_base(state: &mut State, base: String) -> Vec<Effect> {
    if state.model.selected.as_ref() == Some(&base) {
        return Vec::new();
    }
    if state.model.cards.iter().any(|c| c.path == base) {
        return super::apply(state, super::Command::Model(super::ModelCommand::Select(base)));
    }
    match state.model.selected {
        Some(_) => Vec::new(),
        None => vec![Effect::ReadModel(base)],
    }
}

/// The system prompt of the data, where its rows have one.
pub fn data_system(state: &State) -> String {
    let set = state.data.set.as_ref();
    set.and_then(|s| {
        let first = s.conversations.first()?.messages.first()?;
        (first.role == Role::System).then(|| first.content.clone())
    })
    .unwrap_or_default()
}

/// Reads the project's runs again, for the list of adapters.
fn look_for_runs(state: &State) -> Vec<Effect> {
    let folder = state.project_dir().join("runs");
    vec![Effect::Chats(ChatsEffect::ListRuns { folder })]
}

/// Where this project's chats are kept.
fn folder(state: &State) -> PathBuf {
    state.project_dir().join("chats")
}

/// Marks a chat as changed and writes what is to be written.
fn keep(state: &mut State, chat: u64) -> Vec<Effect> {
    state.chats.keeping.dirty.insert(chat);
    keep_dirty(state)
}

fn keep_dirty(state: &mut State) -> Vec<Effect> {
    let folder = folder(state);
    let chats = &mut state.chats;
    if chats.keeping.writing || chats.keeping.dirty.is_empty() {
        return Vec::new();
    }
    let dirty = std::mem::take(&mut chats.keeping.dirty);
    chats.keeping.writing = true;
    let chats = chats.chats.iter().filter(|c| dirty.contains(&c.id)).cloned().collect();
    vec![Effect::Chats(ChatsEffect::Save { folder, chats })]
}
