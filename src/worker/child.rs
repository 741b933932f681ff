//! The child's side: takes requests from stdin, hands jobs to the engine one after the other, sends events back. Controls act at once.

use std::io::BufRead;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::control;
use super::exit::{DEVICE_LOST, OUT_OF_MEMORY};
use super::frames::Frames;
use super::record::Record;
use crate::engine::{Engine, Flags};
use crate::protocol::{Control, Event, Job, Request};

/// Job and flags of everything handed in and not yet done.
type Open = Arc<Mutex<Vec<Handed>>>;

struct Handed {
    id: u64,
    training: bool,
    flags: Arc<Flags>,
}

/// What the panic hook needs.
struct LastWords {
    frames: Arc<Frames>,
    job: AtomicU64,
}

static LAST_WORDS: OnceLock<LastWords> = OnceLock::new();

/// Runs as a worker until the parent closes the line and the last job is done.
pub fn main() -> ExitCode {
    let frames = match Frames::take_stdout() {
        Ok(frames) => Arc::new(frames),
        Err(error) => {
            eprintln!("This is a worker process of Burnish; it is started by the program itself ({error}).");
            return ExitCode::from(2);
        }
    };
    lower_priority(USUAL);
    report_panics(&frames);
    frames.send(
        0,
        Event::Ready {
            pid: std::process::id(),
        },
    );
    let (jobs, queue) = channel();
    let open = Open::default();
    let reader_open = open.clone();
    std::thread::spawn(move || read_requests(&jobs, &reader_open));
    work(&queue, &open, &frames);
    ExitCode::SUCCESS
}

/// How much a worker stands back behind the window and other programs.
const USUAL: i32 = 5;
/// How much more where the user wants the desktop to stay smooth.
const SMOOTH: i32 = 10;

/// The window and other programs come first.
#[cfg(unix)]
fn lower_priority(by: i32) {
    // Refused only where a limit is set; then the worker simply runs as it is.
    let _ = rustix::process::nice(by);
}

/// Windows: the parent sets the priority when it starts the worker.
#[cfg(not(unix))]
fn lower_priority(_by: i32) {}

/// A panic is printed as usual. One that means that memory is gone or the device is lost ends the process, because everything that
/// follows on that device would be wrong.
fn report_panics(frames: &Arc<Frames>) {
    let words = LAST_WORDS.get_or_init(|| LastWords {
        frames: frames.clone(),
        job: AtomicU64::new(0),
    });
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        print(info);
        let text = info.to_string();
        if let Some((message, code)) = fatal(&text) {
            words.frames.send_last(
                words.job.load(Ordering::Relaxed),
                Event::Warning {
                    message: message.into(),
                },
            );
            std::process::exit(code);
        }
    }));
}

fn fatal(panic: &str) -> Option<(&'static str, i32)> {
    let text = panic.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
    if has(&["out of memory", "outofmemory", "not enough memory", "memory exhausted"]) {
        return Some(("The device is out of memory.", OUT_OF_MEMORY));
    }
    // The last is what a read from a device that is gone ends with.
    let lost = ["device lost", "devicelost", "device is lost", "host access failed"];
    has(&lost).then_some(("The device was lost.", DEVICE_LOST))
}

fn read_requests(jobs: &Sender<(u64, Job, Arc<Flags>)>, open: &Open) {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        match serde_json::from_str::<Request>(&line) {
            Ok(Request::Job { id, job }) => {
                let flags = Arc::new(Flags::default());
                open.lock().unwrap_or_else(PoisonError::into_inner).push(Handed {
                    id,
                    training: matches!(*job, Job::Train { .. }),
                    flags: flags.clone(),
                });
                if jobs.send((id, *job, flags)).is_err() {
                    return;
                }
            }
            Ok(Request::Control(Control::Quit)) => break,
            Ok(Request::Control(control)) => apply(open, control),
            Err(error) => eprintln!("A request was not understood: {error}: {line}"),
        }
    }
    // The parent is gone or wants no more. Training outlives it, everything else has lost its listener.
    let open = open.lock().unwrap_or_else(PoisonError::into_inner);
    for handed in open.iter().filter(|h| !h.training) {
        handed.flags.apply(Control::Stop);
    }
}

fn apply(open: &Open, control: Control) {
    for handed in open.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        handed.flags.apply(control);
    }
}

fn work(queue: &Receiver<(u64, Job, Arc<Flags>)>, open: &Open, frames: &Arc<Frames>) {
    let mut engine = Engine::new();
    for (id, job, flags) in queue {
        if let Some(words) = LAST_WORDS.get() {
            words.job.store(id, Ordering::Relaxed);
        }
        let whole = one_job(&mut engine, id, job, &flags, open, frames);
        open.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|h| h.id != id);
        if !whole {
            // What a panic left behind in memory is not to be trusted.
            engine = Engine::new();
        }
    }
}

/// Runs a job to its `Done` or `Failed`; false after a panic.
fn one_job(engine: &mut Engine, id: u64, job: Job, flags: &Flags, open: &Open, frames: &Arc<Frames>) -> bool {
    let record = match &job {
        Job::Train { run_dir, .. } => match open_record(run_dir, open) {
            Ok(record) => Some(record),
            Err(message) => {
                // There is no record to put it in: the log and the exit code tell.
                eprintln!("{message}");
                frames.send(id, Event::Failed { message });
                std::process::exit(1);
            }
        },
        _ => None,
    };
    if matches!(job, Job::Train { smooth: true, .. }) {
        lower_priority(SMOOTH);
    }
    let sink = |event: Event| {
        if let Some(record) = &record
            && let Err(error) = record.append(&event)
        {
            eprintln!("An event could not be written to events.jsonl: {error}");
        }
        frames.send(id, event);
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| engine.run(job, &sink, flags)));
    let whole = outcome.is_ok();
    match outcome {
        Ok(Ok(())) => sink(Event::Done),
        Ok(Err(error)) => {
            if let (Some(_), Some((message, code))) = (&record, fatal(&format!("{error:?}"))) {
                // As after a panic of that kind: the supervisor knows what to do.
                sink(Event::Warning {
                    message: message.into(),
                });
                std::process::exit(code);
            }
            sink(Event::Failed {
                message: error.to_string(),
            });
        }
        Err(panic) => sink(Event::Failed {
            message: format!(
                "The job ended by an error inside the program: {}. Please report it; other work can go on.",
                panic_text(panic.as_ref())
            ),
        }),
    }
    whole
}

fn open_record(run_dir: &Path, open: &Open) -> Result<Record, String> {
    let record = Record::open(run_dir).map_err(|e| e.to_string())?;
    let open = open.clone();
    if let Err(error) = control::listen(run_dir, move |control| apply(&open, control)) {
        // The run is worth more than the remote control.
        eprintln!("The run cannot be stopped or paused from outside: {error}");
    }
    Ok(record)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no message")
        .lines()
        .next()
        .unwrap_or("no message")
        .into()
}
