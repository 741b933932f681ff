//! The open file of examples, its problems and the selected row. Knows conversations, not files' contents.

use std::path::PathBuf;
use std::sync::Arc;

use super::problems::Way;
use super::{Bins, Command, Dialog, Effect, Room, RowLengths, State, preview, recipe_form};
use crate::data::{Conversation, DataSet, Split};

/// Sums over the rows, made once when a file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Conversations that are learned from.
    pub train: usize,
    /// Conversations held out.
    pub eval: usize,
    /// Characters of all messages.
    pub characters: u64,
    /// Characters of the longest conversation.
    pub longest: u64,
}

impl Counts {
    /// Goes over all conversations.
    pub fn of(set: &DataSet) -> Self {
        let mut counts = Self::default();
        for conversation in &set.conversations {
            match conversation.split {
                Split::Train => counts.train += 1,
                Split::Eval => counts.eval += 1,
            }
            let characters = conversation.messages.iter().map(|m| m.content.chars().count());
            let characters = characters.sum::<usize>() as u64;
            counts.characters += characters;
            counts.longest = counts.longest.max(characters);
        }
        counts
    }
}

impl Counts {
    /// Tokens of the longest conversation at so many characters a token, its markers included; at least 16.
    pub fn longest_tokens(&self, chars_per_token: f64) -> usize {
        (self.longest as f64 / chars_per_token * 1.2) as usize + 16
    }
}

/// How long the rows are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowShape {
    pub characters: Bins,
    pub turns: Bins,
}

impl RowShape {
    /// Goes over all conversations.
    pub fn of(set: &DataSet) -> Self {
        let characters = |c: &Conversation| c.messages.iter().map(|m| m.content.chars().count() as u64).sum();
        Self {
            characters: Bins::of(set.conversations.iter().map(characters).collect()),
            turns: Bins::of(set.conversations.iter().map(|c| c.messages.len() as u64).collect()),
        }
    }
}

/// A file as it comes back from being read.
#[derive(Clone)]
pub struct ReadRows {
    pub set: Arc<DataSet>,
    pub counts: Counts,
    pub shape: RowShape,
    /// Why files beside it could not be read.
    pub unread: Vec<String>,
}

impl ReadRows {
    /// Works out the sums of a file that was read.
    pub fn of(set: DataSet) -> Self {
        Self {
            counts: Counts::of(&set),
            shape: RowShape::of(&set),
            set: Arc::new(set),
            unread: Vec::new(),
        }
    }
}

/// A sample set that comes with the app.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct SampleSet {
    /// File name under the samples folder.
    pub file: String,
    /// What it teaches, in a few words.
    pub about: String,
}

/// What the Data room shows.
#[derive(Clone, Default)]
pub struct DataState {
    /// The rows, once read.
    pub set: Option<Arc<DataSet>>,
    /// Sums over `set`.
    pub counts: Counts,
    /// Histograms over `set`.
    pub shape: RowShape,
    /// Sample sets to offer.
    pub samples: Vec<SampleSet>,
    /// Index into `set.conversations`.
    pub selected: usize,
    /// The file that is being read.
    pub reading: Option<PathBuf>,
    /// Are the skipped rows shown with their reasons?
    pub show_problems: bool,
    /// Is the raw JSON shown instead of bubbles?
    pub show_raw: bool,
    /// Search text; rows without it are hidden.
    pub search: String,
    /// Indices of rows that match `search`; `None` when nothing is searched.
    pub matches: Option<Arc<Vec<usize>>>,
    /// The path field (where there are no dialogs).
    pub path_text: String,
    /// Tokens of the rows that were on show.
    pub lengths: RowLengths,
}

impl DataState {
    /// The selected conversation.
    pub fn conversation(&self) -> Option<&Conversation> {
        self.set.as_ref()?.conversations.get(self.selected)
    }

    /// Number of conversations that can be used.
    pub fn len(&self) -> usize {
        self.set.as_ref().map_or(0, |s| s.conversations.len())
    }

    /// Is there nothing to train on?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What can be done in the Data room (and from the row stepper of the Template room).
#[derive(Clone, Debug)]
pub enum DataCommand {
    /// Read files as one set of rows.
    Open(Vec<PathBuf>),
    /// Read the files of a recipe, one after the other, without leaving the room.
    Reopen(Vec<PathBuf>),
    /// Read a sample set that comes with the app, by its file name.
    OpenSample(String),
    /// Pick files with the system's dialog.
    OpenDialog,
    /// What stands in the path field.
    PathText(String),
    /// Select a row by its index.
    Select(usize),
    /// Select the row so many further (negative: back).
    Step(isize),
    /// Show or hide why rows were skipped.
    ToggleProblems,
    /// Bubbles or raw JSON.
    ShowRaw(bool),
    /// Show only rows that hold this text.
    Search(String),
    /// Hold out this share of the rows, in percent.
    HoldOut(f64),
    /// Count the tokens of the first of these rows that are not counted yet.
    CountTokens(Vec<usize>),
    /// Forget the file.
    Close,
}

/// Carries out a command.
pub fn apply(state: &mut State, command: DataCommand) -> Vec<Effect> {
    match command {
        DataCommand::Open(paths) => {
            state.nav.room = Room::Data;
            read(state, paths)
        }
        DataCommand::Reopen(paths) => read(state, paths),
        DataCommand::OpenSample(name) => read(state, vec![PathBuf::from("sample:").join(name)]),
        DataCommand::OpenDialog => vec![Effect::Dialog(Dialog::DataFile)],
        DataCommand::PathText(text) => {
            state.data.path_text = text;
            Vec::new()
        }
        DataCommand::Select(row) => select(state, row),
        DataCommand::Step(by) => {
            let next = state.data.selected.saturating_add_signed(by);
            let row = super::audit::step(state, by).unwrap_or(next);
            select(state, row)
        }
        DataCommand::ToggleProblems => {
            state.data.show_problems = !state.data.show_problems;
            Vec::new()
        }
        DataCommand::ShowRaw(raw) => {
            state.data.show_raw = raw;
            Vec::new()
        }
        DataCommand::Search(text) => {
            state.data.matches = search(&state.data, &text);
            state.data.search = text;
            Vec::new()
        }
        DataCommand::HoldOut(percent) => {
            state.recipe.recipe.data.split = percent;
            reread(state)
        }
        DataCommand::CountTokens(rows) => {
            super::lengths::count(state, &rows);
            Vec::new()
        }
        DataCommand::Close => {
            let samples = std::mem::take(&mut state.data.samples);
            state.data = DataState {
                samples,
                ..DataState::default()
            };
            state.recipe.recipe.data.files.clear();
            let mut effects = preview::row_changed(state);
            effects.push(Effect::Save);
            effects
        }
    }
}

/// Reads the open files again, where any are.
pub fn reread(state: &mut State) -> Vec<Effect> {
    let files = state.data.set.as_ref().map(|set| set.files().cloned().collect());
    files.map(|files| read(state, files)).unwrap_or_default()
}

fn read(state: &mut State, mut paths: Vec<PathBuf>) -> Vec<Effect> {
    if paths.is_empty() {
        return Vec::new();
    }
    let more = paths.split_off(1);
    let data = &state.recipe.recipe.data;
    let effects = paths.pop().map(|path| Effect::ReadData {
        path,
        more,
        percent: data.split,
        seed: data.seed,
    });
    if let Some(Effect::ReadData { path, .. }) = &effects {
        state.data.reading = Some(path.clone());
    }
    effects.into_iter().collect()
}

fn select(state: &mut State, row: usize) -> Vec<Effect> {
    let row = row.min(state.data.len().saturating_sub(1));
    if row == state.data.selected {
        return Vec::new();
    }
    state.data.selected = row;
    preview::row_changed(state)
}

fn search(data: &DataState, text: &str) -> Option<Arc<Vec<usize>>> {
    let set = data.set.as_ref().filter(|_| !text.trim().is_empty())?;
    let wanted = text.trim().to_lowercase();
    let holds = |c: &Conversation| c.messages.iter().any(|m| m.content.to_lowercase().contains(&wanted));
    let rows = set
        .conversations
        .iter()
        .enumerate()
        .filter(|(_, c)| holds(c))
        .map(|(i, _)| i);
    Some(Arc::new(rows.collect()))
}

/// Takes in a file that was read.
pub fn absorb(state: &mut State, path: PathBuf, result: Result<ReadRows, String>) -> Vec<Effect> {
    if state.data.reading.as_ref() == Some(&path) {
        state.data.reading = None;
    }
    match result {
        Ok(ReadRows {
            set,
            counts,
            shape,
            unread,
        }) => {
            for message in unread {
                state.problems.report(message, vec![another_file()]);
            }
            (state.data.counts, state.data.shape) = (counts, shape);
            state.recipe.recipe.data.files = set.files().cloned().collect();
            state.data.selected = state.data.selected.min(set.conversations.len().saturating_sub(1));
            state.data.matches = None;
            state.data.search.clear();
            if state.data.set.as_ref().is_none_or(|old| !old.files().eq(set.files())) {
                state.audit.rows = None;
                state.preview.tried = preview::Tried::default();
            }
            state.data.set = Some(set);
            let mut effects = preview::row_changed(state);
            effects.push(Effect::Save);
            effects.extend(recipe_form::journey_goes_on(state));
            effects
        }
        Err(message) => {
            state.recipe.journey = false;
            state.problems.report(message, vec![another_file()]);
            Vec::new()
        }
    }
}

fn another_file() -> Way {
    Way::new("Open another file...", Command::Data(DataCommand::OpenDialog))
}
