//! What the user says about a run: a text, tags, a colour; `notes.toml` in the run folder. Knows no runs.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Colours that runs are told apart by.
pub const COLOURS: usize = 8;
/// The file's name.
pub(super) const FILE: &str = "notes.toml";

/// Notes of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    pub text: String,
    pub tags: Vec<String>,
    /// Number of its colour; given when it is selected for the first time, the same ever after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour: Option<usize>,
}

impl Notes {
    /// Tags as they are typed: separated by commas, none twice.
    pub fn set_tags(&mut self, typed: &str) {
        self.tags.clear();
        for tag in typed.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            if !self.tags.iter().any(|known| known == tag) {
                self.tags.push(tag.to_owned());
            }
        }
    }
}

/// Reads the notes of a run; a run without any has empty ones.
///
/// # Errors
/// A sentence that names the file.
pub(super) fn read(run: &Path) -> Result<Notes, String> {
    let path = run.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).map_err(|e| {
            format!(
                "{} is not valid ({}). The run is shown without its notes.",
                path.display(),
                e.message()
            )
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Notes::default()),
        Err(error) => Err(format!("Could not read {}: {error}.", path.display())),
    }
}

/// Writes the notes of a run, whole or not at all.
///
/// # Errors
/// A sentence that names the file.
pub(super) fn write(run: &Path, notes: &Notes) -> Result<(), String> {
    let path = run.join(FILE);
    let failed =
        |error: &dyn std::fmt::Display| format!("Could not write {}: {error}. The notes are not kept.", path.display());
    let text = toml::to_string_pretty(notes).map_err(|e| failed(&e))?;
    let mut file = tempfile::NamedTempFile::new_in(run).map_err(|e| failed(&e))?;
    file.write_all(text.as_bytes()).map_err(|e| failed(&e))?;
    file.persist(&path).map_err(|e| failed(&e.error))?;
    Ok(())
}
