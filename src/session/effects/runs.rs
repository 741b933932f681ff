//! Run folders: making one, reading what one holds. Knows the layout, not the contents of checkpoints.

use std::path::{Path, PathBuf};

use crate::recipe::Recipe;
use crate::worker;

/// Makes the folder of a new run: date, time and name.
///
/// # Errors
/// A sentence that names the folder.
pub fn make(runs: &Path, name: &str) -> Result<PathBuf, String> {
    let clean: String = name
        .trim()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    let stamp = jiff::Zoned::now().strftime("%Y-%m-%d-%H%M%S");
    let folder = runs.join(format!("{stamp}-{clean}"));
    std::fs::create_dir_all(&folder).map_err(|e| {
        format!(
            "Could not make the run folder {}: {e}. Free some space or choose another project.",
            folder.display()
        )
    })?;
    Ok(folder)
}

/// The newest run of a project whose worker is still at work, with its recipe.
pub fn going_on(runs: &Path) -> Option<(PathBuf, Box<Recipe>)> {
    let folders = std::fs::read_dir(runs).ok()?.flatten().map(|e| e.path());
    let dir = folders.filter(|dir| worker::is_alive(dir)).max()?;
    let text = std::fs::read_to_string(dir.join("recipe.toml")).ok()?;
    Some((dir, Box::new(Recipe::parse(&text).ok()?)))
}
