//! Reads little-endian numbers and strings out of bytes that may lie about their lengths. Knows no GGUF.

use std::ops::Range;

/// A place in bytes; every step is checked against their end.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes passed.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Bytes to come.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Passes `count` bytes; their range. `what` names them in the message.
    pub fn skip(&mut self, count: u64, what: &str) -> Result<Range<usize>, String> {
        let fits = usize::try_from(count).ok().filter(|n| *n <= self.left());
        let Some(count) = fits else {
            return Err(format!(
                "{what} should be {count} bytes long, but {} bytes are left of the file",
                self.left()
            ));
        };
        let start = self.at;
        self.at += count;
        Ok(start..self.at)
    }

    fn take<const N: usize>(&mut self, what: &str) -> Result<[u8; N], String> {
        let range = self.skip(N as u64, what)?;
        let mut out = [0; N];
        out.copy_from_slice(&self.bytes[range]);
        Ok(out)
    }

    pub fn u32(&mut self, what: &str) -> Result<u32, String> {
        self.take(what).map(u32::from_le_bytes)
    }

    pub fn u64(&mut self, what: &str) -> Result<u64, String> {
        self.take(what).map(u64::from_le_bytes)
    }

    /// A string: its length in eight bytes, then its bytes.
    pub fn string(&mut self, what: &str) -> Result<Range<usize>, String> {
        let length = self.u64(what)?;
        self.skip(length, what)
    }

    /// A string that must be UTF-8.
    pub fn text(&mut self, what: &str) -> Result<String, String> {
        let range = self.string(what)?;
        let text = std::str::from_utf8(&self.bytes[range]);
        text.map(str::to_owned).map_err(|_| format!("{what} is not text"))
    }
}
