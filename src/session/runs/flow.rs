//! What comes back to the Runs room, and when the folder of runs is read again. Knows no files.

use std::path::PathBuf;
use std::sync::Arc;

use super::bin::Binned;
use super::commands::{compare, give_colours};
use super::io::{RunsEffect, RunsOutcome};
use super::{Reading, RunEntry, RunsCommand};
use crate::protocol::Event;
use crate::session::problems::Way;
use crate::session::words::count;
use crate::session::{Command, Effect, Room, RunState, State};

/// The project's folder of runs.
pub(super) fn folder(state: &State) -> PathBuf {
    state.project_dir().join("runs")
}

/// Reads the folder of runs again; where that goes on already, once more after it.
pub(super) fn refresh(state: &mut State) -> Vec<Effect> {
    if state.runs.reading != Reading::No {
        state.runs.reading = Reading::NowAndAgain;
        return Vec::new();
    }
    state.runs.reading = Reading::Now;
    vec![Effect::Runs(RunsEffect::List {
        folder: folder(state),
        known: state.runs.list.clone(),
    })]
}

/// The room was entered.
pub(in crate::session) fn entered(state: &mut State) -> Vec<Effect> {
    let mut effects = refresh(state);
    effects.extend(reread(state));
    effects
}

/// Reads the selected runs again that may have gone on.
fn reread(state: &State) -> Vec<Effect> {
    let picked = state.runs.picked.iter().cloned();
    picked.map(|dir| Effect::Runs(RunsEffect::Read { dir })).collect()
}

/// An event of the training worker came: in the room, evaluations and ends are shown at once.
pub(in crate::session) fn on_train_event(state: &mut State, event: &Event) -> Vec<Effect> {
    let matters = matches!(
        event,
        Event::TrainStart { .. } | Event::Eval { .. } | Event::TrainEnd { .. } | Event::Failed { .. }
    );
    if matters && state.nav.room == Room::Runs {
        entered(state)
    } else {
        Vec::new()
    }
}

/// Writes notes that changed, one write at a time.
pub(super) fn keep(state: &mut State) -> Vec<Effect> {
    let runs = &mut state.runs;
    if runs.keeping.writing || runs.keeping.dirty.is_empty() {
        return Vec::new();
    }
    let dirty = std::mem::take(&mut runs.keeping.dirty);
    let notes: Vec<_> = dirty
        .into_iter()
        .filter_map(|dir| {
            let notes = runs.entry(&dir)?.notes.clone();
            Some((dir, notes))
        })
        .collect();
    runs.keeping.writing = true;
    vec![Effect::Runs(RunsEffect::Notes(notes))]
}

/// Takes in what came back.
pub(in crate::session) fn absorb(state: &mut State, outcome: RunsOutcome) -> Vec<Effect> {
    match outcome {
        RunsOutcome::Listed { runs, problems } => listed(state, runs, problems),
        RunsOutcome::Read { dir, result } => {
            read(state, dir, result);
            Vec::new()
        }
        RunsOutcome::Noted(problem) => {
            state.runs.keeping.writing = false;
            match problem {
                Some(message) => {
                    state.problems.report(message, Vec::new());
                    Vec::new()
                }
                None => keep(state),
            }
        }
        RunsOutcome::Deleted { binned, problems } => deleted(state, binned, problems),
        RunsOutcome::Restored { problems } => {
            report(state, problems);
            refresh(state)
        }
        RunsOutcome::Imported(Ok(dir)) => {
            state.problems.toast("Imported the log as a run to compare with.");
            state.nav.room = Room::Runs;
            state.runs.picked = vec![dir];
            entered(state)
        }
        RunsOutcome::Imported(Err(message)) => {
            let way = Way::new("Import another file...", Command::Runs(RunsCommand::ImportDialog));
            state.problems.report(message, vec![way]);
            Vec::new()
        }
        RunsOutcome::Written(Ok(folder)) => {
            let folder = folder.display();
            state.problems.toast(format!("TensorBoard files are in {folder}."));
            Vec::new()
        }
        RunsOutcome::Written(Err(message)) | RunsOutcome::Shown(Some(message)) => {
            state.problems.report(message, Vec::new());
            Vec::new()
        }
        RunsOutcome::Shown(None) => Vec::new(),
    }
}

fn report(state: &mut State, problems: Vec<String>) {
    for problem in problems {
        state.problems.report(problem, Vec::new());
    }
}

fn listed(state: &mut State, mut list: Vec<RunEntry>, problems: Vec<String>) -> Vec<Effect> {
    report(state, problems);
    let runs = &mut state.runs;
    let again = std::mem::take(&mut runs.reading) == Reading::NowAndAgain;
    runs.listed = true;
    // What is being typed is newer than what was read.
    for entry in &mut list {
        if let Some(known) = runs.list.iter().find(|known| known.dir == entry.dir)
            && (runs.keeping.writing || runs.keeping.dirty.contains(&entry.dir))
        {
            entry.notes = known.notes.clone();
        }
    }
    runs.list = list;
    if again {
        return refresh(state);
    }
    let list = &runs.list;
    runs.picked.retain(|dir| list.iter().any(|entry| entry.dir == *dir));
    compare(state);
    give_colours(state)
}

fn read(state: &mut State, dir: PathBuf, result: Result<Box<RunState>, String>) {
    match result {
        Ok(run) if state.runs.picked.contains(&dir) => {
            state.runs.opened.insert(dir, Arc::from(run));
        }
        Ok(_) => {}
        Err(message) => state.problems.report(message, Vec::new()),
    }
}

fn deleted(state: &mut State, binned: Vec<Binned>, problems: Vec<String>) -> Vec<Effect> {
    report(state, problems);
    if binned.is_empty() {
        return Vec::new();
    }
    let is_gone = |dir: &PathBuf| binned.iter().any(|run| run.from == *dir);
    let runs = &mut state.runs;
    runs.list.retain(|entry| !is_gone(&entry.dir));
    runs.picked.retain(|dir| !is_gone(dir));
    if state.run.dir.as_ref().is_some_and(is_gone) && !state.run.is_active() {
        state.run = RunState::default();
    }
    state
        .problems
        .toast(format!("{} in the bin.", count(binned.len(), "run")));
    state.runs.deleted.push(binned);
    compare(state);
    refresh(state)
}
