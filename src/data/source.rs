//! A file as bytes: opened, hashed while it is read, its marks of encoding seen. Does not know rows.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::problem::DataError;

/// A file that is hashed while it is read, without its byte order mark.
pub(super) struct Bytes {
    reader: BufReader<Hashing>,
}

struct Hashing {
    file: File,
    hash: Sha256,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

impl Bytes {
    /// Opens a file; UTF-16 is refused with what to do about it.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| io(path, source))?;
        let mut reader = BufReader::with_capacity(
            1 << 18,
            Hashing {
                file,
                hash: Sha256::new(),
            },
        );
        let head = reader.fill_buf().map_err(|source| io(path, source))?;
        if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
            let hint = "The file is UTF-16 text: save it as UTF-8 and try again.".to_owned();
            return Err(DataError::Empty {
                path: path.to_owned(),
                hint,
            });
        }
        if head.starts_with(b"\xEF\xBB\xBF") {
            reader.consume(3);
        }
        Ok(Self { reader })
    }

    /// The first byte that is not white space, as far as the first buffer reaches.
    pub fn first_byte(&mut self, path: &Path) -> Result<Option<u8>, DataError> {
        let head = self.reader.fill_buf().map_err(|source| io(path, source))?;
        Ok(head.iter().copied().find(|byte| !byte.is_ascii_whitespace()))
    }

    /// Reads the next line into `line` without its line end; false at the end of the file.
    pub fn next_line(&mut self, path: &Path, line: &mut Vec<u8>) -> Result<bool, DataError> {
        line.clear();
        let count = self.reader.read_until(b'\n', line).map_err(|source| io(path, source))?;
        while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            line.pop();
        }
        Ok(count > 0)
    }

    /// Reads everything that is left.
    pub fn rest(&mut self, path: &Path) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        self.reader.read_to_end(&mut bytes).map_err(|source| io(path, source))?;
        Ok(bytes)
    }

    /// SHA-256 of the whole file in lower-case hex.
    pub fn sha256(mut self, path: &Path) -> Result<String, DataError> {
        std::io::copy(&mut self.reader, &mut std::io::sink()).map_err(|source| io(path, source))?;
        let digest = self.reader.into_inner().hash.finalize();
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// SHA-256 of a file in lower-case hex, as recipes keep it.
pub fn sha256_file(path: &Path) -> Result<String, DataError> {
    let file = File::open(path).map_err(|source| io(path, source))?;
    Bytes {
        reader: BufReader::with_capacity(
            1 << 18,
            Hashing {
                file,
                hash: Sha256::new(),
            },
        ),
    }
    .sha256(path)
}

fn io(path: &Path, source: std::io::Error) -> DataError {
    DataError::Io {
        path: path.to_owned(),
        source,
    }
}
