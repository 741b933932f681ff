//! The parent's side of a worker over pipes: chat, scoring, devices. Threads read and write, so that no call blocks.
//! The end of the handle ends the worker.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{News, Wake, WorkerError, WorkerExit, process};
use crate::protocol::{Control, Frame, Job, Request};

/// Log lines kept for the case that the worker dies.
const LOG_LINES: usize = 40;

type Log = Arc<Mutex<VecDeque<String>>>;

/// A worker process that this process owns.
pub struct WorkerHandle {
    child: Arc<Mutex<Child>>,
    requests: Sender<Request>,
    news: Receiver<News>,
}

impl WorkerHandle {
    /// Starts a worker. `wake` is called whenever [`Self::drain`] has something to give.
    ///
    /// # Errors
    /// The system starts no process.
    pub fn spawn(wake: Wake) -> Result<Self, WorkerError> {
        let mut child = process::spawn_piped()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let child = Arc::new(Mutex::new(child));
        let (requests, to_send) = channel();
        let (post, news) = channel();
        let log = Log::default();
        if let Some(stdin) = stdin {
            thread::spawn(move || write_requests(stdin, &to_send));
        }
        let logger = stderr.map(|stderr| {
            let log = log.clone();
            thread::spawn(move || keep_lines(stderr, &log))
        });
        let watched = child.clone();
        thread::spawn(move || {
            if let Some(stdout) = stdout {
                read_frames(stdout, &post, &wake, &log);
            }
            let status = wait(&watched);
            await_log(logger.as_ref());
            let lines = log
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .cloned()
                .collect();
            if post.send(News::Exit(WorkerExit::new(status, lines, None))).is_ok() {
                wake();
            }
        });
        Ok(Self { child, requests, news })
    }

    /// Gives the worker a request. A worker that is gone is reported by [`Self::drain`].
    pub fn send(&self, request: Request) {
        // The writing thread ends only with the worker, whose end is reported as news.
        let _ = self.requests.send(request);
    }

    /// Gives a job.
    pub fn job(&self, id: u64, job: Job) {
        self.send(Request::Job { id, job: Box::new(job) });
    }

    /// Interrupts.
    pub fn control(&self, control: Control) {
        self.send(Request::Control(control));
    }

    /// What the worker said since the last call; returns at once.
    pub fn drain(&self) -> Vec<News> {
        self.news.try_iter().collect()
    }

    /// Waits at most `patience` for the next news, for callers without a window.
    pub fn next(&self, patience: Duration) -> Option<News> {
        self.news.recv_timeout(patience).ok()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    /// Ends the process at once.
    pub fn kill(&self) {
        // A process that has ended already needs no killing.
        let _ = self.child.lock().unwrap_or_else(PoisonError::into_inner).kill();
    }
}

/// The log is complete once its pipe is closed; a grandchild could keep it open for ever, so this does not wait long.
fn await_log(logger: Option<&JoinHandle<()>>) {
    for _ in 0..20 {
        if logger.is_none_or(JoinHandle::is_finished) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn write_requests(mut stdin: ChildStdin, requests: &Receiver<Request>) {
    for request in requests {
        let Ok(mut line) = serde_json::to_vec(&request) else {
            continue;
        };
        line.push(b'\n');
        if stdin.write_all(&line).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

fn read_frames(stdout: impl Read, post: &Sender<News>, wake: &Wake, log: &Log) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { return };
        match serde_json::from_str::<Frame>(&line) {
            Ok(frame) => {
                if post.send(News::Frame(frame)).is_err() {
                    return;
                }
                wake();
            }
            // Something printed past the redirection.
            Err(_) => keep(log, line),
        }
    }
}

fn keep_lines(stderr: impl Read, log: &Log) {
    let mut reader = BufReader::new(stderr);
    let mut bytes = vec![];
    while reader.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
        let line = String::from_utf8_lossy(&bytes).trim_end().to_string();
        if std::env::var_os("BURNISH_WORKER_LOG").is_some() {
            eprintln!("{line}");
        }
        keep(log, line);
        bytes.clear();
    }
}

fn keep(log: &Log, line: String) {
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    if log.len() == LOG_LINES {
        log.pop_front();
    }
    log.push_back(line);
}

/// Waits for the end without holding the lock, so that others may kill meanwhile.
fn wait(child: &Mutex<Child>) -> Option<std::process::ExitStatus> {
    loop {
        match child.lock().unwrap_or_else(PoisonError::into_inner).try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => {}
            Err(_) => return None,
        }
        thread::sleep(Duration::from_millis(10));
    }
}
