//! The user's token for the hub: where it is looked for, and where it can be kept. Never printed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use keyring::v1::Entry;

use crate::formats::hub_cache;

/// Where tokens come from, as messages name it.
pub const SOURCES: &str = "in the Model room's dialog, by HF_TOKEN, or with `hf auth login`";
/// The names under which the keyring keeps it.
const SERVICE: &str = "burnish";
const USER: &str = "huggingface";
/// Set to anything, keeps the program away from the system's keyring.
const NO_KEYRING: &str = "BURNISH_NO_KEYRING";

static LEFT_ALONE: AtomicBool = AtomicBool::new(false);

/// Why a token could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// What was typed is no token.
    #[error(
        "That is not a token: it is empty or holds spaces. Copy it whole from your account's page; it begins with hf_."
    )]
    NotAToken,
    /// There is no keyring, or it is locked.
    #[error("The system's keyring cannot be used ({0}).")]
    Keyring(String),
    /// The file could not be written.
    #[error("Could not write {path}: {source}.")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A token as it was typed, without what stands around it.
///
/// # Errors
/// It is empty or cannot stand in a header.
pub fn clean(text: &str) -> Result<String, TokenError> {
    let text = text.trim();
    if text.is_empty() || text.len() > 1000 || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(TokenError::NotAToken);
    }
    Ok(text.to_string())
}

/// The token that other tools use too: `HF_TOKEN`, else the file at `HF_TOKEN_PATH`, else `token` in `HF_HOME`.
pub fn of_environment() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok().and_then(|text| clean(&text).ok());
    variable("HF_TOKEN")
        .or_else(|| variable("HUGGING_FACE_HUB_TOKEN"))
        .or_else(|| {
            let file = std::env::var_os("HF_TOKEN_PATH")
                .filter(|v| !v.is_empty())
                .map(PathBuf::from);
            read(&file.unwrap_or_else(|| hub_cache::home().join("token")))
        })
}

/// The token that was kept by this program: in the keyring, else in `file`. Asks the keyring, which may ask the user.
pub fn kept(file: &Path) -> Option<String> {
    let from_keyring = || clean(&entry().ok()?.get_password().ok()?).ok();
    from_keyring().or_else(|| read(file))
}

fn read(file: &Path) -> Option<String> {
    clean(&std::fs::read_to_string(file).ok()?).ok()
}

/// From now on this process leaves the system's keyring alone, as with BURNISH_NO_KEYRING.
pub fn without_keyring() {
    LEFT_ALONE.store(true, Ordering::Relaxed);
}

fn entry() -> Result<Entry, TokenError> {
    if LEFT_ALONE.load(Ordering::Relaxed) || std::env::var_os(NO_KEYRING).is_some() {
        return Err(TokenError::Keyring("this program was told to leave it alone".into()));
    }
    Entry::new(SERVICE, USER).map_err(|e| TokenError::Keyring(e.to_string()))
}

/// Keeps a token in the system's keyring.
///
/// # Errors
/// There is no keyring, or it is locked.
pub fn keep_in_keyring(token: &str) -> Result<(), TokenError> {
    let kept = entry()?.set_password(&clean(token)?);
    kept.map_err(|e| TokenError::Keyring(e.to_string()))
}

/// Keeps a token in a file that only the user may read (0600).
///
/// # Errors
/// The file cannot be written.
pub fn keep_in_file(token: &str, file: &Path) -> Result<(), TokenError> {
    let token = clean(token)?;
    let failed = |source| TokenError::File {
        path: file.into(),
        source,
    };
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    // Temporary files are 0600 from the start: the token is never readable by others, not even for a moment.
    let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    std::io::Write::write_all(&mut temporary, token.as_bytes()).map_err(failed)?;
    temporary.persist(file).map_err(|e| failed(e.error))?;
    Ok(())
}
