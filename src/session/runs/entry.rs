//! A run as a line of the history, and the order of the lines. Knows values, not files.

use std::cmp::Ordering;
use std::path::PathBuf;

use super::Notes;
use super::read::Stamp;
use crate::recipe::Recipe;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunEnd {
    /// A worker is at work.
    Running,
    /// It made all its steps.
    Finished,
    /// The user ended it; the result was kept.
    Stopped,
    /// The user wanted its memory free; it can go on.
    Paused,
    /// It ended without a result.
    Broken,
    /// It was made by another program.
    Imported,
}

impl RunEnd {
    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            RunEnd::Running => "running",
            RunEnd::Finished => "finished",
            RunEnd::Stopped => "stopped",
            RunEnd::Paused => "paused",
            RunEnd::Broken => "broken",
            RunEnd::Imported => "imported",
        }
    }
}

/// The numbers of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Steps that were made.
    pub steps: usize,
    /// Steps that were meant to be made; 0 = unknown.
    pub of: usize,
    /// Smoothed loss of the last step.
    pub loss: Option<f64>,
    /// Best loss on held-out rows.
    pub eval_loss: Option<f64>,
    /// Seconds of all steps, or of the whole run once it is over; 0 = unknown.
    pub seconds: f64,
    /// Tokens of all steps; 0 = unknown.
    pub tokens: u64,
    /// Most memory used, in bytes; 0 = unknown.
    pub peak_memory: u64,
}

/// A run of the project.
#[derive(Clone, Debug)]
pub struct RunEntry {
    /// The run folder.
    pub dir: PathBuf,
    /// Name without date and time.
    pub name: String,
    /// Date and time of its beginning, as people write it; empty where the folder does not say.
    pub when: String,
    /// The base model's name; empty where it is not known.
    pub model: String,
    /// What learned, in a few words; empty where it is not known.
    pub method: String,
    pub end: RunEnd,
    pub figures: Figures,
    /// The adapter or model that can answer.
    pub result: Option<PathBuf>,
    /// The newest whole checkpoint: its step and folder.
    pub checkpoint: Option<(usize, PathBuf)>,
    pub recipe: Option<Box<Recipe>>,
    pub notes: Notes,
    /// What the record looked like when it was read.
    pub(super) stamp: Stamp,
}

impl RunEntry {
    /// Does it hold all these words in lower case?
    pub(super) fn holds(&self, words: &[&str]) -> bool {
        if words.is_empty() {
            return true;
        }
        let tags = self.notes.tags.join(" ");
        let texts = [
            &self.name,
            &self.model,
            &self.method,
            &self.when,
            &self.notes.text,
            &tags,
            self.end.word(),
        ];
        let text = texts.join(" ").to_lowercase();
        words.iter().all(|word| text.contains(word))
    }
}

/// A column of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Column {
    Name,
    #[default]
    When,
    Model,
    Method,
    Steps,
    Loss,
    EvalLoss,
    Time,
    State,
}

impl Column {
    /// All columns from left to right.
    pub const ALL: [Column; 9] = [
        Column::Name,
        Column::When,
        Column::Model,
        Column::Method,
        Column::Steps,
        Column::Loss,
        Column::EvalLoss,
        Column::Time,
        Column::State,
    ];

    /// The title.
    pub fn title(self) -> &'static str {
        match self {
            Column::Name => "Name",
            Column::When => "When",
            Column::Model => "Model",
            Column::Method => "Method",
            Column::Steps => "Steps",
            Column::Loss => "Loss",
            Column::EvalLoss => "Held out",
            Column::Time => "Time",
            Column::State => "State",
        }
    }

    /// Does it hold numbers?
    pub fn is_number(self) -> bool {
        matches!(self, Column::Steps | Column::Loss | Column::EvalLoss | Column::Time)
    }
}

/// The order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub by: Column,
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self {
            by: Column::When,
            descending: true,
        }
    }
}

impl Sort {
    /// By this column; the other way round where it was so already.
    pub fn clicked(self, by: Column) -> Self {
        let descending = if self.by == by {
            !self.descending
        } else {
            by == Column::When
        };
        Self { by, descending }
    }

    /// Puts runs in order; what is not known stands last in both directions.
    pub(super) fn apply(self, entries: &mut [&RunEntry]) {
        entries.sort_by(|a, b| self.compare(a, b).then_with(|| folder(b).cmp(&folder(a))));
    }

    fn compare(self, a: &RunEntry, b: &RunEntry) -> Ordering {
        let way = |order: Ordering| if self.descending { order.reverse() } else { order };
        let text = |a: &str, b: &str| match (a.is_empty(), b.is_empty()) {
            (false, false) => way(a.to_lowercase().cmp(&b.to_lowercase())),
            (a, b) => a.cmp(&b),
        };
        let number = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => way(a.total_cmp(&b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        let known = |value: f64| (value > 0.0).then_some(value);
        match self.by {
            Column::Name => text(&a.name, &b.name),
            Column::When => way(folder(a).cmp(&folder(b))),
            Column::Model => text(&a.model, &b.model),
            Column::Method => text(&a.method, &b.method),
            Column::Steps => way(a.figures.steps.cmp(&b.figures.steps)),
            Column::Loss => number(a.figures.loss, b.figures.loss),
            Column::EvalLoss => number(a.figures.eval_loss, b.figures.eval_loss),
            Column::Time => number(known(a.figures.seconds), known(b.figures.seconds)),
            Column::State => way(a.end.cmp(&b.end)),
        }
    }
}

/// Folders begin with date and time: their names are in order of age.
fn folder(entry: &RunEntry) -> Option<&std::ffi::OsStr> {
    entry.dir.file_name()
}
