//! Why a model could not be had, in words for the user.

use std::path::PathBuf;

use super::token::SOURCES;

/// Why the hub refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The licence has to be accepted on the model's page first.
    Gated,
    /// There is no such public model: a private one, or a misspelt name.
    Hidden,
    /// The token is not valid (any more).
    BadToken,
    /// The token may not read this model.
    NotAllowed,
}

/// Why a download failed; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// What was typed names no model.
    #[error(
        "\"{0}\" is not the name of a model on the hub. Write it as OWNER/NAME, such as HuggingFaceTB/SmolLM2-135M."
    )]
    Name(String),
    /// HF_ENDPOINT is no address.
    #[error("HF_ENDPOINT is \"{0}\", which is no address. Write it as https://host, or unset it.")]
    Endpoint(String),
    /// The hub does not know the model.
    #[error(
        "The hub ({endpoint}) has no model {repo}. Check owner and name, capital letters included: they stand at the top of the model's page."
    )]
    NotFound {
        /// Who was asked.
        endpoint: String,
        /// The model.
        repo: String,
    },
    /// The hub knows the model, but not this revision.
    #[error("{repo} has no revision \"{revision}\". Check the branch, tag or commit, or leave it out.")]
    Revision {
        /// The model.
        repo: String,
        /// The revision.
        revision: String,
    },
    /// The model has no such file.
    #[error("{repo} has no file {file}. Look at the files on {page}/tree/main.")]
    NoFile {
        /// The model.
        repo: String,
        /// The file.
        file: String,
        /// The model's page.
        page: String,
    },
    /// A token is missing, wrong or not enough.
    #[error("{}", refused(*.why, .repo, .page, *.had_token))]
    Refused {
        /// The model.
        repo: String,
        /// The model's page, where its licence is accepted.
        page: String,
        /// Why.
        why: Refusal,
        /// Was a token sent?
        had_token: bool,
    },
    /// Nobody answers.
    #[error(
        "Could not reach {host}: {message}. Check the network (and HF_ENDPOINT or the proxy where they are set) and try again; what is there already is kept."
    )]
    Unreachable {
        /// Who was asked.
        host: String,
        /// What the system said.
        message: String,
    },
    /// HF_HUB_OFFLINE is set.
    #[error("{repo} is not in the cache, and HF_HUB_OFFLINE is set. Unset it to download.")]
    Offline {
        /// The model.
        repo: String,
    },
    /// The server has trouble of its own.
    #[error("{host} answered {status} for {what}{message}. Try again in a while.")]
    Server {
        /// Who was asked.
        host: String,
        /// What for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What it said, with a colon in front, or empty.
        message: String,
    },
    /// The answer is not what the hub's API says.
    #[error(
        "{host} gave an answer that is not the hub's ({message}). Check HF_ENDPOINT, or whether a login page stands between."
    )]
    Answer {
        /// Who was asked.
        host: String,
        /// What is wrong with it.
        message: String,
    },
    /// Weights only in a format that can run code.
    #[error(
        "{repo} has its weights only as pickles ({file}), which can run code when they are read. Look for a copy with .safetensors or .gguf files."
    )]
    OnlyPickles {
        /// The model.
        repo: String,
        /// One of them.
        file: String,
    },
    /// No weights at all.
    #[error("{repo} holds neither .safetensors nor .gguf files, so there is nothing to load.")]
    NoWeights {
        /// The model.
        repo: String,
    },
    /// Several GGUF files, and none was chosen.
    #[error("{repo} holds {} GGUF files. Choose one: {}.", .files.len(), names(.files))]
    Choice {
        /// The model.
        repo: String,
        /// Names and sizes in bytes.
        files: Vec<(String, u64)>,
    },
    /// The disk has no room.
    #[error("{} are needed in {}, but only {} are free. Free some space, or set HF_HOME to a folder on another disk.", size(*.needed), .folder.display(), size(*.free))]
    Space {
        /// The cache.
        folder: PathBuf,
        /// Bytes still to come.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The connection broke too often.
    #[error("The connection broke {attempts} times while loading {file} ({} of {}): {message}. What came is kept; download again to go on from there.", size(*.done), size(*.total))]
    Cut {
        /// The file.
        file: String,
        /// Bytes that are there.
        done: u64,
        /// Bytes of the whole file.
        total: u64,
        /// How often.
        attempts: u32,
        /// What the system said at last.
        message: String,
    },
    /// More or fewer bytes than promised.
    #[error(
        "{file} should have {expected} bytes, but the server sends {found}. Nothing of it was kept; try again later."
    )]
    Size {
        /// The file.
        file: String,
        /// Bytes promised.
        expected: u64,
        /// Bytes sent.
        found: u64,
    },
    /// The content is not what the hub lists.
    #[error(
        "{file} arrived damaged: its hash is {found}, but the hub lists {expected}. It was thrown away; try again, without a proxy if there is one."
    )]
    Hash {
        /// The file.
        file: String,
        /// The hub's hash.
        expected: String,
        /// The hash of what came.
        found: String,
    },
    /// The cache cannot be used.
    #[error(
        "Could not write {path}: {source}. Check that the folder may be written to and that the disk has room, or set HF_HOME to another folder."
    )]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The user gave up.
    #[error("Cancelled. What came is kept: the next download of {repo} goes on from there.")]
    Cancelled {
        /// The model.
        repo: String,
    },
}

fn refused(why: Refusal, repo: &str, page: &str, had_token: bool) -> String {
    let token = format!("give a token ({SOURCES})");
    match (why, had_token) {
        (Refusal::Gated, false) => {
            format!("{repo} is gated: accept its licence on {page} with your account, then {token}.")
        }
        (Refusal::Gated, true) => format!(
            "{repo} is gated, and your account has not been let in yet. Accept its licence on {page} (some authors answer by hand), \
             then try again."
        ),
        (Refusal::Hidden, _) => format!(
            "There is no public model {repo}. Check owner and name; if it is a private one, {token}. Its page would be {page}."
        ),
        (Refusal::BadToken, _) => {
            format!(
                "The hub does not accept the token. Make a new one with the right to read on your account's page and {token}."
            )
        }
        (Refusal::NotAllowed, _) => format!(
            "The token may not read {repo}. Give it the right to read gated and private models on your account's page, accept the \
             licence on {page}, or use another token."
        ),
    }
}

fn names(files: &[(String, u64)]) -> String {
    let named: Vec<String> = files
        .iter()
        .map(|(name, bytes)| format!("{name} ({})", size(*bytes)))
        .collect();
    named.join(", ")
}

/// Bytes in decimal units.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(value < 9.95);
    format!("{value:.digits$} {}", UNITS[unit])
}
