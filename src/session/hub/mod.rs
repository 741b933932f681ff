//! The hub as the Model room shows it: the short list, one download at a time, the questions that come up. Knows words and numbers,
//! no network: downloads run in a worker.

mod commands;
mod events;
pub mod fit;
mod io;

pub use commands::apply;
pub use events::{absorb, on_event, on_gone, start};
pub use io::{machine_memory, perform};

use crate::protocol::{FileSize, Secret};
use fit::Needs;

/// What the Model room knows of the hub.
#[derive(Clone, Debug, Default)]
pub struct HubState {
    /// What each model of the short list needs, in its order.
    pub needs: Vec<Needs>,
    /// Memory of this machine in bytes.
    pub memory: Option<u64>,
    /// What stands in the field for any model.
    pub text: String,
    /// What is wrong with it.
    pub notice: Option<String>,
    /// The download that goes on.
    pub download: Option<Download>,
    /// Models to download after it.
    pub waiting: Vec<String>,
    /// References of the models that are in the cache.
    pub cached: Vec<String>,
    /// A question that a download ended with.
    pub question: Option<Question>,
    /// A token of this session.
    pub secret: Option<Secret>,
}

/// A download on its way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Download {
    /// The job.
    pub id: u64,
    /// As users write it: `OWNER/NAME`.
    pub model: String,
    /// The file that is coming.
    pub file: String,
    /// Bytes that are there.
    pub done: u64,
    /// Bytes in all; 0 until the hub has answered.
    pub total: u64,
    pub per_second: Option<f64>,
    pub seconds_left: Option<f64>,
    /// Does the user want it to end?
    pub cancelling: bool,
}

/// What only the user can answer.
#[derive(Clone, Debug)]
pub enum Question {
    /// The hub wants a token.
    Token(TokenQuestion),
    /// One of several GGUF files is to be chosen.
    File(FileQuestion),
}

/// "Give a token".
#[derive(Clone, Debug, Default)]
pub struct TokenQuestion {
    pub model: String,
    /// Where the licence is accepted.
    pub page: String,
    /// What the hub said.
    pub message: String,
    /// What was typed.
    pub text: String,
    /// What is wrong with it.
    pub wrong: Option<String>,
    /// Why the keyring did not take it: then a file or this session alone can.
    pub no_keyring: Option<String>,
    /// Is it being kept right now?
    pub keeping: bool,
}

/// "Which file?"
#[derive(Clone, Debug)]
pub struct FileQuestion {
    pub model: String,
    pub files: Vec<FileSize>,
}

/// Where a token is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// In the system's keyring.
    Keyring,
    /// In a file that only the user may read.
    File,
    /// In this window's memory, until it is closed.
    Session,
}

/// What can be done with the hub.
#[derive(Clone, Debug)]
pub enum HubCommand {
    /// What stands in the field for any model.
    Text(String),
    /// Download what stands in the field.
    FetchTyped,
    /// Download this model.
    Fetch(String),
    /// End this download, or take it off the waiting ones.
    Cancel(String),
    /// What stands in the token's field.
    TokenText(String),
    /// Keep the token there and go on with the download.
    KeepToken(Keep),
    /// Leave the question.
    Dismiss,
}

/// What is to be done outside.
#[derive(Clone, Debug)]
pub enum HubEffect {
    /// Look at the cache and the machine, then `HubOutcome::Looked`.
    Look,
    /// Keep a token, then `HubOutcome::Kept`.
    Keep { token: Secret, place: Keep },
}

/// What came back.
#[derive(Clone, Debug)]
pub enum HubOutcome {
    /// The models in the cache, and the machine's memory.
    Looked { cached: Vec<String>, memory: Option<u64> },
    /// The token as it was typed, and whether it was kept.
    Kept {
        token: Secret,
        place: Keep,
        result: Result<(), String>,
    },
}
