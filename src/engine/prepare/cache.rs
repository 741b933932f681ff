//! Prepared rows kept on disk under a hash of everything that decides about them: the file's bytes, template, variables, tokenizer, mode,
//! length, the program itself. Bounded in size; what is damaged or cannot be written is made anew. Knows files, not how rows are made.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::fresh::Pass;
use super::{PreparedRow, packed};
use crate::data::{DataError, sha256_file};
use crate::formats::places::cache_dir;

/// Files smaller than this are prepared sooner than looked up.
const SMALLEST: u64 = 256 << 10;
/// Bytes of all entries.
const MOST: u64 = 4 << 30;
/// How an entry's name ends.
const ENDING: &str = "rows";

/// Where a file's rows are kept; nowhere for a file that is not worth it.
pub(super) struct Slot(Option<Wanted>);

struct Wanted {
    path: PathBuf,
    /// Of the file, when it was looked up.
    sha256: String,
}

impl Slot {
    /// The place of a file's rows.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn new(pass: &Pass<'_>, file: &Path) -> Result<Self, DataError> {
        let small = file.metadata().map_or(true, |m| m.len() < SMALLEST);
        let Some(key) = (!small).then(|| Key::new(pass)).flatten() else {
            return Ok(Self(None));
        };
        let sha256 = sha256_file(file)?;
        let path = folder().join(format!("{}.{ENDING}", key.of(file, &sha256)));
        Ok(Self(Some(Wanted { path, sha256 })))
    }

    /// The rows that are kept there, and the file's hash.
    pub fn rows(&self) -> Option<(Vec<PreparedRow>, String)> {
        let Wanted { path, sha256 } = self.0.as_ref()?;
        let rows = packed::unpack(&std::fs::read(path).ok()?)?;
        touch(path);
        Some((rows, sha256.clone()))
    }

    /// Keeps the rows of a file with this hash. A cache that cannot be written is no reason to stop.
    pub fn keep(self, rows: &[PreparedRow], sha256: &str) {
        // A file that changed in between has another key.
        let Some(Wanted { path, .. }) = self.0.filter(|wanted| wanted.sha256 == sha256) else {
            return;
        };
        let Some(bytes) = packed::pack(rows).filter(|bytes| (bytes.len() as u64) < MOST / 2) else {
            return;
        };
        make_room(&folder(), bytes.len() as u64);
        if let Err(error) = write(&path, &bytes) {
            log::warn!("Prepared rows are not kept in {}: {error}", path.display());
        }
    }
}

/// Writes to a temporary name and renames. Not flushed to disk: what a crash leaves half written has another hash.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder())?;
    let mut file = tempfile::NamedTempFile::new_in(folder())?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

fn folder() -> PathBuf {
    cache_dir().join("rows")
}

/// Everything but the file.
struct Key(Sha256);

impl Key {
    /// `None` where something cannot be written down.
    fn new(pass: &Pass<'_>) -> Option<Self> {
        let mut key = Self(Sha256::new());
        let mut vars = pass.tokenizer.vars();
        vars.extend(pass.options.vars.clone());
        key.add(&program());
        key.add(&pass.tokenizer.fingerprint().ok()?);
        key.add(&pass.template.name);
        key.add(&pass.template.source);
        key.add(&format!("{vars:?} {:?} {}", pass.options.mode, pass.max_length));
        if pass.template.source.contains("strftime_now") {
            key.add(&jiff::Zoned::now().date().to_string());
        }
        Some(key)
    }

    fn add(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    /// The name of a file's entry. The path counts too: problems name it.
    fn of(mut self, file: &Path, sha256: &str) -> String {
        self.add(&file.to_string_lossy());
        self.add(sha256);
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// This very build of the program: another one may render or split otherwise.
fn program() -> String {
    let exe = std::env::current_exe().and_then(|exe| exe.metadata());
    let changed = exe.map(|m| (m.len(), m.modified().ok()));
    format!("{} {:?}", env!("CARGO_PKG_VERSION"), changed.ok())
}

/// Marks an entry as used now.
fn touch(path: &Path) {
    if let Ok(file) = File::options().append(true).open(path) {
        // Without the mark it only goes sooner.
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Removes the entries that were not used for longest until `needed` bytes fit.
fn make_room(folder: &Path, needed: u64) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut known: Vec<(SystemTime, u64, PathBuf)> = entries
        .filter_map(|entry| {
            let meta = entry.metadata().ok().filter(|m| m.is_file())?;
            Some((meta.modified().ok()?, meta.len(), entry.path()))
        })
        .collect();
    known.sort();
    let mut total = known.iter().map(|(_, size, _)| size).sum::<u64>() + needed;
    for (_, size, path) in known {
        if total <= MOST {
            return;
        }
        if std::fs::remove_file(&path).is_ok() {
            total -= size;
        }
    }
}
