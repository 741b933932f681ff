//! How a worker ended, in plain words. Knows exit codes and signals, not what the worker did.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use serde::{Deserialize, Serialize};

use super::log::last_lines;

/// Exit code of a worker whose device or machine ran out of memory.
pub const OUT_OF_MEMORY: i32 = 71;
/// Exit code of a worker whose device was lost.
pub const DEVICE_LOST: i32 = 72;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitHow {
    /// By itself, with this code; 0 is a clean end.
    Code(i32),
    /// By a signal (Unix).
    Signal(i32),
    /// It is gone and nobody saw how.
    Vanished,
}

/// The end of a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerExit {
    /// How.
    pub how: ExitHow,
    /// The last lines that it wrote to its log.
    pub last_stderr: Vec<String>,
    /// The checkpoint from which training can go on.
    pub last_checkpoint: Option<PathBuf>,
}

impl WorkerExit {
    /// From what the system reports.
    pub(super) fn new(status: Option<ExitStatus>, last_stderr: Vec<String>, last_checkpoint: Option<PathBuf>) -> Self {
        Self {
            how: status.map_or(ExitHow::Vanished, how),
            last_stderr,
            last_checkpoint,
        }
    }

    /// Did it end as it should?
    pub fn is_clean(&self) -> bool {
        self.how == ExitHow::Code(0)
    }

    /// Was it killed from outside?
    pub(super) fn was_killed(&self) -> bool {
        self.how == ExitHow::Signal(9)
    }

    /// Did it end for want of memory?
    pub fn out_of_memory(&self) -> bool {
        self.how == ExitHow::Code(OUT_OF_MEMORY)
            || self.last_stderr.iter().any(|line| {
                // What Rust prints before it aborts on a failed allocation.
                line.starts_with("memory allocation of ")
            })
    }

    /// What happened and what to do, as one sentence or two.
    pub fn in_words(&self) -> String {
        let what = self.what();
        match &self.last_checkpoint {
            Some(path) => format!(
                "{what} The last checkpoint is {}; resume goes on from there.",
                path.display()
            ),
            None => what,
        }
    }

    fn what(&self) -> String {
        if self.out_of_memory() {
            return "The worker ran out of memory. Use a smaller batch or a shorter maximum length, or close other programs."
                .into();
        }
        match self.how {
            ExitHow::Code(0) => "The worker ended.".into(),
            ExitHow::Code(DEVICE_LOST) => {
                "The device was lost: its driver was reset, or it was unplugged or asleep for too long.".into()
            }
            ExitHow::Code(code) => format!("The worker ended with exit code {code}{}.", self.last_words()),
            ExitHow::Signal(9) => {
                "The worker was killed from outside (signal 9); a system short of memory does that too.".into()
            }
            ExitHow::Signal(15) => "The worker was asked to end from outside (signal 15).".into(),
            ExitHow::Signal(6) => format!("The worker aborted (signal 6){}.", self.last_words()),
            ExitHow::Signal(11) => "The worker crashed (signal 11), most likely in the graphics driver.".into(),
            ExitHow::Signal(n) => format!("The worker was ended by signal {n}{}.", self.last_words()),
            ExitHow::Vanished => "The worker is gone: it was killed, or the machine was restarted.".into(),
        }
    }

    fn last_words(&self) -> String {
        match self.last_stderr.iter().rfind(|line| !line.trim().is_empty()) {
            Some(line) => format!(": {}", line.trim().trim_end_matches('.')),
            None => String::new(),
        }
    }
}

/// How the last worker of a run ended, in `exit.json` of its folder: only its supervisor saw.
fn path_in(run_dir: &Path) -> PathBuf {
    run_dir.join("exit.json")
}

/// Keeps it for those who look later.
pub(super) fn keep(run_dir: &Path, how: ExitHow) {
    let written = serde_json::to_vec(&how).map(|text| std::fs::write(path_in(run_dir), text));
    if !matches!(written, Ok(Ok(()))) {
        eprintln!("How the worker ended could not be written down: {how:?}");
    }
}

/// A worker begins: what is kept is of one before it.
pub(super) fn forget(run_dir: &Path) {
    // A run that begins has none.
    let _ = std::fs::remove_file(path_in(run_dir));
}

/// How it ended, where a supervisor saw it.
pub(super) fn kept(run_dir: &Path) -> ExitHow {
    let how = std::fs::read(path_in(run_dir)).ok();
    how.and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or(ExitHow::Vanished)
}

/// What became of the worker of a run that is not at work any more, in words.
pub fn last_exit(run_dir: &Path) -> String {
    let exit = WorkerExit {
        how: kept(run_dir),
        last_stderr: last_lines(run_dir, 0),
        last_checkpoint: None,
    };
    exit.in_words()
}

#[cfg(unix)]
fn how(status: ExitStatus) -> ExitHow {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitHow::Code(code),
        (None, Some(signal)) => ExitHow::Signal(signal),
        (None, None) => ExitHow::Vanished,
    }
}

#[cfg(not(unix))]
fn how(status: ExitStatus) -> ExitHow {
    status.code().map_or(ExitHow::Vanished, ExitHow::Code)
}
