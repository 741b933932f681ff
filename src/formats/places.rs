//! Where models are, and the assets that come with the program: the starter model and the samples. Knows names of folders, not
//! their contents.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::hub_cache::HubRef;
use super::{FormatError, bundle, hub_cache};

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

/// The folder for what the program can make again at any time: in `BURNISH_HOME`, else where the system wants caches.
pub fn cache_dir() -> PathBuf {
    if std::env::var_os("BURNISH_HOME").is_some_and(|h| !h.is_empty()) {
        return data_dir().join("cache");
    }
    match directories::ProjectDirs::from("", "", "burnish") {
        Some(dirs) => dirs.cache_dir().into(),
        None => data_dir().join("cache"),
    }
}

/// The folder (or GGUF file) of a model that the user named: `starter`, a path, or a model of the hub that is in the cache.
pub fn model_dir(name: &str) -> PathBuf {
    if name == STARTER {
        return assets_dir().join(STARTER);
    }
    let path = PathBuf::from(name);
    if path.exists() {
        return path;
    }
    hub_cache::find(name).unwrap_or(path)
}

/// As [`model_dir`], for a model that must be there.
///
/// # Errors
/// Nothing is there; the message says where was looked and how to get a model of the hub.
pub fn find_model(name: &str) -> Result<PathBuf, FormatError> {
    let path = model_dir(name);
    if !path.exists() && HubRef::parse(name).is_some_and(|found| found.repo.contains('/')) {
        return Err(FormatError::NotDownloaded {
            name: name.into(),
            cache: hub_cache::folder(),
        });
    }
    Ok(path)
}

/// What people call a model: the folder's or file's own name, a hub model's without its owner.
pub fn spoken_name(name: &str) -> String {
    if name == STARTER {
        return "Starter".into();
    }
    let path = Path::new(name);
    let hub = HubRef::parse(name).filter(|_| !path.exists());
    let path = match &hub {
        Some(HubRef { file: Some(file), .. }) => Path::new(file),
        Some(found) => Path::new(&found.repo),
        None => path,
    };
    let is_gguf = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf"));
    let spoken = if is_gguf { path.file_stem() } else { path.file_name() };
    spoken.map_or_else(|| name.to_string(), |n| n.to_string_lossy().into_owned())
}

/// The file in the program's data folder that keeps the user's token for the hub where the system has no keyring.
pub const TOKEN_FILE: &str = "hub-token";

/// The file that keeps the user's token for the hub where the system has no keyring.
pub fn token_file() -> PathBuf {
    data_dir().join(TOKEN_FILE)
}

/// The folder with the sample data sets.
pub fn samples_dir() -> PathBuf {
    assets_dir().join("samples")
}
