//! The process between a training worker and whoever started it: it outlives the window, starts the worker, and starts another one with
//! smaller micro-batches when memory did not suffice. Knows jobs and exit codes, not what is trained.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::Path;
use std::process::{Child, ExitCode, ExitStatus};

use super::desktop::Awake;
use super::log::{self, last_lines};
use super::record::{end_broken_line, events_path, supervisor_lock_path};
use super::short::killed_for_memory;
use super::supervise::SecondTry;
use super::tail::Tail;
use super::{WorkerError, WorkerExit, control, desktop, exit, process, queue, supervise};
use crate::protocol::{Event, Job, Request};

/// Runs as the supervisor of the training job that comes on stdin, until its last worker ends; ends as that one did.
pub fn main() -> ExitCode {
    let mut line = String::new();
    // A parent that died meanwhile leaves an empty line, which is no request.
    let _ = std::io::stdin().read_line(&mut line);
    let Ok(Request::Job { id, job }) = serde_json::from_str(&line) else {
        eprintln!("This is a process of Burnish that is started by the program itself.");
        return ExitCode::from(2);
    };
    match supervise(id, *job) {
        Ok(status) => end_as(status),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn supervise(id: u64, mut job: Job) -> Result<ExitStatus, WorkerError> {
    let Job::Train { run_dir, .. } = &job else {
        return Err(WorkerError::NotTraining);
    };
    let run_dir = run_dir.clone();
    let lock = take_lock(&run_dir)?;
    let awake = Awake::keep();
    exit::forget(&run_dir);
    if matches!(job, Job::Train { resume: true, .. }) {
        queue_goes_on(&run_dir, true);
    }
    let mut record = Tail::from_end(&run_dir);
    if let Some(known) = supervise::as_before(&job) {
        job = go_on(&run_dir, known);
    }
    loop {
        let (log_from, killed) = (log::length(&run_dir), killed_for_memory());
        let status = start(id, &job, &run_dir)?
            .wait()
            .map_err(|source| WorkerError::RunFolder {
                path: run_dir.clone(),
                source,
            })?;
        let exit = WorkerExit::new(Some(status), last_lines(&run_dir, log_from), None);
        let short = exit.out_of_memory() || exit.was_killed() && killed_for_memory() > killed;
        let Some(next) = short.then(|| supervise::second_try(&job)).flatten() else {
            let events = record.read();
            tell_end(&run_dir, &events);
            exit::keep(&run_dir, exit.how);
            drop((lock, awake));
            next_in_line(&run_dir, &events);
            return Ok(status);
        };
        supervise::remember(&next.job);
        eprintln!("{}", log::RESTARTED);
        job = go_on(&run_dir, next);
    }
}

/// Tells the user of another way to go on, and gives its job.
fn go_on(run_dir: &Path, way: SecondTry) -> Job {
    // A full disk is no reason to give up.
    let _ = append(run_dir, &Event::Warning { message: way.message });
    way.job
}

/// Starts the run that waits behind this one. A run that was to free its memory holds the queue, until it is resumed or the user says so.
fn next_in_line(run_dir: &Path, events: &[Event]) {
    let suspended = matches!(events.iter().rfind(|e| is_end(e)), Some(Event::Suspended { .. }));
    if suspended {
        queue_goes_on(run_dir, false);
    }
    let runs = run_dir.parent().unwrap_or(run_dir);
    if let Err(error) = queue::start_next(runs) {
        eprintln!("The next run of the queue was not started: {error}");
    }
}

fn queue_goes_on(run_dir: &Path, on: bool) {
    let runs = run_dir.parent().unwrap_or(run_dir);
    if let Err(error) = queue::hold(runs, !on) {
        eprintln!("The queue could not be told whether it goes on: {error}");
    }
}

/// The reason why a run did not begin, as its record.
pub fn record_failure(run_dir: &Path, message: &str) {
    let event = Event::Failed {
        message: message.into(),
    };
    if let Err(error) = append(run_dir, &event) {
        eprintln!("{message} ({}: {error})", run_dir.display());
    }
}

/// Tells the desktop how the run ended.
fn tell_end(run_dir: &Path, events: &[Event]) {
    let name = run_dir
        .file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let text = match events.iter().rfind(|e| is_end(e)) {
        Some(Event::TrainEnd {
            step, stopped: false, ..
        }) => format!("Finished after {step} steps."),
        Some(Event::TrainEnd { step, .. }) => format!("Stopped at step {step}; the result is kept."),
        Some(Event::Suspended { step }) => format!("Paused at step {step}; its memory is free."),
        Some(Event::Failed { message }) => message.clone(),
        _ => "Ended unexpectedly. It can be resumed from its last checkpoint.".into(),
    };
    desktop::notify(&format!("Training {name}"), &text);
}

fn is_end(event: &Event) -> bool {
    matches!(
        event,
        Event::TrainEnd { .. } | Event::Suspended { .. } | Event::Failed { .. }
    )
}

/// Held as long as this process is: without it a run would look over while the next worker starts.
fn take_lock(run_dir: &Path) -> Result<File, WorkerError> {
    let path = supervisor_lock_path(run_dir);
    let failed = |source| WorkerError::RunFolder {
        path: path.clone(),
        source,
    };
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = open.map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(WorkerError::Busy(run_dir.into())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn start(id: u64, job: &Job, run_dir: &Path) -> Result<Child, WorkerError> {
    // An old file would name a socket that nobody listens to.
    let _ = std::fs::remove_file(control::path_in(run_dir));
    let mut child = process::spawn_supervised()?;
    let request = Request::Job {
        id,
        job: Box::new(job.clone()),
    };
    if let (Some(mut stdin), Ok(mut line)) = (child.stdin.take(), serde_json::to_vec(&request)) {
        line.push(b'\n');
        // A worker that died already is noticed when it is waited for.
        let _ = stdin.write_all(&line);
    }
    Ok(child)
}

/// Adds an event to the record of a run whose worker is gone.
fn append(run_dir: &Path, event: &Event) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    let path = events_path(run_dir);
    let mut events = OpenOptions::new().create(true).append(true).open(&path)?;
    end_broken_line(&path, &mut events)?;
    events.write_all(&line)
}

/// Ends this process in the way the worker ended, so that whoever waits for it sees the cause.
#[cfg(unix)]
fn end_as(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;

    use rustix::process::{Signal, getpid, kill_process};
    if let Some(signal) = status.signal().and_then(Signal::from_named_raw) {
        // Should it be refused, the code below tells that something was wrong.
        let _ = kill_process(getpid(), signal);
    }
    status
        .code()
        .map_or(ExitCode::FAILURE, |code| ExitCode::from(code as u8))
}

/// As on Unix, where codes are all there is.
#[cfg(not(unix))]
fn end_as(status: ExitStatus) -> ExitCode {
    status
        .code()
        .map_or(ExitCode::FAILURE, |code| ExitCode::from(code as u8))
}
