//! What can be done in the Runs room. Knows which effects that needs, not how files are moved.

use std::path::PathBuf;
use std::sync::Arc;

use super::entry::{Column, RunEnd};
use super::io::RunsEffect;
use super::notes::COLOURS;
use super::{compare, flow};
use crate::session::problems::Way;
use crate::session::{
    Along, Command, DataCommand, Dialog, Effect, ModelCommand, Room, State, Zoom, apply as apply_any, chats, run,
};

/// What can be done in the Runs room.
#[derive(Clone, Debug)]
pub enum RunsCommand {
    /// Show only runs that hold these words.
    Search(String),
    /// Order the table by this column; the other way round where it is so already.
    Sort(Column),
    /// Select one run alone.
    Pick(PathBuf),
    /// Select a run beside the others, or leave it out.
    Toggle(PathBuf),
    /// Select the runs that the search finds, as many as there are colours.
    PickAll,
    /// Select none.
    PickNone,
    /// What stands along the axis of the curves.
    Along(Along),
    /// Draw losses on a logarithmic axis or a linear one.
    Logarithmic(bool),
    /// Switch a run's curve on or off.
    ToggleCurve(String),
    /// Show this part of the curves; `None` shows everything.
    Zoom(Option<Zoom>),
    /// What the user says about a run.
    Text(PathBuf, String),
    /// The run's tags, separated by commas.
    Tags(PathBuf, String),
    /// The number of the run's colour.
    Colour(PathBuf, usize),
    /// Put the run's recipe into the form of the Train room.
    Duplicate(PathBuf),
    /// Show the run in the Train room: all its curves, answers and events.
    Open(PathBuf),
    /// Go on from the newest checkpoint.
    Resume(PathBuf),
    /// Chat with what came out.
    Chat(PathBuf),
    /// Show the run folder in the system's file manager.
    ShowFolder(PathBuf),
    /// Put the run's numbers on the clipboard as comma-separated values.
    CopyCsv(PathBuf),
    /// Write TensorBoard's event files into the run folder.
    TensorBoard(PathBuf),
    /// Move the selected runs to the bin.
    Delete,
    /// Bring back what was deleted last.
    UndoDelete,
    /// Pick a trainer_state.json with the system's dialog.
    ImportDialog,
    /// Make a run of what another program logged.
    Import(PathBuf),
    /// Read the folder of runs again.
    Refresh,
}

/// Carries out a command.
pub fn apply(state: &mut State, command: RunsCommand) -> Vec<Effect> {
    use RunsCommand as C;
    let runs = &mut state.runs;
    match command {
        C::Search(text) => runs.search = text,
        C::Sort(column) => runs.sort = runs.sort.clicked(column),
        C::Pick(dir) => {
            runs.picked = vec![dir.clone()];
            return picked(state, dir);
        }
        C::Toggle(dir) if runs.picked.contains(&dir) => {
            runs.picked.retain(|picked| *picked != dir);
            compare(state);
        }
        C::Toggle(dir) => {
            runs.picked.push(dir.clone());
            return picked(state, dir);
        }
        C::PickAll => return pick_all(state),
        C::PickNone => {
            runs.picked.clear();
            compare(state);
        }
        C::Along(along) => (runs.along, runs.look.zoom) = (along, None),
        C::Logarithmic(on) => (runs.look.logarithmic, runs.look.zoom) = (on, None),
        C::ToggleCurve(name) => runs.look.toggle(name),
        C::Zoom(zoom) => runs.look.zoom = zoom,
        C::Text(dir, text) => return note(state, dir, |notes| notes.text = text),
        C::Tags(dir, typed) => return note(state, dir, |notes| notes.set_tags(&typed)),
        C::Colour(dir, colour) => return note(state, dir, |notes| notes.colour = Some(colour % COLOURS)),
        C::ImportDialog => return vec![Effect::Dialog(Dialog::TrainerState)],
        C::Refresh => return flow::refresh(state),
        other => return with_run(state, other),
    }
    Vec::new()
}

/// Commands that do something with runs or their folders.
fn with_run(state: &mut State, command: RunsCommand) -> Vec<Effect> {
    use RunsCommand as C;
    let effect = match command {
        C::Duplicate(dir) => return duplicate(state, dir),
        C::Open(dir) => return open(state, dir),
        C::Resume(dir) => return resume(state, dir),
        C::Chat(dir) => return chat(state, dir),
        C::CopyCsv(dir) => {
            let opened = state.runs.opened.get(&dir);
            return opened
                .map(|run| Effect::Copy(run.curves.to_csv()))
                .into_iter()
                .collect();
        }
        C::ShowFolder(dir) => RunsEffect::ShowFolder(dir),
        C::TensorBoard(dir) => RunsEffect::TensorBoard { dir },
        C::Delete => return delete(state),
        C::UndoDelete => RunsEffect::Restore(state.runs.deleted.pop().unwrap_or_default()),
        C::Import(file) => RunsEffect::Import {
            file,
            folder: flow::folder(state),
        },
        _ => return Vec::new(),
    };
    vec![Effect::Runs(effect)]
}

fn pick_all(state: &mut State) -> Vec<Effect> {
    let found: Vec<PathBuf> = state
        .runs
        .visible()
        .iter()
        .map(|run| run.dir.clone())
        .take(COLOURS)
        .collect();
    state.runs.picked.clone_from(&found);
    found.into_iter().flat_map(|dir| picked(state, dir)).collect()
}

/// A run was selected: it gets its colour, and its events are read.
fn picked(state: &mut State, dir: PathBuf) -> Vec<Effect> {
    compare(state);
    let mut effects = vec![Effect::Runs(RunsEffect::Read { dir })];
    effects.extend(give_colours(state));
    effects
}

/// Selected runs without a colour get the one that the fewest runs have.
pub(super) fn give_colours(state: &mut State) -> Vec<Effect> {
    let runs = &mut state.runs;
    for dir in runs.picked.clone() {
        let used = |colour: usize| runs.list.iter().filter(|e| e.notes.colour == Some(colour)).count();
        let colour = (0..COLOURS).min_by_key(|colour| used(*colour));
        if let Some(entry) = runs.entry_mut(&dir).filter(|entry| entry.notes.colour.is_none()) {
            entry.notes.colour = colour;
            runs.keeping.dirty.insert(dir);
        }
    }
    flow::keep(state)
}

/// Works out again in what the selected runs differ.
pub(super) fn compare(state: &mut State) {
    let runs = &mut state.runs;
    let entries: Vec<_> = runs
        .picked
        .iter()
        .filter_map(|dir| runs.list.iter().find(|e| e.dir == *dir))
        .collect();
    runs.differences = compare::differences(&entries);
    let picked = &runs.picked;
    runs.opened.retain(|dir, _| picked.contains(dir));
}

fn note(state: &mut State, dir: PathBuf, change: impl FnOnce(&mut super::Notes)) -> Vec<Effect> {
    let Some(entry) = state.runs.entry_mut(&dir) else {
        return Vec::new();
    };
    change(&mut entry.notes);
    state.runs.keeping.dirty.insert(dir);
    flow::keep(state)
}

fn duplicate(state: &mut State, dir: PathBuf) -> Vec<Effect> {
    let Some(entry) = state.runs.entry(&dir) else {
        return Vec::new();
    };
    let Some(recipe) = entry.recipe.clone() else {
        state.problems.report(
            format!(
                "{} has no recipe that can be read, so there is nothing to edit.",
                entry.name
            ),
            vec![Way::new("Set up a run", Command::Go(Room::Train))],
        );
        return Vec::new();
    };
    let name = entry.name.clone();
    let mut recipe = *recipe;
    // They belong to the files as they were; the run writes those of the files as they are.
    recipe.data.sha256.clear();
    recipe.data.replay_sha256.clear();
    if !state.run.is_active() {
        state.run = super::RunState::default();
    }
    let mut effects = use_files(state, &recipe);
    state.recipe.name = name;
    state.recipe.recipe = recipe;
    state.nav.room = Room::Train;
    effects.push(Effect::Save);
    effects
}

/// Selects a recipe's model and opens its data.
fn use_files(state: &mut State, recipe: &crate::recipe::Recipe) -> Vec<Effect> {
    let mut effects = Vec::new();
    let model = recipe.model.path.clone();
    if state.model.cards.iter().any(|card| card.path == model) {
        effects.extend(apply_any(state, Command::Model(ModelCommand::Select(model))));
    } else {
        state.model.reading.push(model.clone());
        effects.push(Effect::ReadModel(model));
    }
    let files = &recipe.data.files;
    let open = state.data.set.as_ref().is_some_and(|set| set.files().eq(files));
    if !open {
        effects.extend(apply_any(state, Command::Data(DataCommand::Reopen(files.clone()))));
    }
    effects
}

/// The run as its events tell it, once they were read; says so where that is not yet the case or a run goes on.
fn ready(state: &mut State, dir: &PathBuf) -> Option<Arc<super::RunState>> {
    if state.run.is_active() && state.run.dir.as_ref() != Some(dir) {
        let name = state.run.name.clone();
        state.problems.report(
            format!("The Train room shows {name}, which is being trained. Wait for its end, or stop it."),
            vec![Way::new("Show", Command::Go(Room::Train))],
        );
        return None;
    }
    state.runs.opened.get(dir).cloned()
}

fn open(state: &mut State, dir: PathBuf) -> Vec<Effect> {
    if state.run.dir.as_ref() == Some(&dir) {
        return apply_any(state, Command::Go(Room::Train));
    }
    let Some(run) = ready(state, &dir) else {
        return Vec::new();
    };
    let alive = state.runs.entry(&dir).is_some_and(|entry| entry.end == RunEnd::Running);
    if alive {
        // Another program trains it: its events are followed from the first on.
        let id = state.next_job();
        state.nav.room = Room::Train;
        return vec![Effect::FindRun { id }];
    }
    state.run = (*run).clone();
    state.live = Default::default();
    apply_any(state, Command::Go(Room::Train))
}

fn resume(state: &mut State, dir: PathBuf) -> Vec<Effect> {
    let Some(opened) = ready(state, &dir).filter(|_| !state.run.is_active()) else {
        return Vec::new();
    };
    if opened.recipe.is_none() {
        let text = format!("{} cannot go on: its recipe.toml cannot be read.", opened.name);
        state.problems.report(text, Vec::new());
        return Vec::new();
    }
    run::go_on(state, (*opened).clone())
}

fn chat(state: &mut State, dir: PathBuf) -> Vec<Effect> {
    let Some(entry) = state.runs.entry(&dir) else {
        return Vec::new();
    };
    let Some(path) = entry
        .result
        .clone()
        .or_else(|| entry.checkpoint.clone().map(|(_, path)| path))
    else {
        return Vec::new();
    };
    let base = entry.recipe.as_ref().map(|recipe| recipe.model.path.clone());
    chats::open_adapter(state, path, base)
}

fn delete(state: &mut State) -> Vec<Effect> {
    let runs = &mut state.runs;
    let picked: Vec<(PathBuf, String)> = runs
        .picked
        .iter()
        .filter_map(|dir| Some((dir.clone(), runs.entry(dir)?.name.clone())))
        .collect();
    if picked.is_empty() {
        return Vec::new();
    }
    vec![Effect::Runs(RunsEffect::Delete(picked))]
}
