//! Runs that wait in a project's folder of runs: `queue.toml` there, changed only under a lock, by the window or by the supervisor of a run
//! that has ended. Knows recipes and whether a run is at work, not what it trains.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::record::events_path;
use super::runs::{is_alive, launch, make_run_dir};
use super::{WorkerError, supervisor};
use crate::formats::weights::write_whole;
use crate::protocol::Job;
use crate::recipe::Recipe;

/// How long a run that was started may take to open its record.
const PATIENCE: Duration = Duration::from_secs(20);
/// Job id of runs that no window started.
const QUEUED: u64 = 0;

/// A run that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queued {
    /// Tells it from runs of the same name.
    pub id: u64,
    /// What the run will be called.
    pub name: String,
    /// Should it leave the device to other programs now and then?
    #[serde(default)]
    pub smooth: bool,
    /// What its data were when they were looked through; empty where nobody did.
    #[serde(default)]
    pub audited: String,
    /// What it is trained by.
    pub recipe: Recipe,
}

/// `queue.toml`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Does the next run wait for the user's word?
    #[serde(default)]
    pub held: bool,
    /// The run that is being started. It stays here until its worker is at work, so that whoever finds it after a crash goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    starting: Option<Box<Starting>>,
    /// The next one first.
    #[serde(default)]
    pub runs: Vec<Queued>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Starting {
    dir: PathBuf,
    run: Queued,
}

/// The queue of a folder of runs as it is; an empty one where there is none.
///
/// # Errors
/// The file cannot be read.
pub fn read(runs: &Path) -> Result<Queue, WorkerError> {
    let path = path_in(runs);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Queue::default()),
        Err(error) => return Err(unusable(&path, error)),
    };
    toml::from_str(&text).map_err(|error| unusable(&path, error))
}

/// Changes the queue while nobody else can; gives it as it is then.
///
/// # Errors
/// The folder or the file cannot be used.
pub fn change(runs: &Path, change: impl FnOnce(&mut Queue)) -> Result<Queue, WorkerError> {
    let _lock = lock(runs)?;
    let before = read(runs)?;
    let mut queue = before.clone();
    change(&mut queue);
    if queue != before {
        write(runs, &queue)?;
    }
    Ok(queue)
}

/// Starts the first run that waits, unless one is at work or the queue is held. Gives the folder of the run that goes on now, whoever
/// started it. A run that does not come to work leaves its reason in its folder, and the one behind it is started. Blocks until the run
/// is at work; call it from a thread.
///
/// # Errors
/// The queue cannot be read or written; it is as before.
pub fn start_next(runs: &Path) -> Result<Option<PathBuf>, WorkerError> {
    if !path_in(runs).exists() {
        return Ok(None);
    }
    let _lock = lock(runs)?;
    loop {
        if let Some(dir) = at_work(runs) {
            return Ok(Some(dir));
        }
        let Some(starting) = claim(runs)? else {
            return Ok(None);
        };
        let Starting { dir, run } = *starting;
        match begin(&dir, run) {
            Ok(()) => return settle(runs).map(|()| Some(dir)),
            Err(error) => supervisor::record_failure(&dir, &error.to_string()),
        }
        let mut queue = read(runs)?;
        queue.starting = None;
        write(runs, &queue)?;
    }
}

/// The next run does not start by itself, where any waits.
///
/// # Errors
/// As [`change`].
pub fn hold(runs: &Path, held: bool) -> Result<(), WorkerError> {
    match path_in(runs).exists() {
        true => change(runs, |queue| queue.held = held && !queue.runs.is_empty()).map(drop),
        false => Ok(()),
    }
}

/// The newest run of the folder that is at work.
pub fn at_work(runs: &Path) -> Option<PathBuf> {
    let folders = std::fs::read_dir(runs).ok()?.flatten().map(|e| e.path());
    folders.filter(|dir| is_alive(dir)).max()
}

fn path_in(runs: &Path) -> PathBuf {
    runs.join("queue.toml")
}

/// Takes the first run out of the line and names its folder, in one write. A claim that a crash left behind comes first.
fn claim(runs: &Path) -> Result<Option<Box<Starting>>, WorkerError> {
    settle(runs)?;
    let mut queue = read(runs)?;
    if queue.held {
        return Ok(None);
    }
    if queue.starting.is_none() {
        if queue.runs.is_empty() {
            return Ok(None);
        }
        let run = queue.runs.remove(0);
        let dir = make_run_dir(runs, &run.name)?;
        queue.starting = Some(Box::new(Starting { dir, run }));
        write(runs, &queue)?;
    }
    Ok(queue.starting)
}

/// Forgets the claim of a run whose worker has opened its record.
fn settle(runs: &Path) -> Result<(), WorkerError> {
    let mut queue = read(runs)?;
    match &queue.starting {
        Some(starting) if events_path(&starting.dir).exists() => {
            queue.starting = None;
            write(runs, &queue)
        }
        _ => Ok(()),
    }
}

/// Starts a run and waits until its worker has opened the record.
fn begin(dir: &Path, run: Queued) -> Result<(), WorkerError> {
    // The worker writes it again once it has hashed the data; who looks at the run before wants to know what it trains.
    let text = run.recipe.to_toml().map_err(|e| unusable(dir, e))?;
    write_whole(&dir.join("recipe.toml"), text.as_bytes()).map_err(|e| unusable(dir, e))?;
    let job = Job::Train {
        recipe: Box::new(run.recipe),
        run_dir: dir.into(),
        resume: false,
        init_adapter: None,
        unpacked: false,
        smooth: run.smooth,
        audited: (!run.audited.is_empty()).then_some(run.audited),
    };
    let (mut child, _) = launch(QUEUED, &job, dir)?;
    let start = Instant::now();
    let mut over = false;
    while !events_path(dir).exists() {
        if over || start.elapsed() > PATIENCE && !is_alive(dir) {
            return Err(WorkerError::NotBegun(dir.into()));
        }
        std::thread::sleep(Duration::from_millis(5));
        // Looked for once more after its end.
        over = !matches!(child.try_wait(), Ok(None)) && !is_alive(dir);
    }
    // It must be waited for, or it stays in the process table after its end; it outlives this process where that ends first.
    std::thread::spawn(move || child.wait());
    Ok(())
}

fn lock(runs: &Path) -> Result<File, WorkerError> {
    let path = runs.join("queue.lock");
    let open = || -> std::io::Result<File> {
        std::fs::create_dir_all(runs)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)?;
        file.lock()?;
        Ok(file)
    };
    open().map_err(|error| unusable(&path, error))
}

fn write(runs: &Path, queue: &Queue) -> Result<(), WorkerError> {
    let path = path_in(runs);
    let text = toml::to_string_pretty(queue).map_err(|e| unusable(&path, e))?;
    write_whole(&path, text.as_bytes()).map_err(|e| unusable(&path, e))
}

fn unusable(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> WorkerError {
    WorkerError::RunFolder {
        path: path.into(),
        source: std::io::Error::other(error),
    }
}
