//! Reads `events.jsonl` while a worker appends to it. Knows lines, not processes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::record::events_path;
use crate::protocol::Event;

/// A place in an `events.jsonl`.
pub struct Tail {
    path: PathBuf,
    offset: u64,
    rest: Vec<u8>,
}

impl Tail {
    /// From the first event.
    pub fn from_start(run_dir: &Path) -> Self {
        Self {
            path: events_path(run_dir),
            offset: 0,
            rest: vec![],
        }
    }

    /// Only what is appended from now on.
    pub fn from_end(run_dir: &Path) -> Self {
        let mut tail = Self::from_start(run_dir);
        tail.offset = std::fs::metadata(&tail.path).map_or(0, |m| m.len());
        tail
    }

    /// Whole events that were appended since the last call. A file that is not there yet has none; a line that is no event (a worker
    /// was killed while writing it) is passed over.
    pub fn read(&mut self) -> Vec<Event> {
        let mut new = vec![];
        let got = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.offset))?;
            file.read_to_end(&mut new)
        });
        if let Ok(count) = got {
            self.offset += count as u64;
        }
        self.rest.extend_from_slice(&new);
        let Some(end) = self.rest.iter().rposition(|b| *b == b'\n') else {
            return vec![];
        };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        whole
            .split(|b| *b == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()
    }
}
