//! `burnish runs`: the history of a project; TensorBoard files of a run; logs of other programs as runs to compare with.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::args::{RunsAction, RunsArgs};
use super::{console::Console, failure::Failure};
use crate::session::Settings;
use crate::session::effects::Home;
use crate::session::runs::{self, RunEnd, RunEntry};
use crate::session::words::{duration, thousands};

/// A run as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    when: &'a str,
    dir: &'a Path,
    state: RunEnd,
    model: &'a str,
    method: &'a str,
    steps: usize,
    of_steps: usize,
    /// Smoothed loss of the last step.
    loss: Option<f64>,
    /// Best on held-out rows.
    eval_loss: Option<f64>,
    seconds: f64,
    tokens: u64,
    tags: &'a [String],
    notes: &'a str,
}

/// A file or folder that was made.
#[derive(Serialize)]
struct Made<'a> {
    path: &'a Path,
}

/// Lists the runs, or does what the action says.
///
/// # Errors
/// A folder without a run, a log that is none, a file that cannot be written.
pub fn run(args: &RunsArgs, console: &Console) -> Result<(), Failure> {
    match &args.action {
        None => list(&folder(args.project.as_deref()), console),
        Some(RunsAction::Export { run, tensorboard }) => {
            let state = runs::read_run(run).map_err(Failure::Failed)?;
            let path = runs::write_tensorboard(&state, tensorboard).map_err(Failure::Failed)?;
            made(&path, console);
            Ok(())
        }
        Some(RunsAction::Import { file, project }) => {
            let dir = runs::import(file, &folder(project.as_deref())).map_err(Failure::Failed)?;
            made(&dir, console);
            Ok(())
        }
    }
}

/// The folder of runs of a project; without one, that of the current folder, else of the window's project.
fn folder(project: Option<&Path>) -> PathBuf {
    let here = Path::new("runs");
    match project {
        Some(project) => project.join("runs"),
        None if here.is_dir() => here.to_owned(),
        None => windows_project().join("runs"),
    }
}

/// The project that the window opens when none is named.
fn windows_project() -> PathBuf {
    let home = Home::of_user();
    let text = std::fs::read_to_string(home.settings()).unwrap_or_default();
    let settings: Settings = toml::from_str(&text).unwrap_or_default();
    settings.project.unwrap_or_else(|| home.default_project())
}

fn made(path: &Path, console: &Console) {
    console.result(&Made { path }, &path.display().to_string());
}

fn list(folder: &Path, console: &Console) -> Result<(), Failure> {
    let (runs, problems) = runs::list(folder, &[]);
    problems.iter().for_each(|problem| console.warn(problem));
    if runs.is_empty() {
        console.say(&format!("There are no runs in {}.", folder.display()));
    }
    for run in &runs {
        console.result(&line(run), &words(run));
    }
    Ok(())
}

fn line(run: &RunEntry) -> Line<'_> {
    let figures = &run.figures;
    Line {
        name: &run.name,
        when: &run.when,
        dir: &run.dir,
        state: run.end,
        model: &run.model,
        method: &run.method,
        steps: figures.steps,
        of_steps: figures.of,
        loss: figures.loss,
        eval_loss: figures.eval_loss,
        seconds: figures.seconds,
        tokens: figures.tokens,
        tags: &run.notes.tags,
        notes: &run.notes.text,
    }
}

fn words(run: &RunEntry) -> String {
    let figures = &run.figures;
    let mut parts = vec![format!("{} steps", thousands(figures.steps as u64))];
    for (name, loss) in [("loss", figures.loss), ("held out", figures.eval_loss)] {
        parts.extend(loss.map(|loss| format!("{name} {loss:.4}")));
    }
    if figures.seconds > 0.0 {
        parts.push(duration(figures.seconds));
    }
    let what: Vec<&str> = [run.model.as_str(), &run.method]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    let mut text = format!(
        "{:<16}  {:<24} {:<9} {}",
        run.when,
        run.name,
        run.end.word(),
        parts.join(", ")
    );
    if !what.is_empty() {
        text += &format!("  ({})", what.join(", "));
    }
    if !run.notes.tags.is_empty() {
        text += &format!("  #{}", run.notes.tags.join(" #"));
    }
    text
}
