//! What the Runs room does with files, on threads: lists, reads, writes notes, moves to the bin. Knows no state.

use std::path::{Path, PathBuf};

use super::bin::{self, Binned};
use super::entry::RunEntry;
use super::{Notes, import, notes, read, tensorboard};
use crate::session::RunState;

/// Work of the Runs room outside the state.
#[derive(Clone, Debug)]
pub enum RunsEffect {
    /// List the runs of a folder; records that look as they did in `known` are not read again.
    List { folder: PathBuf, known: Vec<RunEntry> },
    /// Read all events of a run.
    Read { dir: PathBuf },
    /// Write the notes of these runs.
    Notes(Vec<(PathBuf, Notes)>),
    /// Move runs to the bin: folder and name.
    Delete(Vec<(PathBuf, String)>),
    /// Move them back.
    Restore(Vec<Binned>),
    /// Make a run of what another program logged.
    Import { file: PathBuf, folder: PathBuf },
    /// Write TensorBoard's files into the run folder.
    TensorBoard { dir: PathBuf },
    /// Show a folder in the system's file manager.
    ShowFolder(PathBuf),
}

/// What came back.
#[derive(Debug)]
pub enum RunsOutcome {
    /// Answer to `List`: the runs, newest first, and what could not be read.
    Listed { runs: Vec<RunEntry>, problems: Vec<String> },
    /// Answer to `Read`.
    Read {
        dir: PathBuf,
        result: Result<Box<RunState>, String>,
    },
    /// Answer to `Notes`: `Some` message when it failed.
    Noted(Option<String>),
    /// Answer to `Delete`: what is in the bin now, and what could not be moved.
    Deleted { binned: Vec<Binned>, problems: Vec<String> },
    /// Answer to `Restore`: what could not be moved.
    Restored { problems: Vec<String> },
    /// Answer to `Import`: the folder of the run or a message.
    Imported(Result<PathBuf, String>),
    /// Answer to `TensorBoard`: the folder of the files or a message.
    Written(Result<PathBuf, String>),
    /// Answer to `ShowFolder`: `Some` message when it failed.
    Shown(Option<String>),
}

/// A run as its events tell it.
///
/// # Errors
/// A folder without a run, or an imported log that cannot be read.
pub fn read_run(dir: &Path) -> Result<RunState, String> {
    if !read::is_run(dir) {
        return Err(format!(
            "{} holds no run: there is no events.jsonl in it. Give a folder that `burnish runs --json` lists as \"dir\".",
            dir.display()
        ));
    }
    read::state(dir)
}

/// All runs in a folder, the newest first, and what could not be read. A folder that is not there has none.
pub fn list(folder: &Path, known: &[RunEntry]) -> (Vec<RunEntry>, Vec<String>) {
    let (mut runs, mut problems) = (Vec::new(), Vec::new());
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for dir in entries.map(|entry| entry.path()).filter(|dir| read::is_run(dir)) {
        let before = known.iter().find(|entry| entry.dir == dir);
        runs.push(read::entry(&dir, before, &mut problems));
    }
    // Folders begin with date and time: their names are in order of age.
    runs.sort_by(|a, b| b.dir.file_name().cmp(&a.dir.file_name()));
    (runs, problems)
}

/// Carries an effect out; called on a thread.
pub fn perform(effect: RunsEffect) -> RunsOutcome {
    match effect {
        RunsEffect::List { folder, known } => {
            let (runs, problems) = list(&folder, &known);
            RunsOutcome::Listed { runs, problems }
        }
        RunsEffect::Read { dir } => {
            let result = read::state(&dir).map(Box::new);
            RunsOutcome::Read { dir, result }
        }
        RunsEffect::Notes(all) => RunsOutcome::Noted(all.iter().find_map(|(dir, of)| notes::write(dir, of).err())),
        RunsEffect::Delete(runs) => {
            let (mut binned, mut problems) = (Vec::new(), Vec::new());
            for (dir, name) in runs {
                match delete(&dir, &name) {
                    Ok(run) => binned.push(run),
                    Err(problem) => problems.push(problem),
                }
            }
            RunsOutcome::Deleted { binned, problems }
        }
        RunsEffect::Restore(binned) => RunsOutcome::Restored {
            problems: binned.iter().filter_map(|run| bin::restore(run).err()).collect(),
        },
        RunsEffect::Import { file, folder } => RunsOutcome::Imported(import::import(&file, &folder)),
        RunsEffect::TensorBoard { dir } => {
            let to = dir.join("tensorboard");
            let written = read::state(&dir).and_then(|run| tensorboard::write(&run, &to));
            RunsOutcome::Written(written.map(|_| to))
        }
        RunsEffect::ShowFolder(dir) => RunsOutcome::Shown(show(&dir).err()),
    }
}

/// A run that goes on keeps its folder.
fn delete(dir: &Path, name: &str) -> Result<Binned, String> {
    if crate::worker::is_alive(dir) {
        return Err(format!("{name} is still being trained. Stop it first, then delete it."));
    }
    bin::delete(dir, name)
}

/// Asks the system's file manager for a folder.
fn show(dir: &Path) -> Result<(), String> {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let null = std::process::Stdio::null;
    let child = std::process::Command::new(program)
        .arg(dir)
        .stdin(null())
        .stdout(null())
        .stderr(null())
        .spawn();
    let failed = |what: String| {
        format!(
            "{} could not be shown: {what}. Open it in your file manager.",
            dir.display()
        )
    };
    let mut child = child.map_err(|e| failed(format!("{program}: {e}")))?;
    let status = child.wait().map_err(|e| failed(e.to_string()))?;
    // Windows' explorer ends with 1 even where it showed the folder.
    if status.success() || cfg!(windows) {
        Ok(())
    } else {
        Err(failed(format!("{program} ended with {status}")))
    }
}
