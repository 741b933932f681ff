//! A file as bytes: read and hashed, its marks of encoding seen. Does not know rows.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::problem::DataError;

/// Bytes read at a time.
const BLOCK: usize = 1 << 18;

/// A whole file, without its byte order mark.
pub(super) struct Bytes {
    pub bytes: Vec<u8>,
    /// Of the file as it is, in lower-case hex.
    pub sha256: String,
}

impl Bytes {
    /// Reads a file; UTF-16 is refused with what to do about it.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let mut bytes = Vec::new();
        let sha256 = hashed(path, |block| bytes.extend_from_slice(block))?;
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            let hint = "The file is UTF-16 text: save it as UTF-8 and try again.".to_owned();
            return Err(DataError::Empty {
                path: path.to_owned(),
                hint,
            });
        }
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            bytes.drain(..3);
        }
        Ok(Self { bytes, sha256 })
    }
}

/// SHA-256 of a file in lower-case hex, as recipes keep it.
///
/// # Errors
/// The file cannot be read.
pub fn sha256_file(path: &Path) -> Result<String, DataError> {
    hashed(path, |_| {})
}

/// Reads a file block by block; gives its hash.
fn hashed(path: &Path, mut take: impl FnMut(&[u8])) -> Result<String, DataError> {
    let io = |source| DataError::Io {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(io)?;
    let (mut hash, mut block) = (Sha256::new(), vec![0; BLOCK]);
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(count) => {
                hash.update(&block[..count]);
                take(&block[..count]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(io(error)),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
