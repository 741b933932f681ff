//! What an audit says: findings, their severity, the change that would help, and the numbers of the whole set. Does not know how they
//! are found.

use serde::{Deserialize, Serialize};

use crate::data::Role;
use crate::template::Mode;

/// Rows named with a finding at most; `count` tells how many there are.
pub const ROWS_NAMED: usize = 1000;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The result would not be what the user wants: training asks first.
    Serious,
    /// Something is lost or spoilt in the rows concerned.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The lower-case name of the wire.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Serious => "serious",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Rows in which no token is learned.
    NothingLearned,
    /// Rows that learn the words of the system, the user or a tool although the mode does not ask for it.
    OthersLearned,
    /// Rows that learn an answer but not the token that ends it.
    EndNotLearned,
    /// Rows with special tokens whose embedding the base never trained.
    UntrainedTokens,
    /// Rows that cannot be read or rendered.
    Broken,
    /// Rows too long even when cut to their last turn.
    TooLong,
    /// Rows that lose their oldest turns to the maximum length.
    Shortened,
    /// Rows whose spans the template room is not sure of.
    Unsure,
    /// Rows that begin with bos_token twice.
    DoubleBos,
    /// Rows without the bos_token that the tokenizer would put before a text.
    MissingBos,
    /// Rows whose contents hold the text of a special token.
    SpecialText,
    /// Rows whose system prompt the template leaves out.
    SystemDropped,
    /// Rows with a marker of the template that the tokenizer splits.
    SplitMarker,
    /// Rows with unknown tokens: text that the model cannot see.
    UnknownTokens,
    /// Rows with characters spelt byte by byte.
    ByteTokens,
    /// Rows with tokens that cover both learned and other text.
    Straddling,
    /// Rows with weights between 0 and 1 or above, which count as 1.
    FractionalWeight,
    /// Rows whose tokens are those of an earlier row.
    Duplicates,
    /// Many places of the micro-batches would be padding.
    Padding,
}

impl FindingKind {
    /// The kebab-case name of the wire.
    pub fn name(self) -> &'static str {
        match self {
            FindingKind::NothingLearned => "nothing-learned",
            FindingKind::OthersLearned => "others-learned",
            FindingKind::EndNotLearned => "end-not-learned",
            FindingKind::UntrainedTokens => "untrained-tokens",
            FindingKind::Broken => "broken",
            FindingKind::TooLong => "too-long",
            FindingKind::Shortened => "shortened",
            FindingKind::Unsure => "unsure",
            FindingKind::DoubleBos => "double-bos",
            FindingKind::MissingBos => "missing-bos",
            FindingKind::SpecialText => "special-text",
            FindingKind::SystemDropped => "system-dropped",
            FindingKind::SplitMarker => "split-marker",
            FindingKind::UnknownTokens => "unknown-tokens",
            FindingKind::ByteTokens => "byte-tokens",
            FindingKind::Straddling => "straddling",
            FindingKind::FractionalWeight => "fractional-weight",
            FindingKind::Duplicates => "duplicates",
            FindingKind::Padding => "padding",
        }
    }
}

/// A row of the recipe's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowRef {
    /// Index in the recipe's list of files.
    pub file: usize,
    /// Row number in that file, from 0, broken rows counted.
    pub row: usize,
}

/// A change of the recipe that settles a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fix {
    /// Learn by this mode.
    SetMode(Mode),
    /// Let rows be this long.
    SetMaxLength(usize),
    /// Use this built-in template.
    SetTemplate(String),
    /// Train the embedding rows of the template's marker tokens.
    TrainMarkers,
    /// Put several short rows into one, or not.
    SetPacking(bool),
}

impl Fix {
    /// What a button says.
    pub fn label(&self) -> String {
        match self {
            Fix::SetMode(_) => format!("Set the mode to \"{}\"", self.value()),
            Fix::SetMaxLength(tokens) => format!("Raise the maximum length to {tokens}"),
            Fix::SetTemplate(name) => format!("Use the template {name}"),
            Fix::TrainMarkers => "Train the marker tokens".into(),
            Fix::SetPacking(true) => "Turn packing on".into(),
            Fix::SetPacking(false) => "Turn packing off".into(),
        }
    }

    /// The change as `table.key=value` of a recipe.
    pub fn setting(&self) -> String {
        let key = match self {
            Fix::SetMode(_) => "data.mode",
            Fix::SetMaxLength(_) => "data.max_length",
            Fix::SetTemplate(_) => "template.name",
            Fix::TrainMarkers => "method.train_markers",
            Fix::SetPacking(_) => "data.packing",
        };
        format!("{key}={}", self.value())
    }

    fn value(&self) -> String {
        match self {
            Fix::SetMode(mode) => mode_name(*mode).into(),
            Fix::SetMaxLength(tokens) => tokens.to_string(),
            Fix::SetTemplate(name) => name.clone(),
            Fix::TrainMarkers => "on".into(),
            Fix::SetPacking(on) => on.to_string(),
        }
    }
}

/// A mode as recipes spell it.
pub(super) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Assistant => "assistant",
        Mode::Last => "last",
        Mode::Flags => "flags",
        Mode::Completion => "completion",
        Mode::All => "all",
        Mode::Template => "template",
    }
}

/// One thing that an audit found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    #[serde(rename = "finding")]
    pub kind: FindingKind,
    /// How much it matters.
    pub severity: Severity,
    /// Rows concerned.
    pub count: usize,
    /// The first [`ROWS_NAMED`] of them, in the order of the data.
    pub rows: Vec<RowRef>,
    /// A sentence with the count, and what to do.
    pub message: String,
    /// The change that would settle it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// The numbers of a whole set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditSummary {
    /// The template's name; empty where every row is raw text.
    pub template: String,
    /// A hash of what was seen: the bytes of the files, template, tokenizer, mode, length and what is held out.
    #[serde(default)]
    pub seen: String,
    /// Rows.
    pub rows: RowCounts,
    /// Tokens of the rows that are kept.
    pub tokens: TokenCounts,
    /// How long rows are before they are shortened: buckets of rising length.
    pub lengths: Vec<Bucket>,
    /// The share of learned tokens: ten buckets of 10 percent each (`up_to` is the percentage).
    pub shares: Vec<Bucket>,
    /// Padding of the run's micro-batches.
    pub padding: Padding,
    /// Ends of turns, for each role that has any.
    pub ends: Vec<TurnEnds>,
    /// How fast it was.
    pub pace: Pace,
}

/// Rows of a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// In the files.
    pub read: usize,
    /// Learned from, held-out ones included.
    pub kept: usize,
    /// Left out.
    pub skipped: usize,
    /// Kept without their oldest turns.
    pub shortened: usize,
    /// Held out for the eval loss.
    pub held_out: usize,
}

/// Tokens of a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCounts {
    /// All.
    pub all: usize,
    /// Learned; a row's first token has no predecessor and never counts.
    pub supervised: usize,
    /// Of the longest row that is kept.
    pub longest: usize,
    /// Left out with the oldest turns of rows that are too long.
    pub dropped: usize,
    /// Messages of those turns.
    pub dropped_messages: usize,
}

/// Rows of a range of values: above the bucket before, up to and with `up_to`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// The largest value in this bucket.
    pub up_to: usize,
    /// Rows with such a value.
    pub rows: usize,
}

/// Share of the places in the run's micro-batches that hold padding, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Padding {
    /// With every row on its own.
    pub unpacked: f64,
    /// With rows packed to the maximum length.
    pub packed: f64,
    /// Does the recipe pack?
    pub packing: bool,
}

/// Ends of the turns of one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnEnds {
    /// Whose turns.
    pub role: Role,
    /// End-of-turn texts in the rows.
    pub seen: usize,
    /// Of these, learned.
    pub learned: usize,
}

/// How fast an audit was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// From the files to the last finding.
    pub seconds: f64,
    /// Rows of the files in a second.
    pub rows_per_second: f64,
    /// Tokens in a second.
    pub tokens_per_second: f64,
    /// Were the tokens of every file still there from an earlier pass?
    pub cached: bool,
}
