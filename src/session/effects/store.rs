//! Writes settings and project on one thread, newest wins, and reads them at the start.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::{Home, Post};
use crate::session::{Outcome, Project, Settings, State};

/// What is written, and where.
struct Snapshot {
    settings: (PathBuf, Settings),
    project: (PathBuf, Project),
}

/// The saving thread.
pub struct Store {
    sender: Sender<Snapshot>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Starts the thread; failures are posted as problems.
    pub fn new(post: Post) -> Self {
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("burnish-save".into())
            .spawn(move || save_all(&receiver, &post));
        Self {
            sender,
            thread: thread.ok(),
        }
    }

    /// Hands over what the state holds now.
    pub fn save(&self, home: &Home, state: &State) {
        let snapshot = Snapshot {
            settings: (home.settings(), state.settings.clone()),
            project: (state.project_dir().join("project.toml"), Project::of(state)),
        };
        // The receiver only ends with the window.
        let _ = self.sender.send(snapshot);
    }

    /// Waits until everything is written.
    pub fn finish(self) {
        drop(self.sender);
        if let Some(thread) = self.thread {
            let _ = thread.join();
        }
    }
}

fn save_all(receiver: &Receiver<Snapshot>, post: &Post) {
    while let Ok(first) = receiver.recv() {
        let newest = receiver.try_iter().last().unwrap_or(first);
        let written =
            write(&newest.settings.0, &newest.settings.1).and_then(|()| write(&newest.project.0, &newest.project.1));
        if let Err(message) = written {
            post.send(Outcome::Problem(message));
        }
    }
}

/// Writes to a temporary name and renames, so that a file is never half written.
fn write(path: &Path, value: &impl serde::Serialize) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| {
        format!(
            "Could not write {}: {error}. Settings of this session may be lost.",
            path.display()
        )
    };
    let text = toml::to_string_pretty(value).map_err(|e| failed(&e))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| failed(&e))?;
    }
    let temporary = path.with_extension("toml.tmp");
    std::fs::write(&temporary, text).map_err(|e| failed(&e))?;
    std::fs::rename(&temporary, path).map_err(|e| failed(&e))
}

/// The settings as they are, when they can be read at all.
pub fn settings(home: &Home) -> Option<Settings> {
    toml::from_str(&std::fs::read_to_string(home.settings()).ok()?).ok()
}

/// What was kept from the last time.
pub struct Restored {
    pub settings: Settings,
    pub project: Project,
    /// The project's folder.
    pub dir: PathBuf,
    /// What could not be read.
    pub problems: Vec<String>,
}

/// Reads settings and project; what cannot be read is replaced by fresh values, and said.
pub fn restore(home: &Home, project: Option<&Path>) -> Restored {
    let mut problems = Vec::new();
    let mut settings: Settings = read(&home.settings(), &mut problems).unwrap_or_default();
    if let Some(folder) = project {
        settings.project = Some(std::path::absolute(folder).unwrap_or_else(|_| folder.into()));
    }
    let dir = settings.project.clone().unwrap_or_else(|| home.default_project());
    let name = dir
        .file_name()
        .map_or_else(|| "project".into(), |n| n.to_string_lossy().into_owned());
    let project = read(&dir.join("project.toml"), &mut problems).unwrap_or_else(|| Project::empty(name));
    Restored {
        settings,
        project,
        dir,
        problems,
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path, problems: &mut Vec<String>) -> Option<T> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            problems.push(format!(
                "Could not read {}: {error}. Starting with defaults.",
                path.display()
            ));
            return None;
        }
    };
    match toml::from_str(&text) {
        Ok(value) => Some(value),
        Err(error) => {
            // Keep what the user had: the next save would overwrite it.
            let aside = path.with_extension("toml.broken");
            let kept = std::fs::rename(path, &aside).is_ok();
            let note = if kept {
                format!(" The old file is kept as {}.", aside.display())
            } else {
                String::new()
            };
            problems.push(format!(
                "{} is not valid ({}). Starting with defaults.{note}",
                path.display(),
                error.message()
            ));
            None
        }
    }
}
