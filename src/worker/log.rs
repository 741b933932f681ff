//! `worker.log` of a run folder: what its workers wrote to stderr. Knows lines, not what they mean.

use std::path::{Path, PathBuf};

/// Stands in the log where a worker with smaller micro-batches took over: what is above does not concern it.
pub const RESTARTED: &str = "--- started again with smaller micro-batches";
/// Lines given with an exit.
const LINES: usize = 40;

/// Where the file is.
pub fn path_in(run_dir: &Path) -> PathBuf {
    run_dir.join("worker.log")
}

/// Its length now, in bytes.
pub fn length(run_dir: &Path) -> u64 {
    std::fs::metadata(path_in(run_dir)).map_or(0, |m| m.len())
}

/// The last lines from a place on, of the last worker only.
pub fn last_lines(run_dir: &Path, from: u64) -> Vec<String> {
    let bytes = std::fs::read(path_in(run_dir)).unwrap_or_default();
    let new = bytes.get(from as usize..).unwrap_or_default();
    let text = String::from_utf8_lossy(new);
    let mut lines: Vec<&str> = text.lines().collect();
    if let Some(at) = lines.iter().rposition(|line| *line == RESTARTED) {
        lines.drain(..=at);
    }
    let first = lines.len().saturating_sub(LINES);
    lines[first..].iter().map(|l| l.to_string()).collect()
}
