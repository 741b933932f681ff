//! Runs that wait their turn: one starts when the one before it ends, with or without a window. Knows recipes and when a run is over, not
//! what runs do; the line itself is a file that the runs' supervisors share.
mod store;
mod sweep;

pub use store::{QueueChange, QueueEffect, QueueOutcome, perform};
pub use sweep::{Axis, Combination, SweepForm, combinations};

use super::problems::Way;
use super::run::{self, RunPhase};
use super::{Command, Effect, Room, State, audit, rate, words};
use crate::recipe::Recipe;
use crate::worker::queue::Queued;

/// The queue as it was last read, and the form that fills it.
#[derive(Clone, Debug, Default)]
pub struct QueueState {
    /// The next one first.
    pub entries: Vec<Queued>,
    /// Does the next one wait for the user's word?
    pub held: bool,
    /// Values to try.
    pub sweep: SweepForm,
    /// Is the next one being started?
    turning: bool,
    /// Has a run of the queue been started that the window does not show yet?
    pub(super) came: bool,
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
        QueueCommand::Add => ask(state, false),
        QueueCommand::Sweep(form) => {
            state.queue.sweep = form;
            Vec::new()
        }
        QueueCommand::AddSweep => ask(state, true),
        QueueCommand::Remove(index) => with_entry(state, index, QueueChange::Remove),
        QueueCommand::Earlier(index) => with_entry(state, index, QueueChange::Earlier),
        QueueCommand::Start if state.run.is_active() => Vec::new(),
        QueueCommand::Start => {
            let mut effects = rate::stop(state);
            effects.push(effect(state, QueueChange::Start));
            effects
        }
    }
}

/// The line is a file in the project's folder of runs.
pub(super) fn effect(state: &State, change: QueueChange) -> Effect {
    Effect::Queue(QueueEffect {
        runs: state.project_dir().join("runs"),
        change,
    })
}

fn with_entry(state: &State, index: usize, change: impl FnOnce(u64) -> QueueChange) -> Vec<Effect> {
    let entry = state.queue.entries.get(index);
    entry.map(|entry| effect(state, change(entry.id))).into_iter().collect()
}

/// The recipes to be added, with what each is called beside the run's name.
fn made(state: &State, sweep: bool) -> Result<Vec<(String, Recipe)>, String> {
    let recipe = &state.recipe.recipe;
    recipe.check().map_err(|e| e.to_string())?;
    match sweep {
        true => state.queue.sweep.recipes(recipe),
        false => Ok(vec![(String::new(), recipe.clone())]),
    }
}

/// Looks through the data before anything waits: nobody may be there to be asked when its turn comes.
fn ask(state: &mut State, sweep: bool) -> Vec<Effect> {
    if let Some((message, command)) = run::missing(state) {
        state.problems.report(message, vec![Way::new("Go there", command)]);
        return Vec::new();
    }
    if let Err(message) = made(state, sweep) {
        let way = Way::new("Show the recipe", Command::Go(Room::Train));
        state.problems.report(message, vec![way]);
        return Vec::new();
    }
    audit::before(state, audit::Intent::Queue { sweep })
}

/// Puts the recipe, or every combination of the sweep, at the end, whatever an audit says. They share data, template and length, so that one
/// audit is that of all.
pub(super) fn add_now(state: &mut State, sweep: bool) -> Vec<Effect> {
    let Ok(made) = made(state, sweep) else {
        return Vec::new();
    };
    let (base, smooth) = (state.recipe.run_name(), state.settings.smooth);
    let report = audit::fresh(state);
    let audited = report.map(|report| report.summary.seen.clone()).unwrap_or_default();
    let looked = match (audited.is_empty(), made.len()) {
        (false, 2..) => " One look at the data serves them all.",
        _ => "",
    };
    let text = format!("{} added to the queue.{looked}", words::count(made.len(), "run"));
    let runs = made.into_iter().map(|(more, recipe)| Queued {
        id: store::fresh_id(),
        name: match more.as_str() {
            "" => base.clone(),
            more => format!("{base}-{more}"),
        },
        smooth,
        audited: audited.clone(),
        recipe,
    });
    let change = QueueChange::Add(runs.collect());
    state.problems.toast(text);
    vec![effect(state, change)]
}

/// The worker of a run ended, or there was none when the window opened: the next one starts, or has been started already.
pub fn turn(state: &mut State) -> Vec<Effect> {
    if state.run.phase == RunPhase::Suspended {
        return vec![effect(state, QueueChange::Look)];
    }
    if state.run.is_active() || std::mem::replace(&mut state.queue.turning, true) {
        return Vec::new();
    }
    // Training needs the device that a search for a rate holds.
    let mut effects = if state.queue.entries.is_empty() || state.queue.held {
        Vec::new()
    } else {
        rate::stop(state)
    };
    effects.push(effect(state, QueueChange::Turn));
    effects
}

/// Takes in the queue as it is now.
pub fn absorb(state: &mut State, outcome: QueueOutcome) -> Vec<Effect> {
    let queue = &mut state.queue;
    queue.turning &= !outcome.turned;
    match outcome.queue {
        Ok(now) => (queue.entries, queue.held) = (now.runs, now.held),
        Err(message) => {
            state.problems.report(message, Vec::new());
            return Vec::new();
        }
    }
    if state.run.is_active() {
        return Vec::new();
    }
    if let Some(dir) = outcome.goes_on {
        queue.came = true;
        let id = state.next_job();
        return vec![Effect::FollowRun { id, dir }];
    }
    let waits = !queue.entries.is_empty() && !queue.held && state.run.phase != RunPhase::Suspended;
    match waits && !outcome.turned {
        true => turn(state),
        false => Vec::new(),
    }
}
