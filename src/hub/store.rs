//! Files in the cache as huggingface_hub keeps them: blobs under their hash, snapshots of links to them, refs, locks.
//! Knows folders, no network.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::HubError;
use super::choose::INDEX;
use crate::formats::hub_cache;

/// How often a lock of another program is tried.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// One model in a cache.
pub struct Store<'a> {
    pub cache: &'a Path,
    pub repo: &'a str,
}

pub fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> HubError + '_ {
    move |source| HubError::Io {
        path: path.into(),
        source,
    }
}

fn make_parent(path: &Path) -> Result<(), HubError> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).map_err(failed(folder))
}

impl Store<'_> {
    /// Where a file's content is kept.
    pub fn blob(&self, etag: &str) -> PathBuf {
        hub_cache::repo(self.cache, self.repo, hub_cache::MAIN).blob_path(etag)
    }

    /// Where it grows; Python's huggingface_hub uses the same name.
    pub fn partial(&self, etag: &str) -> PathBuf {
        self.blob(&format!("{etag}.incomplete"))
    }

    /// Is the whole content there?
    pub fn has(&self, etag: &str, size: u64) -> bool {
        self.blob(etag).metadata().is_ok_and(|m| m.is_file() && m.len() == size)
    }

    /// Takes the lock of a blob, as other programs do; waits for them until `stop` says not to.
    ///
    /// # Errors
    /// The lock's file cannot be made, or the user gave up.
    pub fn lock(&self, etag: &str, stop: &dyn Fn() -> bool) -> Result<File, HubError> {
        let folder = hub_cache::repo_folder(self.cache, self.repo);
        let name = folder.file_name().unwrap_or_default();
        let path = self.cache.join(".locks").join(name).join(format!("{etag}.lock"));
        make_parent(&path)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed(&path))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if stop() => {
                    return Err(HubError::Cancelled { repo: self.repo.into() });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
                // A file system without locks: then nobody else can be kept out either.
                Err(TryLockError::Error(_)) => return Ok(file),
            }
        }
    }

    /// Opens the growing file of a blob, its folder made first.
    ///
    /// # Errors
    /// The folder or file cannot be made.
    pub fn open_partial(&self, etag: &str) -> Result<File, HubError> {
        let path = self.partial(etag);
        make_parent(&path)?;
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true);
        options.open(&path).map_err(failed(&path))
    }

    /// What came is the whole content.
    ///
    /// # Errors
    /// The file cannot be renamed.
    pub fn finish(&self, etag: &str) -> Result<(), HubError> {
        let blob = self.blob(etag);
        std::fs::rename(self.partial(etag), &blob).map_err(failed(&blob))
    }

    /// Makes the content known as `name` at a commit.
    ///
    /// # Errors
    /// The link cannot be made.
    pub fn link(&self, commit: &str, name: &str, etag: &str) -> Result<(), HubError> {
        let path = hub_cache::snapshot(self.cache, self.repo, commit).join(name);
        make_parent(&path)?;
        if path.symlink_metadata().is_ok() {
            let blob = self.blob(etag).canonicalize();
            if matches!((path.canonicalize(), blob), (Ok(there), Ok(blob)) if there == blob) {
                return Ok(());
            }
            std::fs::remove_file(&path).map_err(failed(&path))?;
        }
        point(&path, name, &self.blob(etag)).map_err(failed(&path))
    }

    /// Notes which commit a branch or tag means.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        if revision == commit {
            return Ok(());
        }
        let place = hub_cache::repo(self.cache, self.repo, revision);
        let path = hub_cache::repo_folder(self.cache, self.repo)
            .join("refs")
            .join(revision);
        make_parent(&path)?;
        place.create_ref(commit).map_err(failed(&path))
    }
}

/// A link that stays right when the cache is moved.
#[cfg(unix)]
fn point(path: &Path, name: &str, blob: &Path) -> std::io::Result<()> {
    // Out of the name's own folders, the commit's and `snapshots`.
    let mut target = PathBuf::new();
    for _ in 0..name.split('/').count() + 1 {
        target.push("..");
    }
    target.push("blobs");
    target.push(blob.file_name().unwrap_or_default());
    std::os::unix::fs::symlink(target, path)
}

/// Links need a right of their own on Windows: a second name for the same content does as well.
#[cfg(not(unix))]
fn point(path: &Path, _name: &str, blob: &Path) -> std::io::Result<()> {
    std::fs::hard_link(blob, path).or_else(|_| std::fs::copy(blob, path).map(|_| ()))
}

/// The weight files that an index names; empty without one.
pub fn parts(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(INDEX)).unwrap_or_default();
    let index: Value = serde_json::from_str(&text).unwrap_or_default();
    let map = index.get("weight_map").and_then(Value::as_object);
    let named = map.into_iter().flat_map(|map| map.values()).filter_map(Value::as_str);
    let mut names: Vec<String> = named.map(String::from).collect();
    names.sort();
    names.dedup();
    names
}

/// The first weight file that an index names and that is not there.
pub fn missing_part(folder: &Path) -> Option<String> {
    parts(folder).into_iter().find(|name| !folder.join(name).is_file())
}
