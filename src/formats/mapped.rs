//! A file mapped into memory, read range by range without keeping in memory what was read. Knows bytes, no format.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use memmap2::Mmap;

use super::FormatError;

/// A read-only map of a whole file.
///
/// Pages that were read count as this program's memory until they are given back. A loader copies every tensor once, so
/// [`Self::pass`] gives back what the call before it handed out: the file never sits in memory as a whole.
pub(super) struct Mapped {
    path: PathBuf,
    map: Mmap,
    before: Mutex<Range<usize>>,
}

impl Mapped {
    /// Maps the file.
    ///
    /// # Errors
    /// It cannot be opened, or is empty.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        let file = File::open(path).map_err(|e| FormatError::io(path, e))?;
        let length = file.metadata().map_err(|e| FormatError::io(path, e))?.len();
        if length == 0 {
            return Err(FormatError::invalid(
                path,
                "The file is empty. Download or export it again.",
            ));
        }
        // SAFETY: the map is read-only. Another program that shortens the file meanwhile ends this process with a bus error; jobs run in
        // worker processes, so that costs a worker, and the window maps headers only.
        let map = unsafe { Mmap::map(&file) }.map_err(|e| FormatError::io(path, e))?;
        Ok(Self {
            path: path.into(),
            map,
            before: Mutex::new(0..0),
        })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// A range to be read once, from front to back; gives the pages of the previous such range back to the system.
    /// `None` when the range is not in the file.
    pub fn pass(&self, range: Range<usize>) -> Option<&[u8]> {
        let bytes = self.map.get(range.clone())?;
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let done = std::mem::replace(&mut *before, range);
        drop(before);
        self.give_back(done);
        Some(bytes)
    }

    #[cfg(unix)]
    fn give_back(&self, range: Range<usize>) {
        use memmap2::UncheckedAdvice;
        if range.is_empty() {
            return;
        }
        // SAFETY: the map is a read-only view of a file: pages that are dropped are read from the file again when they are touched, with
        // the same content, so references into them stay valid.
        let advised = unsafe {
            self.map
                .unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len())
        };
        if let Err(error) = advised {
            log::debug!("{}: pages stay in memory ({error})", self.path.display());
        }
    }

    /// Other systems trim maps by themselves.
    #[cfg(not(unix))]
    fn give_back(&self, _range: Range<usize>) {}
}
