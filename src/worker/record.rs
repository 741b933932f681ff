//! The run folder from the worker's side: the lock that says "at work", and `events.jsonl`. Knows events, not what they mean.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::WorkerError;
use crate::protocol::Event;

/// The file whose lock a worker holds while it trains. The system releases it however the worker ends.
pub fn lock_path(run_dir: &Path) -> PathBuf {
    run_dir.join("worker.lock")
}

/// The file whose lock a supervisor holds from before its first worker until after its last one.
pub fn supervisor_lock_path(run_dir: &Path) -> PathBuf {
    run_dir.join("supervisor.lock")
}

/// The run's events, one JSON object a line.
pub fn events_path(run_dir: &Path) -> PathBuf {
    run_dir.join("events.jsonl")
}

/// An open record of a run.
pub struct Record {
    _lock: File,
    events: Mutex<File>,
}

impl Record {
    /// Takes the lock and opens `events.jsonl` for appending.
    ///
    /// # Errors
    /// Another worker trains here, or the folder cannot be written.
    pub fn open(run_dir: &Path) -> Result<Self, WorkerError> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| WorkerError::RunFolder { path, source }
        };
        std::fs::create_dir_all(run_dir).map_err(failed(run_dir))?;
        let path = lock_path(run_dir);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(WorkerError::Busy(run_dir.into())),
            Err(TryLockError::Error(source)) => return Err(failed(&path)(source)),
        }
        let path = events_path(run_dir);
        let mut events = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(failed(&path))?;
        end_broken_line(&path, &mut events).map_err(failed(&path))?;
        Ok(Self {
            _lock: lock,
            events: Mutex::new(events),
        })
    }

    /// Appends an event. What a checkpoint or the end of a run says is written through to the disk with all before it; steps are not,
    /// since after a loss of power they are done again.
    ///
    /// # Errors
    /// The disk is full.
    pub fn append(&self, event: &Event) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.write_all(&line)?;
        match event {
            Event::Checkpoint { .. } | Event::Suspended { .. } | Event::TrainEnd { .. } => events.sync_data(),
            _ => Ok(()),
        }
    }
}

/// A worker that was killed in the middle of a line leaves a part of it; the next event must not continue it.
pub fn end_broken_line(path: &Path, events: &mut File) -> std::io::Result<()> {
    let before = std::fs::read(path)?;
    match before.last() {
        None | Some(b'\n') => Ok(()),
        Some(_) => events.write_all(b"\n"),
    }
}
