//! One file from the hub into the cache: goes on where it was cut, checks size and hash, can be stopped at any moment.
//! Knows bytes and HTTP, not what the file is for.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use ureq::http::{Response, StatusCode};

use super::api::{Question, RemoteFile, header};
use super::digest::Running;
use super::store::{Store, failed};
use super::{Hub, HubError};

/// Bytes read at a time.
const CHUNK: usize = 256 << 10;
/// Chunks that may wait to be written.
const WAITING: usize = 8;
/// How often a stop is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// A file to bring.
pub struct Transfer<'a> {
    pub question: &'a Question<'a>,
    pub store: &'a Store<'a>,
    pub file: &'a RemoteFile,
    pub size: u64,
    pub url: String,
    /// Does the user want to stop?
    pub stop: &'a dyn Fn() -> bool,
}

/// What the connection's thread says.
enum Piece {
    /// The bytes that follow begin here.
    Start(u64),
    Bytes(Vec<u8>),
    End,
    /// The server does not have what was asked to go on from.
    Stale,
    /// The connection broke, or the server is busy.
    Lost(String),
    /// Trying again is no use.
    Refused(Box<HubError>),
}

/// How one connection ended.
enum Ended {
    Whole,
    Cut(String),
}

/// The growing file, hashed as it grows.
struct Growing<'a> {
    file: File,
    path: &'a Path,
    len: u64,
    hash: Running,
}

impl Transfer<'_> {
    /// Brings the file; `watch` hears how many bytes are there.
    ///
    /// # Errors
    /// The hub refuses, the connection breaks too often, the content is wrong, the disk is full, or the user stopped.
    pub fn run(&self, watch: &mut dyn FnMut(u64)) -> Result<(), HubError> {
        let path = self.store.partial(&self.file.etag);
        let resumed = path.metadata().is_ok_and(|m| m.len() > 0);
        match self.bring(&path, watch) {
            // What an earlier attempt left may be what is wrong.
            Err(HubError::Hash { .. } | HubError::Size { .. }) if resumed => self.bring(&path, watch),
            result => result,
        }
    }

    fn bring(&self, path: &Path, watch: &mut dyn FnMut(u64)) -> Result<(), HubError> {
        let mut growing = self.open(path)?;
        watch(growing.len);
        let (mut vain, mut pause) = (0, self.question.hub.patience.pause);
        while growing.len < self.size {
            let before = growing.len;
            let Ended::Cut(message) = self.connect(&mut growing, watch)? else {
                break;
            };
            if growing.len > before {
                (vain, pause) = (0, self.question.hub.patience.pause);
            }
            vain += 1;
            if vain >= self.question.hub.patience.attempts {
                return Err(HubError::Cut {
                    file: self.file.name.clone(),
                    done: growing.len,
                    total: self.size,
                    attempts: vain,
                    message,
                });
            }
            self.wait(pause)?;
            pause *= 2;
        }
        self.check(growing)
    }

    /// The file as an earlier attempt left it, hashed up to its end.
    fn open<'a>(&self, path: &'a Path) -> Result<Growing<'a>, HubError> {
        let mut growing = Growing {
            file: self.store.open_partial(&self.file.etag)?,
            path,
            len: 0,
            hash: self.file.expected().start(self.size),
        };
        if growing.file.metadata().map_err(failed(path))?.len() > self.size {
            self.restart(&mut growing)?;
        }
        let mut chunk = vec![0; CHUNK];
        loop {
            self.go_on()?;
            let count = growing.file.read(&mut chunk).map_err(failed(path))?;
            if count == 0 {
                return Ok(growing);
            }
            growing.hash.update(&chunk[..count]);
            growing.len += count as u64;
        }
    }

    fn restart(&self, growing: &mut Growing<'_>) -> Result<(), HubError> {
        growing.len = 0;
        growing.hash = self.file.expected().start(self.size);
        let emptied = growing
            .file
            .set_len(0)
            .and_then(|()| growing.file.seek(SeekFrom::Start(0)));
        emptied.map(|_| ()).map_err(failed(growing.path))
    }

    /// One connection: takes in what comes until it ends.
    fn connect(&self, growing: &mut Growing<'_>, watch: &mut dyn FnMut(u64)) -> Result<Ended, HubError> {
        let pieces = self.request(growing.len);
        loop {
            self.go_on()?;
            let piece = match pieces.recv_timeout(LOOK) {
                Ok(piece) => piece,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(Ended::Cut("the connection's thread ended".into())),
            };
            match piece {
                Piece::Start(from) if from == growing.len => {}
                // A server that knows no ranges begins anew.
                Piece::Start(_) | Piece::Stale => self.restart(growing)?,
                Piece::Bytes(bytes) => {
                    self.take(growing, &bytes)?;
                    watch(growing.len);
                }
                Piece::End if growing.len == self.size => return Ok(Ended::Whole),
                Piece::End => return Ok(Ended::Cut("the server ended early".into())),
                Piece::Lost(message) => return Ok(Ended::Cut(message)),
                Piece::Refused(error) => {
                    if matches!(*error, HubError::Size { .. }) {
                        self.restart(growing)?;
                    }
                    return Err(*error);
                }
            }
        }
    }

    fn take(&self, growing: &mut Growing<'_>, bytes: &[u8]) -> Result<(), HubError> {
        let len = growing.len + bytes.len() as u64;
        if len > self.size {
            self.restart(growing)?;
            return Err(self.wrong_size(len));
        }
        growing.file.write_all(bytes).map_err(failed(growing.path))?;
        growing.hash.update(bytes);
        growing.len = len;
        Ok(())
    }

    fn wrong_size(&self, found: u64) -> HubError {
        HubError::Size {
            file: self.file.name.clone(),
            expected: self.size,
            found,
        }
    }

    /// Compares the hash and gives the content its final name.
    fn check(&self, growing: Growing<'_>) -> Result<(), HubError> {
        let Growing { file, path, hash, .. } = growing;
        let (expected, found) = (self.file.expected(), hash.finish());
        if found != expected.hex() {
            // A failure to remove it shows at the next attempt, which begins by hashing it.
            let _ = std::fs::remove_file(path);
            return Err(HubError::Hash {
                file: self.file.name.clone(),
                expected: expected.hex().into(),
                found,
            });
        }
        file.sync_all().map_err(failed(path))?;
        self.store.finish(&self.file.etag)
    }

    fn go_on(&self) -> Result<(), HubError> {
        if !(self.stop)() {
            return Ok(());
        }
        Err(HubError::Cancelled {
            repo: self.question.repo.into(),
        })
    }

    fn wait(&self, pause: Duration) -> Result<(), HubError> {
        let end = Instant::now() + pause;
        while Instant::now() < end {
            self.go_on()?;
            std::thread::sleep(LOOK.min(pause));
        }
        Ok(())
    }

    /// Asks for the file from a byte on, on a thread of its own: nothing here waits longer than [`LOOK`] for the network.
    /// The thread ends with the receiver.
    fn request(&self, from: u64) -> Receiver<Piece> {
        let (sender, pieces) = sync_channel(WAITING);
        let asked = Asked {
            hub: self.question.hub.clone(),
            repo: self.question.repo.into(),
            revision: self.question.revision.into(),
            token: self.question.token.map(String::from),
            file: self.file.name.clone(),
            url: self.url.clone(),
            size: self.size,
            from,
        };
        std::thread::spawn(move || asked.load(&sender));
        pieces
    }
}

/// What the connection's thread needs.
struct Asked {
    hub: Hub,
    repo: String,
    revision: String,
    token: Option<String>,
    file: String,
    url: String,
    size: u64,
    from: u64,
}

impl Asked {
    fn load(&self, sender: &SyncSender<Piece>) {
        let mut request = self.hub.agent(10).get(&self.url);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if self.from > 0 {
            request = request.header("Range", format!("bytes={}-", self.from));
        }
        // A receiver that is gone wants no more: every failure to send ends this thread.
        match request.call() {
            Err(error) => drop(sender.send(Piece::Lost(error.to_string()))),
            Ok(response) => match self.start(&response) {
                piece @ Piece::Start(_) => {
                    if sender.send(piece).is_ok() {
                        pass_on(response.into_body().into_reader(), sender);
                    }
                }
                other => drop(sender.send(other)),
            },
        }
    }

    /// What an answer's head says.
    fn start<B>(&self, response: &Response<B>) -> Piece {
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let (from, whole) = match response.status() {
            StatusCode::OK => (0, header(response.headers(), "content-length").and_then(|l| number(&l))),
            StatusCode::PARTIAL_CONTENT => {
                let range = header(response.headers(), "content-range").unwrap_or_default();
                let parts = range.trim_start_matches("bytes ").split_once('/');
                let (range, total) = parts.unwrap_or_default();
                let from = range.split('-').next().and_then(number);
                match from.filter(|from| *from == self.from) {
                    Some(from) => (from, number(total)),
                    None => return Piece::Lost("the server sends another part than was asked for".into()),
                }
            }
            StatusCode::RANGE_NOT_SATISFIABLE => return Piece::Stale,
            status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                return Piece::Lost(format!("the server answered {}", status.as_u16()));
            }
            _ => {
                let question = Question {
                    hub: &self.hub,
                    repo: &self.repo,
                    revision: &self.revision,
                    token: self.token.as_deref(),
                };
                return Piece::Refused(Box::new(question.refusal(response, &self.file)));
            }
        };
        match whole.filter(|found| *found != self.size) {
            Some(found) => Piece::Refused(Box::new(HubError::Size {
                file: self.file.clone(),
                expected: self.size,
                found,
            })),
            None => Piece::Start(from),
        }
    }
}

fn pass_on(mut reader: impl Read, sender: &SyncSender<Piece>) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let piece = match reader.read(&mut chunk) {
            Ok(0) => Piece::End,
            Ok(count) => Piece::Bytes(chunk[..count].to_vec()),
            Err(error) => Piece::Lost(error.to_string()),
        };
        let last = !matches!(piece, Piece::Bytes(_));
        if sender.send(piece).is_err() || last {
            return;
        }
    }
}
