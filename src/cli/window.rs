//! `burnish [PROJECT]`: opens the window, or says how to do the same without one. The window itself is handed in.

use std::path::{Path, PathBuf};

use super::failure::Failure;

/// Opens the window on a project and returns when it is closed.
pub type OpenWindow<'a> = &'a dyn Fn(Option<PathBuf>) -> Result<(), String>;

/// How to make the window's journey in the terminal.
const IN_THE_TERMINAL: &str = "In the terminal: `burnish train RECIPE.toml`, then `burnish chat --model starter --adapter RUN/final`; `burnish --help` lists all verbs.";

/// Opens the window and waits until it is closed.
///
/// # Errors
/// No display, a path that is no folder, or a window that cannot be made: all exit code 2.
pub fn open(window: OpenWindow<'_>, project: Option<PathBuf>) -> Result<(), Failure> {
    if let Some(path) = project.as_deref().filter(|p| !p.is_dir()) {
        return Err(Failure::Usage(no_folder(path)));
    }
    window(project).map_err(|error| Failure::Usage(format!("{error} {IN_THE_TERMINAL}")))
}

fn no_folder(path: &Path) -> String {
    const VERBS: [&str; 7] = ["devices", "models", "inspect", "train", "generate", "score", "chat"];
    let name = path.to_string_lossy();
    match VERBS.iter().find(|verb| strsim::levenshtein(verb, &name) <= 2) {
        Some(verb) => format!("There is no folder \"{name}\". Did you mean the verb \"{verb}\"?"),
        None => format!("There is no project folder \"{name}\". Make it first, or leave it out."),
    }
}
