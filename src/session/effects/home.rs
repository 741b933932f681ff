//! Where the app keeps its files: settings and projects. Knows folders, not contents.

use std::path::{Path, PathBuf};

use crate::formats::{hub_cache, places};

/// The app's folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// Holds `settings.toml`.
    pub config: PathBuf,
    /// Holds `projects/` and chats.
    pub data: PathBuf,
    /// The hub's cache, shared with other programs.
    pub hub: PathBuf,
}

impl Home {
    /// The user's folders, or all under `BURNISH_HOME` when that is set.
    pub fn of_user() -> Self {
        if let Some(home) = std::env::var_os("BURNISH_HOME").filter(|h| !h.is_empty()) {
            return Self {
                hub: hub_cache::folder(),
                ..Self::under(Path::new(&home))
            };
        }
        match directories::ProjectDirs::from("", "", "burnish") {
            Some(dirs) => Self {
                config: dirs.config_dir().into(),
                data: dirs.data_dir().into(),
                hub: hub_cache::folder(),
            },
            // A system without home folders: keep things where the app was started.
            None => Self::under(Path::new(".burnish")),
        }
    }

    /// Everything under one folder.
    pub fn under(folder: &Path) -> Self {
        Self {
            config: folder.into(),
            data: folder.into(),
            hub: folder.join("hub"),
        }
    }

    /// The settings file.
    pub fn settings(&self) -> PathBuf {
        self.config.join("settings.toml")
    }

    /// The file with the hub's token, for systems without a keyring.
    pub fn hub_token(&self) -> PathBuf {
        self.data.join(places::TOKEN_FILE)
    }

    /// The project of somebody who never chose one.
    pub fn default_project(&self) -> PathBuf {
        self.data.join("projects").join("my-project")
    }
}
