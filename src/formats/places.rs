//! Where the assets that come with the program are: the starter model and the samples. Knows names of folders, not their contents.

use std::path::{Path, PathBuf};

/// The name that stands for the model that comes with the program.
pub const STARTER: &str = "starter";

/// The folder with `starter/` and `samples/`: `BURNISH_ASSETS`, else `assets` beside the program, else the source
/// folder that the program was built in.
pub fn assets_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("BURNISH_ASSETS") {
        return dir.into();
    }
    let beside = std::env::current_exe()
        .ok()
        .and_then(|exe| Some(exe.parent()?.join("assets")));
    match beside.filter(|p| p.is_dir()) {
        Some(dir) => dir,
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("assets"),
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
