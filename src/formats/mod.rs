//! Containers and configs of other tools: config.json, safetensors, GGUF, PEFT's adapter_config.json, logs
//! (trainer_state.json, TensorBoard). Knows files, no tensors on devices.

pub mod bottleneck;
pub mod bundle;
pub mod checkpoint;
pub mod config;
pub mod describe;
pub mod gguf;
pub mod hub_cache;
mod mapped;
pub mod peft;
pub mod peft_virtual;
pub mod places;
pub mod shapes;
mod shards;
pub mod source;
pub mod tensorboard;
pub mod trainer_state;
mod unique;
pub mod weights;
pub mod write_each;

use std::path::{Path, PathBuf};

/// Why a foreign file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The file cannot be opened or read.
    #[error("Could not read {path}: {source}. Check that the file is there and that you may open it.")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file or folder cannot be written.
    #[error("Could not write {path}: {source}. Check that the folder may be written to and that the disk has room.")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {message}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// Neither a path nor a model of the hub's cache.
    #[error(
        "{name} is neither a path here nor a downloaded model (looked in {cache}). Download it in the Model room or with \
         `burnish fetch {name}`, or check the path."
    )]
    NotDownloaded {
        /// What the user wrote.
        name: String,
        /// The hub's cache.
        cache: PathBuf,
    },
    /// A tensor that the model needs is not in the file.
    #[error(
        "{path} has no tensor \"{name}\". The file does not fit the model's configuration; download or export the model again."
    )]
    MissingTensor {
        /// The folder or file searched.
        path: PathBuf,
        /// The tensor's name.
        name: String,
    },
    /// A tensor has another shape than the configuration promises.
    #[error("{path}: tensor \"{name}\" has shape {found:?}, but the model's configuration asks for {expected:?}.")]
    Shape {
        /// The folder or file searched.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape that the config implies.
        expected: Vec<usize>,
    },
}

impl FormatError {
    pub(crate) fn invalid(path: &Path, message: impl Into<String>) -> Self {
        Self::Invalid {
            path: path.into(),
            message: message.into(),
        }
    }
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source,
        }
    }
}
