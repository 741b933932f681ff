//! Adapters: small trained changes of a frozen base, in PEFT's layout on disk. Knows `model`'s seams, not how they are trained.

mod lora;
mod lora_files;
mod merge;

pub use lora::{ALL_LINEAR, Lora, LoraSpec, Pair, detach};
pub use merge::merge;

use crate::formats::FormatError;
use crate::model::ModelError;

/// Why an adapter could not be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// A file is missing or wrong.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The model or its device failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A target that no layer of the model has.
    #[error("The target \"{target}\" matches no layer of this model. Targets: {known}.")]
    UnknownTarget {
        /// The name asked for.
        target: String,
        /// The names that exist.
        known: String,
    },
    /// The adapter was made for another model.
    #[error("The adapter does not fit this model: {0}")]
    Misfit(String),
}
