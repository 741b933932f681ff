//! Training runs from the outside: starting one that outlives this process, attaching to one that is going, noticing its end. The run
//! folder is the only link; knows nothing of what is trained.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::record::{events_path, lock_path, supervisor_lock_path};
use super::tail::Tail;
use super::{News, Wake, WorkerError, WorkerExit, control, exit, log, process};
use crate::formats::checkpoint;
use crate::protocol::{Control, Event, Frame, Job, Request};

/// How often the run folder is looked at.
const POLL: Duration = Duration::from_millis(50);

type Process = Arc<Mutex<Child>>;

/// A supervisor, with its worker, that this process started.
struct Owned {
    child: Process,
    /// Where its part of the log begins.
    log_from: u64,
}

/// A run that goes on without this handle.
pub struct RunHandle {
    run_dir: PathBuf,
    child: Option<Process>,
    news: Receiver<News>,
    post: Sender<News>,
    wake: Wake,
    dropped: Arc<AtomicBool>,
}

/// What the watching thread needs.
struct Watch {
    id: u64,
    run_dir: PathBuf,
    tail: Tail,
    owned: Option<Owned>,
    post: Sender<News>,
    wake: Wake,
    dropped: Arc<AtomicBool>,
}

impl RunHandle {
    /// Starts a worker for a training job and watches it; only events from now on are given.
    ///
    /// # Errors
    /// Not a training job, a folder that cannot be written or is in use, no process.
    pub fn start(id: u64, job: Job, wake: Wake) -> Result<Self, WorkerError> {
        let Job::Train { run_dir, .. } = &job else {
            return Err(WorkerError::NotTraining);
        };
        let run_dir = run_dir.clone();
        if is_alive(&run_dir) {
            return Err(WorkerError::Busy(run_dir));
        }
        let tail = Tail::from_end(&run_dir);
        let (child, log_from) = launch(id, &job, &run_dir)?;
        let owned = Owned {
            child: Arc::new(Mutex::new(child)),
            log_from,
        };
        Ok(Self::watch(id, run_dir, tail, Some(owned), wake))
    }

    /// Watches a run, from its first event on, whether its worker is still at work or not.
    ///
    /// # Errors
    /// The folder holds no run.
    pub fn attach(id: u64, run_dir: &Path, wake: Wake) -> Result<Self, WorkerError> {
        if !events_path(run_dir).is_file() {
            return Err(WorkerError::NoRun(run_dir.into()));
        }
        Ok(Self::watch(id, run_dir.into(), Tail::from_start(run_dir), None, wake))
    }

    fn watch(id: u64, run_dir: PathBuf, tail: Tail, owned: Option<Owned>, wake: Wake) -> Self {
        let child = owned.as_ref().map(|o| o.child.clone());
        let (post, news) = channel();
        let dropped = Arc::new(AtomicBool::new(false));
        let watch = Watch {
            id,
            run_dir: run_dir.clone(),
            tail,
            owned,
            post: post.clone(),
            wake: wake.clone(),
            dropped: dropped.clone(),
        };
        thread::spawn(move || watch.run());
        Self {
            run_dir,
            child,
            news,
            post,
            wake,
            dropped,
        }
    }

    /// What happened since the last call; returns at once.
    pub fn drain(&self) -> Vec<News> {
        self.news.try_iter().collect()
    }

    /// Waits at most `patience` for the next news, for callers without a window.
    pub fn next(&self, patience: Duration) -> Option<News> {
        self.news.recv_timeout(patience).ok()
    }

    /// Interrupts the run; a failure comes as [`News::Problem`].
    pub fn control(&self, control: Control) {
        let (run_dir, post, wake) = (self.run_dir.clone(), self.post.clone(), self.wake.clone());
        thread::spawn(move || {
            if let Err(message) = control::send(&run_dir, control)
                && post.send(News::Problem(message)).is_ok()
            {
                wake();
            }
        });
    }

    /// Is the worker at work?
    pub fn is_alive(&self) -> bool {
        match &self.child {
            Some(child) => matches!(lock(child).try_wait(), Ok(None)),
            None => is_alive(&self.run_dir),
        }
    }

    /// Ends the worker at once; what was trained since the last checkpoint is lost.
    pub fn kill(&self) {
        match &self.child {
            #[cfg(unix)]
            Some(child) => kill_all(&mut lock(child)),
            #[cfg(not(unix))]
            Some(_) => kill_stranger(&self.run_dir),
            None if is_alive(&self.run_dir) => kill_stranger(&self.run_dir),
            None => {}
        }
    }

    /// The run folder.
    pub fn run_dir(&self) -> &Path {
        &self.run_dir
    }
}

impl Drop for RunHandle {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

/// Ends a supervisor and its worker, which are one group.
#[cfg(unix)]
fn kill_all(supervisor: &mut Child) {
    // Its number is its own until it was waited for.
    if let (Ok(None), Some(group)) = (
        supervisor.try_wait(),
        rustix::process::Pid::from_raw(supervisor.id() as i32),
    ) {
        // It may have ended in this moment, which is as good.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

/// Ends a worker of another process. Its pid is fresh: it holds the lock of the folder.
#[cfg(unix)]
fn kill_stranger(run_dir: &Path) {
    let pid = control::read(run_dir).and_then(|f| rustix::process::Pid::from_raw(f.pid as i32));
    if let Some(pid) = pid {
        // It may have ended in this moment, which is as good.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// Without a signal to send, the worker is asked to stop.
#[cfg(not(unix))]
fn kill_stranger(run_dir: &Path) {
    // Unreachable means gone.
    let _ = control::send(run_dir, Control::Stop);
}

impl Watch {
    fn run(mut self) {
        let mut ended = false;
        while !self.dropped.load(Ordering::Relaxed) {
            // Looked at before the file is read, so that nothing written before the end is missed.
            let over = self.over();
            for event in self.tail.read() {
                ended = matches!(event, Event::Done | Event::Failed { .. });
                self.tell(News::Frame(Frame { id: self.id, event }));
            }
            if let Some(status) = over {
                self.tell(News::Exit(self.exit(status, ended)));
                return;
            }
            thread::sleep(POLL);
        }
        // The process must be waited for, or it stays in the process table after its end.
        if let Some(Owned { child, .. }) = &self.owned {
            while matches!(lock(child).try_wait(), Ok(None)) {
                thread::sleep(POLL * 10);
            }
        }
    }

    /// `Some` once the worker is gone, with its status where this process can know it.
    fn over(&self) -> Option<Option<ExitStatus>> {
        match &self.owned {
            Some(owned) => match lock(&owned.child).try_wait() {
                Ok(None) => None,
                // A worker goes on without its supervisor.
                Ok(Some(status)) => (!is_alive(&self.run_dir)).then_some(Some(status)),
                Err(_) => Some(None),
            },
            None => (!is_alive(&self.run_dir)).then_some(None),
        }
    }

    fn exit(&self, status: Option<ExitStatus>, ended: bool) -> WorkerExit {
        let log_from = self.owned.as_ref().map_or(0, |o| o.log_from);
        let log = log::last_lines(&self.run_dir, log_from);
        let checkpoint = newest_checkpoint(&self.run_dir).map(|(_, path)| path);
        let mut exit = WorkerExit::new(status, log, checkpoint);
        if status.is_none() {
            // The record is whole, or the supervisor saw how it ended.
            exit.how = match ended {
                true => super::ExitHow::Code(0),
                false => exit::kept(&self.run_dir),
            };
        }
        exit
    }

    fn tell(&self, news: News) {
        // Without a listener the thread ends at its next turn.
        if self.post.send(news).is_ok() {
            (self.wake)();
        }
    }
}

/// Is a worker, or the supervisor that may start another one, at work in this run folder?
pub fn is_alive(run_dir: &Path) -> bool {
    [lock_path(run_dir), supervisor_lock_path(run_dir)]
        .iter()
        .filter_map(|path| File::open(path).ok())
        .any(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Step and folder of the newest whole checkpoint. Reads all of it.
pub fn newest_checkpoint(run_dir: &Path) -> Option<(usize, PathBuf)> {
    checkpoint::newest(run_dir).0
}

/// Makes the folder of a new run: date, time and name, and a number where that is taken.
///
/// # Errors
/// The folder cannot be made.
pub fn make_run_dir(runs: &Path, name: &str) -> Result<PathBuf, WorkerError> {
    let clean: String = name
        .trim()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    let stamp = jiff::Zoned::now().strftime("%Y-%m-%d-%H%M%S");
    let first = runs.join(format!("{stamp}-{clean}"));
    let failed = |source| WorkerError::RunFolder {
        path: first.clone(),
        source,
    };
    std::fs::create_dir_all(runs).map_err(failed)?;
    let mut folder = first.clone();
    for number in 2.. {
        match std::fs::create_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                folder = runs.join(format!("{stamp}-{clean}-{number}"));
            }
            made => return made.map(|()| folder).map_err(failed),
        }
    }
    Ok(folder)
}

/// Starts a supervisor with a training job; also gives where its part of the log begins.
pub(super) fn launch(id: u64, job: &Job, run_dir: &Path) -> Result<(Child, u64), WorkerError> {
    let failed = |path: &Path, source| WorkerError::RunFolder {
        path: path.into(),
        source,
    };
    std::fs::create_dir_all(run_dir).map_err(|e| failed(run_dir, e))?;
    let path = log::path_in(run_dir);
    let open = OpenOptions::new().create(true).append(true).open(&path);
    let log_from = log::length(run_dir);
    let mut child = process::spawn_detached(open.map_err(|e| failed(&path, e))?)?;
    if let Some(stdin) = child.stdin.take() {
        let request = Request::Job {
            id,
            job: Box::new(job.clone()),
        };
        // A long recipe fills the pipe before the process reads.
        thread::spawn(move || hand_over(stdin, request));
    }
    Ok((child, log_from))
}

fn hand_over(mut stdin: impl Write, request: Request) {
    if let Ok(mut line) = serde_json::to_vec(&request) {
        line.push(b'\n');
        // A process that died already is noticed by the watch.
        let _ = stdin.write_all(&line);
    }
}

fn lock(child: &Process) -> std::sync::MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}
