//! The starter model and the samples inside the program itself, and their unpacking for a program that stands alone.
//! Knows bytes and names, not what is in the files.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::FormatError;
use super::weights::write_whole;

include!(concat!(env!("OUT_DIR"), "/bundle.rs"));

/// Names of the files, as `samples/manners.jsonl`.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// Writes the files under `folder`; one that is there with the right content (by SHA-256) is left as it is.
///
/// # Errors
/// The folder cannot be written or the disk is full.
pub fn unpack(folder: &Path) -> Result<(), FormatError> {
    for (name, bytes) in FILES {
        let path = folder.join(name);
        if is_same(&path, bytes) {
            continue;
        }
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(|source| FormatError::Write {
            path: parent.into(),
            source,
        })?;
        write_whole(&path, bytes)?;
    }
    Ok(())
}

fn is_same(path: &Path, bytes: &[u8]) -> bool {
    // The length is looked at first: most differences need no hashing.
    let same_length = path.metadata().is_ok_and(|m| m.len() == bytes.len() as u64);
    same_length && std::fs::read(path).is_ok_and(|found| Sha256::digest(&found) == Sha256::digest(bytes))
}
