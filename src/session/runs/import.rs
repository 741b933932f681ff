//! Runs of other programs, from the `trainer_state.json` of transformers' Trainer and TRL. The log is kept as it was. Knows the run folder,
//! not the file's fields.

use std::fs;
use std::path::{Path, PathBuf};

use crate::formats::trainer_state::{self, TrainerState};
use crate::session::run::RunStart;
use crate::session::{EvalPoint, RunPhase, RunState, StepPoint, chats};

/// The log in the run folder.
pub(super) const LOG: &str = "trainer_state.json";
/// Marks a run folder as imported and says where from.
const MARK: &str = "imported.toml";

#[derive(serde::Serialize)]
struct Mark<'a> {
    /// The file that it was made of.
    from: &'a Path,
}

/// Is this the folder of an imported run?
pub(super) fn is_import(dir: &Path) -> bool {
    dir.join(MARK).is_file()
}

/// Makes a run folder of a `trainer_state.json`; gives the folder.
///
/// # Errors
/// A sentence that names the file, and the field where one is wrong, or the folder that cannot be written.
pub fn import(file: &Path, runs: &Path) -> Result<PathBuf, String> {
    let log = trainer_state::read(file).map_err(|e| e.to_string())?;
    if log.steps.is_empty() && log.evals.is_empty() {
        return Err(format!(
            "{} has no losses in its log_history: there is nothing to compare with.",
            file.display()
        ));
    }
    let from = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let name = name_of(&from);
    let folder = crate::worker::make_run_dir(runs, &name).map_err(|e| e.to_string())?;
    let failed = |error: &dyn std::fmt::Display| format!("Could not keep the log in {}: {error}.", folder.display());
    let mark = toml::to_string(&Mark { from: &from }).map_err(|e| failed(&e))?;
    fs::copy(file, folder.join(LOG)).map_err(|e| failed(&e))?;
    // Written last: without it the folder is no run.
    fs::write(folder.join(MARK), mark).map_err(|e| failed(&e))?;
    Ok(folder)
}

/// The folder that the log lies in says more than the file's name; that of a checkpoint less than the one above it.
fn name_of(file: &Path) -> String {
    let folders = file
        .ancestors()
        .skip(1)
        .filter_map(Path::file_name)
        .map(|name| name.to_string_lossy());
    let mut telling = folders.filter(|name| !name.starts_with("checkpoint-"));
    telling
        .next()
        .map_or_else(|| "imported".into(), |name| name.into_owned())
}

/// The run as its log tells it.
///
/// # Errors
/// A sentence that names the file and the field.
pub(super) fn state(dir: &Path) -> Result<RunState, String> {
    let log = trainer_state::read(&dir.join(LOG)).map_err(|e| e.to_string())?;
    let mut run = RunState {
        phase: RunPhase::Finished,
        name: chats::run_name(dir),
        dir: Some(dir.to_owned()),
        start: Some(RunStart {
            steps: log.max_steps,
            ..RunStart::default()
        }),
        ..RunState::default()
    };
    put(&mut run, &log);
    Ok(run)
}

fn put(run: &mut RunState, log: &TrainerState) {
    let unknown = f64::NAN;
    let (mut tokens, mut step_before) = (0, 0);
    for step in &log.steps {
        // The log counts tokens of the whole run, and may leave steps out.
        let so_far = step.tokens.unwrap_or(tokens);
        let made = step.step.saturating_sub(step_before).max(1);
        let seconds = log.seconds_per_step.map_or(0.0, |seconds| seconds * made as f64);
        run.curves.add(StepPoint {
            step: step.step,
            loss: step.loss.unwrap_or(unknown),
            lr: step.lr.unwrap_or(unknown),
            grad_norm: step.grad_norm.unwrap_or(unknown),
            epoch: step.epoch.unwrap_or(unknown),
            tokens: so_far.saturating_sub(tokens) as usize,
            seconds,
            ..StepPoint::default()
        });
        (tokens, step_before) = (so_far, step.step);
    }
    for eval in &log.evals {
        run.curves.add_eval(EvalPoint {
            step: eval.step,
            loss: eval.loss,
            entropy: eval.entropy,
        });
    }
}
