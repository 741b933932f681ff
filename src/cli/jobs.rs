//! Runs a job in a worker process and waits for it, with progress, warnings and Ctrl+C. What the results mean is the verbs' matter.

use std::sync::Arc;
use std::time::Duration;

use super::{console::Console, failure::Failure, interrupt};
use crate::protocol::{Control, Event, Job};
use crate::session::words;
use crate::worker::{News, RunHandle, WorkerHandle, is_alive};

/// How often Ctrl+C is looked for.
const PATIENCE: Duration = Duration::from_millis(50);

/// How many times as long worker and supervisor may take to leave.
const LEAVING: usize = 100;

/// A worker that a job runs in.
trait Link {
    fn next(&self, patience: Duration) -> Option<News>;
    fn control(&self, control: Control);
    fn kill(&self);
}

impl Link for WorkerHandle {
    fn next(&self, patience: Duration) -> Option<News> {
        self.next(patience)
    }
    fn control(&self, control: Control) {
        self.control(control);
    }
    fn kill(&self) {
        self.kill();
    }
}

impl Link for RunHandle {
    fn next(&self, patience: Duration) -> Option<News> {
        self.next(patience)
    }
    fn control(&self, control: Control) {
        self.control(control);
    }
    fn kill(&self) {
        self.kill();
    }
}

/// A worker that takes jobs in turn.
pub struct Worker<'a> {
    handle: WorkerHandle,
    next_id: u64,
    console: &'a Console,
}

impl<'a> Worker<'a> {
    /// Starts one.
    ///
    /// # Errors
    /// The system starts no process.
    pub fn start(console: &'a Console) -> Result<Self, Failure> {
        Ok(Self {
            handle: WorkerHandle::spawn(Arc::new(|| {})).map_err(Failure::failed)?,
            next_id: 1,
            console,
        })
    }

    /// Runs a job to its end. `on_event` sees what is neither progress nor a warning. Ctrl+C stops it, a second one kills the worker.
    ///
    /// # Errors
    /// The job failed or the worker died.
    pub fn run(&mut self, job: Job, on_event: &mut dyn FnMut(Event)) -> Result<(), Failure> {
        let id = self.next_id;
        self.next_id += 1;
        self.handle.job(id, job);
        let console = self.console;
        follow(&self.handle, id, console, &mut |event| show(event, console, on_event))
    }
}

/// Runs one job in a worker of its own.
///
/// # Errors
/// As [`Worker::run`].
pub fn run_once(job: Job, console: &Console, on_event: &mut dyn FnMut(Event)) -> Result<(), Failure> {
    Worker::start(console)?.run(job, on_event)
}

/// As [`run_once`], without the worker's warnings.
///
/// # Errors
/// As [`Worker::run`].
pub fn run_quietly(job: Job, console: &Console, on_event: &mut dyn FnMut(Event)) -> Result<(), Failure> {
    let handle = WorkerHandle::spawn(Arc::new(|| {})).map_err(Failure::failed)?;
    handle.job(QUIET, job);
    follow(&handle, QUIET, console, &mut |event| {
        match &event {
            Event::Stage { stage, done, total } => console.progress(stage, *done, *total),
            Event::Warning { .. } => return,
            _ => {}
        }
        on_event(event);
    })
}

/// The number of a quiet job.
const QUIET: u64 = 1;
/// The number of a training job.
const TRAINING: u64 = 1;

/// Starts training in its run folder and follows it to the end.
///
/// # Errors
/// As [`Worker::run`].
pub fn train(job: Job, console: &Console, on_event: &mut dyn FnMut(Event)) -> Result<(), Failure> {
    let folder = match &job {
        Job::Train { run_dir, .. } => Some(run_dir.clone()),
        _ => None,
    };
    let handle = RunHandle::start(TRAINING, job, Arc::new(|| {})).map_err(Failure::failed)?;
    let end = follow(&handle, TRAINING, console, &mut |event| show(event, console, on_event));
    // The last word comes before worker and supervisor are gone; the next command may want their folder at once.
    for _ in 0..LEAVING {
        if !folder.as_deref().is_some_and(is_alive) {
            break;
        }
        std::thread::sleep(PATIENCE);
    }
    end
}

fn follow(link: &dyn Link, id: u64, console: &Console, on_event: &mut dyn FnMut(Event)) -> Result<(), Failure> {
    interrupt::watch();
    let mut seen = 0;
    loop {
        if interrupt::count() > seen {
            seen = interrupt::count();
            answer_interrupt(link, seen, console);
        }
        let Some(news) = link.next(PATIENCE) else { continue };
        let event = match news {
            News::Frame(frame) if frame.id == id => frame.event,
            News::Frame(_) => continue,
            News::Problem(message) => {
                console.warn(&message);
                continue;
            }
            News::Exit(exit) => return Err(Failure::Failed(exit.in_words())),
        };
        match event {
            Event::Done => return Ok(()),
            Event::Failed { message } => {
                on_event(Event::Failed {
                    message: message.clone(),
                });
                return Err(Failure::Failed(message));
            }
            other => on_event(other),
        }
    }
}

fn show(event: Event, console: &Console, on_event: &mut dyn FnMut(Event)) {
    match &event {
        Event::Stage { stage, done, total } => console.progress(stage, *done, *total),
        Event::Warning { message } => console.warn(message),
        Event::Loaded {
            model, device, stored, ..
        } => {
            console.clear();
            console.note(&format!("{model} on {device}: {}.", words::stored(stored)));
        }
        _ => {}
    }
    on_event(event);
}

fn answer_interrupt(link: &dyn Link, count: usize, console: &Console) {
    if count == 1 {
        console.say("Stopping and keeping what there is. Press Ctrl+C again to end at once.");
        link.control(Control::Stop);
    } else {
        link.kill();
    }
}
