//! The checkpoint folders of a run as files: the seal that tells a whole one from a damaged one, which is the newest whole one, and what
//! a killed process left behind. Knows names and hashes, not what the files mean.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The file that is written last and holds size and hash of all others.
pub const SEAL: &str = "files.json";
/// Folders that are filled have names that begin so; they get their own name when they are whole.
pub const SAVING: &str = ".saving-";
/// How names of checkpoints begin; the step follows.
const PREFIX: &str = "checkpoint-";
/// What a folder is called while its successor takes its name.
const OLD: &str = "old";
/// What a checkpoint is called that turned out not to be whole.
const DAMAGED: &str = "damaged";

#[derive(Serialize, Deserialize)]
struct Seal {
    files: BTreeMap<String, Sealed>,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Sealed {
    bytes: u64,
    sha256: String,
}

/// A checkpoint that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Its folder.
    pub path: PathBuf,
    /// What is wrong with it, as the end of a sentence.
    pub why: String,
}

/// The folder of a step's checkpoint.
pub fn folder(run: &Path, step: usize) -> PathBuf {
    run.join(format!("{PREFIX}{step}"))
}

/// All checkpoint folders of a run by name, newest first, whole or not.
pub fn all(run: &Path) -> Vec<(usize, PathBuf)> {
    let entries = std::fs::read_dir(run).into_iter().flatten().flatten();
    let step = |path: &Path| path.file_name()?.to_str()?.strip_prefix(PREFIX)?.parse().ok();
    let mut found: Vec<(usize, PathBuf)> = entries
        .map(|e| e.path())
        .filter_map(|path| Some((step(&path)?, path)))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found
}

/// Step and folder of the newest whole checkpoint, and the damaged ones that are newer.
pub fn newest(run: &Path) -> (Option<(usize, PathBuf)>, Vec<Damaged>) {
    let mut damaged = vec![];
    for (step, path) in all(run) {
        match check(&path) {
            Ok(()) => return (Some((step, path)), damaged),
            Err(why) => damaged.push(Damaged { path, why }),
        }
    }
    (None, damaged)
}

/// Writes everything in a folder through to the disk, then the seal over it.
///
/// # Errors
/// A file cannot be read or written, or the disk is full.
pub fn seal(dir: &Path) -> std::io::Result<()> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() && name != SEAL {
            File::open(entry.path())?.sync_all()?;
            files.insert(name, hash(&entry.path())?);
        }
    }
    let path = dir.join(SEAL);
    std::fs::write(&path, serde_json::to_vec_pretty(&Seal { files })?)?;
    File::open(&path)?.sync_all()?;
    sync_folder(dir)
}

/// Is a checkpoint what was written? Reads all of it.
///
/// # Errors
/// What is wrong, as the end of a sentence.
pub fn check(dir: &Path) -> Result<(), String> {
    let text = std::fs::read(dir.join(SEAL)).map_err(|e| format!("{SEAL} cannot be read ({e})"))?;
    let seal: Seal = serde_json::from_slice(&text).map_err(|e| format!("{SEAL} is damaged ({e})"))?;
    for (name, sealed) in &seal.files {
        if Path::new(name).file_name().is_none_or(|n| n != name.as_str()) {
            return Err(format!("{SEAL} names a file of another folder"));
        }
        let found = hash(&dir.join(name)).map_err(|e| format!("{name} cannot be read ({e})"))?;
        if found.bytes != sealed.bytes {
            return Err(format!("{name} has {} bytes instead of {}", found.bytes, sealed.bytes));
        }
        if found != *sealed {
            return Err(format!("{name} is not what was written"));
        }
    }
    Ok(())
}

fn hash(path: &Path) -> std::io::Result<Sealed> {
    let (mut file, mut hasher, mut bytes) = (File::open(path)?, Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        bytes += count as u64;
    }
    let sha256 = hasher.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Ok(Sealed { bytes, sha256 })
}

/// Gives a filled folder its name, moving an older folder of that name out of the way first.
///
/// # Errors
/// What the system says; then the older folder has its name or is found again by [`tidy`].
pub fn rename_into_place(made: &Path, dir: &Path) -> std::io::Result<()> {
    sync_folder(made)?;
    let old = dir.with_extension(OLD);
    let replaces = dir.exists();
    if replaces {
        // Of an earlier replacement that was cut off after its end.
        let _ = std::fs::remove_dir_all(&old);
        std::fs::rename(dir, &old)?;
    }
    std::fs::rename(made, dir)?;
    sync_folder(dir.parent().unwrap_or(Path::new(".")))?;
    if replaces {
        std::fs::remove_dir_all(&old)?;
    }
    Ok(())
}

/// Puts a damaged checkpoint aside, so that it does not count as the newest any more; only the last one is kept.
///
/// # Errors
/// What the system says.
pub fn put_aside(damaged: &Damaged) -> std::io::Result<()> {
    let run = damaged.path.parent().unwrap_or(Path::new("."));
    for entry in std::fs::read_dir(run)?.flatten() {
        if entry.path().extension().is_some_and(|e| e == DAMAGED) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    std::fs::rename(&damaged.path, damaged.path.with_extension(DAMAGED))
}

/// Brings order into a run folder that nobody writes to: half-written folders and files of a killed process go, and a folder that was
/// moved out of the way for one that never came gets its name back.
///
/// # Errors
/// What the system says.
pub fn tidy(run: &Path) -> std::io::Result<()> {
    let entries: Vec<PathBuf> = match std::fs::read_dir(run) {
        Ok(entries) => entries.flatten().map(|e| e.path()).collect(),
        Err(_) => return Ok(()),
    };
    for path in entries {
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        if name.starts_with(SAVING) {
            std::fs::remove_dir_all(&path)?;
        } else if name.starts_with(".tmp") && path.is_file() {
            std::fs::remove_file(&path)?;
        } else if path.extension().is_some_and(|e| e == OLD) && path.is_dir() {
            settle(&path)?;
        }
    }
    Ok(())
}

/// An `.old` folder is the only one of its name, the better one, or superfluous.
fn settle(old: &Path) -> std::io::Result<()> {
    let place = old.with_extension("");
    let better = || check(&place).is_err() && check(old).is_ok();
    if place.exists() && !better() {
        return std::fs::remove_dir_all(old);
    }
    if place.exists() {
        std::fs::remove_dir_all(&place)?;
    }
    std::fs::rename(old, &place)
}

/// Makes names in a folder survive a loss of power.
#[cfg(unix)]
fn sync_folder(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Windows writes names through by itself and opens no folder as a file.
#[cfg(not(unix))]
fn sync_folder(_dir: &Path) -> std::io::Result<()> {
    Ok(())
}
