//! Where the assets that come with the program are: the starter model and the samples. Knows names of folders, not their contents.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::bundle;

/// The name that stands for the model that comes with the program.
pub const STARTER: &str = "starter";

/// The folder with `starter/` and `samples/`: `BURNISH_ASSETS`, else `assets` beside the program, else the source folder that the
/// program was built in, else what the program carries in itself, unpacked once into the user's data folder.
pub fn assets_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("BURNISH_ASSETS") {
        return dir.into();
    }
    let beside = std::env::current_exe()
        .ok()
        .and_then(|exe| Some(exe.parent()?.join("assets")));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let there = |dir: &PathBuf| dir.join("samples").is_dir();
    beside
        .filter(there)
        .or_else(|| Some(source).filter(there))
        .unwrap_or_else(unpacked)
}

/// The unpacked assets.
fn unpacked() -> PathBuf {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    let unpack = || {
        let dir = data_dir().join("assets");
        if let Err(error) = bundle::unpack(&dir) {
            // Whoever needs a file that is missing names it; here is only the reason.
            log::warn!("{error}");
        }
        dir
    };
    DIR.get_or_init(unpack).clone()
}

/// The program's folder in the user's data: `BURNISH_HOME`, else where the system wants it, else beside the current folder.
fn data_dir() -> PathBuf {
    if let Some(home) = std::env::var_os("BURNISH_HOME").filter(|h| !h.is_empty()) {
        return home.into();
    }
    match directories::ProjectDirs::from("", "", "burnish") {
        Some(dirs) => dirs.data_dir().into(),
        None => ".burnish".into(),
    }
}

/// The folder of a model that the user named: `starter`, or a path.
pub fn model_dir(name: &str) -> PathBuf {
    if name == STARTER {
        assets_dir().join(STARTER)
    } else {
        name.into()
    }
}

/// The folder with the sample data sets.
pub fn samples_dir() -> PathBuf {
    assets_dir().join("samples")
}
