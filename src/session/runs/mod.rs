//! The history of a project's runs: what each was, what came out, the user's notes. Knows no drawing and no processes; files are read
//! and written by `perform` on a thread.
mod bin;
mod commands;
mod compare;
mod entry;
mod flow;
mod import;
mod io;
mod notes;
mod read;
mod tensorboard;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use bin::Binned;
pub use commands::{RunsCommand, apply};
pub use compare::{Difference, method_words};
pub use entry::{Column, Figures, RunEnd, RunEntry, Sort};
pub(super) use flow::{absorb, entered, on_train_event};
pub use import::import;
pub use io::{RunsEffect, RunsOutcome, list, perform, read_run};
pub use notes::{COLOURS, Notes};
pub use tensorboard::write as write_tensorboard;

use super::{Along, Look, RunState};

/// What is written and what waits: one write at a time, so that none overtakes another.
#[derive(Clone, Debug, Default)]
struct Keeping {
    dirty: BTreeSet<PathBuf>,
    writing: bool,
}

/// Is the folder being read, and must it be read once more after that?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reading {
    #[default]
    No,
    Now,
    NowAndAgain,
}

/// What the Runs room shows.
#[derive(Clone, Debug, Default)]
pub struct RunsState {
    /// All runs, the newest first; empty until they were listed.
    pub list: Vec<RunEntry>,
    /// Were the runs listed since the start?
    pub listed: bool,
    reading: Reading,
    /// Search text: words that name, model, method, notes or tags hold.
    pub search: String,
    pub sort: Sort,
    /// The selected runs in the order of their selection; the last one's details are shown.
    pub picked: Vec<PathBuf>,
    /// Selected runs as their events tell them.
    pub opened: BTreeMap<PathBuf, Arc<RunState>>,
    /// Recipe settings in which the selected runs differ.
    pub differences: Vec<Difference>,
    pub look: Look,
    pub along: Along,
    /// What was deleted, the last at the end, for "Undo".
    pub deleted: Vec<Vec<Binned>>,
    keeping: Keeping,
}

impl RunsState {
    /// A run by its folder.
    pub fn entry(&self, dir: &Path) -> Option<&RunEntry> {
        self.list.iter().find(|entry| entry.dir == dir)
    }

    fn entry_mut(&mut self, dir: &Path) -> Option<&mut RunEntry> {
        self.list.iter_mut().find(|entry| entry.dir == dir)
    }

    /// The run whose details are shown: the one that was selected last.
    pub fn current(&self) -> Option<&RunEntry> {
        self.picked.last().and_then(|dir| self.entry(dir))
    }

    /// The runs that the search finds, in the order of the table.
    pub fn visible(&self) -> Vec<&RunEntry> {
        let wanted = self.search.to_lowercase();
        let words: Vec<&str> = wanted.split_whitespace().collect();
        let mut found: Vec<&RunEntry> = self.list.iter().filter(|e| e.holds(&words)).collect();
        self.sort.apply(&mut found);
        found
    }
}
