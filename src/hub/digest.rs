//! The hashes that the hub lists: SHA-256 of large files, git's SHA-1 of small ones. Knows bytes only.

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// What a file's content must hash to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A file kept outside git: SHA-256 of its bytes.
    Sha256(String),
    /// A file in git: SHA-1 of `blob SIZE\0` and its bytes.
    GitBlob(String),
    /// The hub gave no hash.
    Nothing,
}

impl Expected {
    /// What an etag says: 64 hex digits are SHA-256, 40 are git's.
    pub fn of_etag(etag: &str) -> Self {
        let hex = etag.bytes().all(|b| b.is_ascii_hexdigit());
        match etag.len() {
            64 if hex => Self::Sha256(etag.to_lowercase()),
            40 if hex => Self::GitBlob(etag.to_lowercase()),
            _ => Self::Nothing,
        }
    }

    /// Begins to hash a file of so many bytes.
    pub fn start(&self, size: u64) -> Running {
        match self {
            Self::Sha256(_) => Running::Sha256(Sha256::new()),
            Self::GitBlob(_) => {
                let mut hasher = Sha1::new();
                hasher.update(format!("blob {size}\0"));
                Running::GitBlob(hasher)
            }
            Self::Nothing => Running::Nothing,
        }
    }

    /// The hash in hex; empty when there is none.
    pub fn hex(&self) -> &str {
        match self {
            Self::Sha256(hex) | Self::GitBlob(hex) => hex,
            Self::Nothing => "",
        }
    }
}

/// A hash that grows with the file.
pub enum Running {
    Sha256(Sha256),
    GitBlob(Sha1),
    Nothing,
}

impl Running {
    /// More bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::GitBlob(hasher) => hasher.update(bytes),
            Self::Nothing => {}
        }
    }

    /// The hash in hex; empty when nothing was to be hashed.
    pub fn finish(self) -> String {
        match self {
            Self::Sha256(hasher) => hex(&hasher.finalize()),
            Self::GitBlob(hasher) => hex(&hasher.finalize()),
            Self::Nothing => String::new(),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
