//! Deleted runs: moved to the project's `bin` folder and back. Knows folders, not what is in them.

use std::fs;
use std::path::{Path, PathBuf};

/// A run in the bin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binned {
    pub name: String,
    /// Where it was.
    pub from: PathBuf,
    /// Where it lies now.
    pub to: PathBuf,
}

/// Moves a run folder to the bin beside the folder of runs; nothing that lies there is overwritten.
///
/// # Errors
/// A sentence that names the folder.
pub(super) fn delete(run: &Path, name: &str) -> Result<Binned, String> {
    let failed = |error: &dyn std::fmt::Display| {
        format!(
            "Could not move {} to the bin: {error}. The run is still there.",
            run.display()
        )
    };
    let (Some(folder), Some(runs)) = (run.file_name(), run.parent()) else {
        return Err(failed(&"it is no run folder"));
    };
    let bin = runs.parent().unwrap_or(runs).join("bin");
    fs::create_dir_all(&bin).map_err(|e| failed(&e))?;
    let folder = folder.to_string_lossy();
    let free = (1..).map(|n| {
        if n == 1 {
            bin.join(&*folder)
        } else {
            bin.join(format!("{folder}-{n}"))
        }
    });
    let to = free
        .into_iter()
        .find(|to| !to.exists())
        .unwrap_or_else(|| bin.join(&*folder));
    fs::rename(run, &to).map_err(|e| failed(&e))?;
    Ok(Binned {
        name: name.to_owned(),
        from: run.to_owned(),
        to,
    })
}

/// Moves a run folder back.
///
/// # Errors
/// A sentence that names the folder.
pub(super) fn restore(binned: &Binned) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| {
        format!(
            "Could not bring {} back: {error}. It is still in {}.",
            binned.name,
            binned.to.display()
        )
    };
    if binned.from.exists() {
        return Err(failed(&"another run has its folder"));
    }
    if let Some(runs) = binned.from.parent() {
        fs::create_dir_all(runs).map_err(|e| failed(&e))?;
    }
    fs::rename(&binned.to, &binned.from).map_err(|e| failed(&e))
}
