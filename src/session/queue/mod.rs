//! Runs that wait their turn: one starts when the one before it ends. Knows recipes and when a run is over, not what runs do.
mod sweep;

use serde::{Deserialize, Serialize};

pub use sweep::{Axis, Combination, SweepForm, combinations};

use super::problems::Way;
use super::run::{self, RunPhase};
use super::{Command, Effect, Room, State, words};
use crate::recipe::Recipe;

/// A run that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queued {
    /// What the run will be called.
    pub name: String,
    /// What it is trained by.
    pub recipe: Recipe,
}

/// The queue, and the form that fills it.
#[derive(Clone, Debug, Default)]
pub struct QueueState {
    /// The next one first.
    pub entries: Vec<Queued>,
    /// Values to try.
    pub sweep: SweepForm,
}

/// What can be done with the queue.
#[derive(Clone, Debug)]
pub enum QueueCommand {
    /// Put the recipe at the end.
    Add,
    /// The form of the sweep changed.
    Sweep(SweepForm),
    /// Put every combination of the form at the end.
    AddSweep,
    /// Take the entry with this number out.
    Remove(usize),
    /// Put the entry with this number before its neighbour.
    Earlier(usize),
    /// Start the first entry now.
    Start,
}

/// Carries out a command.
pub fn apply(state: &mut State, command: QueueCommand) -> Vec<Effect> {
    match command {
        QueueCommand::Add => add(state, |recipe| Ok(vec![(String::new(), recipe.clone())])),
        QueueCommand::Sweep(form) => {
            state.queue.sweep = form;
            Vec::new()
        }
        QueueCommand::AddSweep => {
            let form = state.queue.sweep.clone();
            add(state, |recipe| form.recipes(recipe))
        }
        QueueCommand::Remove(index) if index < state.queue.entries.len() => {
            state.queue.entries.remove(index);
            vec![Effect::Save]
        }
        QueueCommand::Earlier(index) if index > 0 && index < state.queue.entries.len() => {
            state.queue.entries.swap(index - 1, index);
            vec![Effect::Save]
        }
        QueueCommand::Remove(_) | QueueCommand::Earlier(_) => Vec::new(),
        QueueCommand::Start => next(state),
    }
}

/// Puts what `make` gives for the recipe at the end; the first starts at once when nothing runs.
fn add(state: &mut State, make: impl FnOnce(&Recipe) -> Result<Vec<(String, Recipe)>, String>) -> Vec<Effect> {
    if let Some((message, command)) = run::missing(state) {
        state.problems.report(message, vec![Way::new("Go there", command)]);
        return Vec::new();
    }
    let recipe = &state.recipe.recipe;
    let made = recipe.check().map_err(|e| e.to_string()).and_then(|()| make(recipe));
    let made = match made {
        Ok(made) => made,
        Err(message) => {
            let way = Way::new("Show the recipe", Command::Go(Room::Train));
            state.problems.report(message, vec![way]);
            return Vec::new();
        }
    };
    let base = state.recipe.run_name();
    let count = made.len();
    state
        .queue
        .entries
        .extend(made.into_iter().map(|(more, recipe)| Queued {
            name: if more.is_empty() {
                base.clone()
            } else {
                format!("{base}-{more}")
            },
            recipe,
        }));
    state
        .problems
        .toast(format!("{} added to the queue.", words::count(count, "run")));
    let mut effects = vec![Effect::Save];
    if !matches!(state.run.phase, RunPhase::Suspended) {
        effects.extend(next(state));
    }
    effects
}

/// Starts the first run that waits, unless one is going on.
pub fn next(state: &mut State) -> Vec<Effect> {
    if state.run.is_active() || state.queue.entries.is_empty() {
        return Vec::new();
    }
    let Queued { name, recipe } = state.queue.entries.remove(0);
    let mut effects = run::start_recipe(state, name, recipe);
    effects.push(Effect::Save);
    effects
}

/// The worker of a run ended, or there was none when the window opened: the next one starts, unless the user wanted the memory free.
pub fn turn(state: &mut State) -> Vec<Effect> {
    if state.run.phase == RunPhase::Suspended {
        return Vec::new();
    }
    if let Some(first) = state.queue.entries.first().filter(|_| !state.run.is_active()) {
        let text = format!("{} starts, which waited in the queue.", first.name);
        state.problems.toast(text);
    }
    next(state)
}
