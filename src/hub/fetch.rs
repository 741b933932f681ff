//! A model from the hub into the cache: what it holds, what is missing, whether there is room, then file by file.
//! Knows no jobs; who watches hears numbers.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::api::{Question, RemoteFile, check_name};
use super::choose::choose;
use super::pace::Pace;
use super::store::{Store, failed, missing_part};
use super::transfer::Transfer;
use super::{Hub, HubError, token};
use crate::formats::hub_cache::{self, HubRef};

/// How often progress is told.
const TELL: Duration = Duration::from_millis(120);

/// How far a download is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The file that is coming.
    pub file: String,
    /// Bytes that are there, of all files.
    pub done: u64,
    /// Bytes of all files.
    pub total: u64,
    /// Bytes per second lately.
    pub per_second: Option<f64>,
    /// Seconds until all is there.
    pub seconds_left: Option<f64>,
}

/// Who watches a download, and can end it.
pub struct Watch<'a> {
    /// Hears how far it is, a few times a second.
    pub progress: &'a mut dyn FnMut(&Progress),
    /// Should it end?
    pub stop: &'a dyn Fn() -> bool,
}

/// A model that is in the cache now.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    /// As models are named everywhere: `OWNER/NAME`, with revision and GGUF file where they were given.
    pub reference: String,
    /// The commit.
    pub commit: String,
    /// The snapshot's folder, or the GGUF file.
    pub path: PathBuf,
    /// Files of the model.
    pub files: Vec<String>,
    /// Bytes that came over the network.
    pub loaded: u64,
    /// What the user should know, such as that the hub could not be asked.
    pub note: Option<String>,
}

/// Downloads with the token that is at hand: the given one, else the environment's. Only when the hub refuses is the token asked for
/// that this program kept (`file` is where, when there is no keyring): a keyring may have to be unlocked by the user.
///
/// # Errors
/// As [`Hub::fetch`].
pub fn fetch_as_user(
    hub: &Hub,
    wanted: &HubRef,
    given: Option<&str>,
    file: &Path,
    watch: &mut Watch<'_>,
) -> Result<Fetched, HubError> {
    let first = given.map(String::from).or_else(token::of_environment);
    let refused = match hub.fetch(wanted, first.as_deref(), watch) {
        Err(error @ HubError::Refused { .. }) if given.is_none() => error,
        result => return result,
    };
    match token::kept(file).filter(|kept| Some(kept) != first.as_ref()) {
        Some(kept) => hub.fetch(wanted, Some(&kept), watch),
        None => Err(refused),
    }
}

impl Hub {
    /// Downloads what is missing of a model. A model that is in the cache is taken from there when nobody can be reached.
    ///
    /// # Errors
    /// The hub refuses or cannot be reached, there is no room, a file is wrong, or the user stopped.
    pub fn fetch(&self, wanted: &HubRef, token: Option<&str>, watch: &mut Watch<'_>) -> Result<Fetched, HubError> {
        check_name(&wanted.repo, &wanted.revision)?;
        if self.offline {
            let offline = || HubError::Offline {
                repo: wanted.repo.clone(),
            };
            return self.cached(wanted, "HF_HUB_OFFLINE is set").ok_or_else(offline);
        }
        let question = Question {
            hub: self,
            repo: &wanted.repo,
            revision: &wanted.revision,
            token,
        };
        let listing = match question.listing() {
            Err(error @ (HubError::Unreachable { .. } | HubError::Server { .. })) => {
                return self.cached(wanted, "the hub could not be asked").ok_or(error);
            }
            listing => listing?,
        };
        let mut files = choose(&question, &listing.files, wanted.file.as_deref())?;
        for file in files.iter_mut().filter(|f| f.size.is_none() || f.etag.is_empty()) {
            question.describe(&listing.commit, file)?;
        }
        let mut download = Download {
            question,
            store: Store {
                cache: &self.cache,
                repo: &wanted.repo,
            },
            commit: listing.commit,
            files,
        };
        let loaded = download.run(watch)?;
        download.finished(wanted, loaded)
    }

    /// A model as the cache has it.
    fn cached(&self, wanted: &HubRef, why: &str) -> Option<Fetched> {
        let path = hub_cache::find_in(&self.cache, wanted)?;
        let commit = hub_cache::commit(&self.cache, &wanted.repo, &wanted.revision)?;
        let whole = path.is_file()
            || (path.join("config.json").is_file() && missing_part(&path).is_none() && hub_cache::has_weights(&path));
        whole.then(|| Fetched {
            reference: wanted.text(),
            commit,
            path,
            files: Vec::new(),
            loaded: 0,
            note: Some(format!("{} is taken from the cache: {why}.", wanted.text())),
        })
    }
}

/// The files of one model on their way.
struct Download<'a> {
    question: Question<'a>,
    store: Store<'a>,
    commit: String,
    files: Vec<RemoteFile>,
}

impl Download<'_> {
    /// Brings what is missing; the number of bytes that came.
    fn run(&mut self, watch: &mut Watch<'_>) -> Result<u64, HubError> {
        self.check_space()?;
        let mut teller = Teller::new(self.files.iter().filter_map(|f| f.size).sum());
        let mut loaded = 0;
        for file in &self.files {
            let size = file.size.unwrap_or(0);
            let lock = self.store.lock(&file.etag, watch.stop)?;
            let here = self.store.has(&file.etag, size);
            let before = if here { size } else { self.there(file) };
            teller.kept += before;
            if !here {
                self.bring(file, size, &mut teller, watch)?;
            }
            loaded += size - before;
            drop(lock);
            self.store.link(&self.commit, &file.name, &file.etag)?;
            teller.file_done(file, size, watch);
        }
        Ok(loaded)
    }

    fn bring(&self, file: &RemoteFile, size: u64, teller: &mut Teller, watch: &mut Watch<'_>) -> Result<(), HubError> {
        let transfer = Transfer {
            question: &self.question,
            store: &self.store,
            file,
            size,
            url: self.question.url(&self.commit, &file.name)?,
            stop: watch.stop,
        };
        let progress = &mut *watch.progress;
        transfer.run(&mut |there| teller.tell(&file.name, there, progress))
    }

    /// Bytes of a file that an earlier attempt left.
    fn there(&self, file: &RemoteFile) -> u64 {
        let there = self.store.partial(&file.etag).metadata().map_or(0, |m| m.len());
        if there <= file.size.unwrap_or(0) { there } else { 0 }
    }

    /// Is there room for what is missing?
    fn check_space(&self) -> Result<(), HubError> {
        let missing = self
            .files
            .iter()
            .filter(|f| !self.store.has(&f.etag, f.size.unwrap_or(0)));
        let needed: u64 = missing.map(|f| f.size.unwrap_or(0) - self.there(f)).sum();
        if needed == 0 {
            return Ok(());
        }
        let cache = &self.question.hub.cache;
        std::fs::create_dir_all(cache).map_err(failed(cache))?;
        match (self.question.hub.free_space)(cache) {
            Ok(free) if free < needed => Err(HubError::Space {
                folder: cache.clone(),
                needed,
                free,
            }),
            // A system that does not tell is found out by writing.
            _ => Ok(()),
        }
    }

    /// Notes the commit; the model as users name it.
    fn finished(self, wanted: &HubRef, loaded: u64) -> Result<Fetched, HubError> {
        let folder = hub_cache::snapshot(self.store.cache, self.store.repo, &self.commit);
        if let Some(part) = missing_part(&folder).filter(|_| wanted.file.is_none()) {
            return Err(self.question.no_file(&part));
        }
        self.store.note(&wanted.revision, &self.commit)?;
        let mut reference = wanted.clone();
        if let [only] = &self.files[..]
            && hub_cache::is_gguf(&only.name)
        {
            reference.file = Some(only.name.clone());
        }
        Ok(Fetched {
            reference: reference.text(),
            path: reference.file.as_ref().map_or(folder.clone(), |file| folder.join(file)),
            commit: self.commit,
            files: self.files.into_iter().map(|f| f.name).collect(),
            loaded,
            note: None,
        })
    }
}

/// Tells progress a few times a second.
struct Teller {
    pace: Pace,
    told: Option<Instant>,
    /// Bytes of the files that are whole.
    before: u64,
    /// Bytes that earlier downloads left: they say nothing about the pace.
    kept: u64,
    total: u64,
}

impl Teller {
    fn new(total: u64) -> Self {
        Self {
            pace: Pace::default(),
            told: None,
            before: 0,
            kept: 0,
            total,
        }
    }

    /// `there` bytes of the file are there.
    fn tell(&mut self, file: &str, there: u64, progress: &mut dyn FnMut(&Progress)) {
        let now = Instant::now();
        if self.told.is_some_and(|told| now.duration_since(told) < TELL) {
            return;
        }
        self.told = Some(now);
        let done = self.before + there;
        self.pace.mark(now, done.saturating_sub(self.kept));
        progress(&Progress {
            file: file.into(),
            done,
            total: self.total,
            per_second: self.pace.per_second(),
            seconds_left: self.pace.seconds_for(self.total - done.min(self.total)),
        });
    }

    fn file_done(&mut self, file: &RemoteFile, size: u64, watch: &mut Watch<'_>) {
        self.before += size;
        // The last word is always heard.
        if self.before == self.total {
            self.told = None;
        }
        self.tell(&file.name, 0, watch.progress);
    }
}
