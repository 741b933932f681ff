//! A run folder into what is known of the run. Knows the layout, not checkpoints' contents.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::SystemTime;

use super::entry::{Figures, RunEnd, RunEntry};
use super::{compare, import, notes};
use crate::formats::checkpoint;
use crate::protocol::Event;
use crate::recipe::Recipe;
use crate::session::chats::{run_began, run_name};
use crate::session::{RunPhase, RunState};
use crate::worker;

/// What a record looked like when it was read: a record that looks the same is not read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    length: u64,
    changed: Option<SystemTime>,
    alive: bool,
    final_there: bool,
}

/// The file that holds the record: the run's events, or what another program logged.
fn record(dir: &Path) -> std::path::PathBuf {
    let imported = dir.join(import::LOG);
    if import::is_import(dir) {
        imported
    } else {
        dir.join("events.jsonl")
    }
}

impl Stamp {
    pub(super) fn of(dir: &Path) -> Self {
        let data = fs::metadata(record(dir)).ok();
        Self {
            length: data.as_ref().map_or(0, fs::Metadata::len),
            changed: data.and_then(|data| data.modified().ok()),
            alive: worker::is_alive(dir),
            final_there: dir.join("final").is_dir(),
        }
    }
}

/// Is this the folder of a run? Anything else in the folder of runs is passed over.
pub(super) fn is_run(dir: &Path) -> bool {
    dir.join("events.jsonl").is_file() || dir.join("recipe.toml").is_file() || import::is_import(dir)
}

/// The run as its events tell it.
///
/// # Errors
/// An imported log that cannot be read: a sentence that names the file and the field.
pub(super) fn state(dir: &Path) -> Result<RunState, String> {
    if import::is_import(dir) {
        return import::state(dir);
    }
    let text = fs::read_to_string(dir.join("recipe.toml")).ok();
    let recipe = text.and_then(|text| Recipe::parse(&text).ok()).map(Box::new);
    let mut run = RunState {
        phase: RunPhase::Preparing,
        name: run_name(dir),
        dir: Some(dir.to_owned()),
        recipe,
        ..RunState::default()
    };
    if let Ok(file) = fs::File::open(dir.join("events.jsonl")) {
        let lines = BufReader::new(file).split(b'\n').map_while(Result::ok);
        // A line that is no event was cut by a worker that was killed.
        for event in lines.filter_map(|line| serde_json::from_slice::<Event>(&line).ok()) {
            run.replay(event);
        }
    }
    // A run may have been moved since: what came out lies in its folder.
    if let Some(result) = &mut run.result {
        let here = dir.join("final");
        if !result.path.exists() && here.is_dir() {
            result.path = here;
        }
    }
    run.checkpoint = newest_checkpoint(dir);
    if run.is_active() && !worker::is_alive(dir) {
        run.phase = RunPhase::Broken(worker::last_exit(dir));
    }
    Ok(run)
}

/// The newest checkpoint by its name. Whether every byte of it is whole is looked at before a run goes on from it: here that would mean to
/// read them all.
fn newest_checkpoint(dir: &Path) -> Option<(usize, std::path::PathBuf)> {
    let mut all = checkpoint::all(dir).into_iter();
    all.find(|(_, path)| path.join("trainer_state.json").is_file())
}

/// The line of a run in the history. Takes what was known from `before` where the record looks the same.
pub(super) fn entry(dir: &Path, before: Option<&RunEntry>, problems: &mut Vec<String>) -> RunEntry {
    let stamp = Stamp::of(dir);
    let notes = notes::read(dir).unwrap_or_else(|problem| {
        problems.push(problem);
        notes::Notes::default()
    });
    if let Some(before) = before.filter(|before| before.stamp == stamp) {
        return RunEntry {
            notes,
            checkpoint: newest_checkpoint(dir),
            ..before.clone()
        };
    }
    let run = state(dir).unwrap_or_else(|problem| {
        problems.push(problem);
        RunState {
            phase: RunPhase::Finished,
            name: run_name(dir),
            ..RunState::default()
        }
    });
    of_state(dir, &run, (stamp, notes))
}

fn of_state(dir: &Path, run: &RunState, (stamp, notes): (Stamp, notes::Notes)) -> RunEntry {
    let imported = import::is_import(dir);
    let end = match (&run.phase, imported) {
        (_, true) => RunEnd::Imported,
        _ if stamp.alive => RunEnd::Running,
        (RunPhase::Finished, _) if run.result.as_ref().is_some_and(|r| r.stopped) => RunEnd::Stopped,
        (RunPhase::Finished, _) => RunEnd::Finished,
        (RunPhase::Suspended, _) => RunEnd::Paused,
        _ => RunEnd::Broken,
    };
    let result = run.result.as_ref().map(|r| r.path.clone()).filter(|path| path.is_dir());
    RunEntry {
        dir: dir.to_owned(),
        name: run.name.clone(),
        when: run_began(dir),
        model: run.base().map(|path| model_name(&path)).unwrap_or_default(),
        method: run
            .recipe
            .as_ref()
            .map(|r| compare::method_words(r))
            .unwrap_or_default(),
        end,
        figures: figures(run),
        result,
        checkpoint: run.checkpoint.clone(),
        recipe: run.recipe.clone(),
        notes,
        stamp,
    }
}

fn figures(run: &RunState) -> Figures {
    let last = run.curves.steps.last();
    let evals = run.curves.evals.iter().map(|e| e.loss).filter(|loss| loss.is_finite());
    let seconds = run.result.as_ref().map_or(0.0, |r| r.seconds);
    Figures {
        steps: run.step(),
        of: run.steps(),
        loss: last.map(|s| s.smoothed).filter(|loss| loss.is_finite()),
        eval_loss: evals.min_by(f64::total_cmp),
        seconds: if seconds > 0.0 {
            seconds
        } else {
            last.map_or(0.0, |s| s.seconds_so_far)
        },
        tokens: last.map_or(0, |s| s.tokens_so_far),
        peak_memory: run.result.as_ref().map_or(0, |r| r.peak_memory),
    }
}

/// The last part of a model's path or hub name.
fn model_name(path: &str) -> String {
    let last = path.rsplit(['/', '\\']).find(|part| !part.is_empty());
    last.unwrap_or(path).to_owned()
}
