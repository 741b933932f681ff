//! Adapters: small trained changes of a frozen base, in PEFT's layout on disk. Knows `model`'s seams, not how they are trained.

mod bottlenecks;
mod kind;
mod lora;
mod lora_files;
mod merge;
mod modules;
mod virtual_tokens;

pub use bottlenecks::Bottlenecks;
pub use kind::{Adapter, Trainable};
pub use lora::{ALL_LINEAR, Lora, LoraSpec, Pair};
pub use merge::merge;
pub use modules::Modules;
pub use virtual_tokens::VirtualTokens;

use crate::formats::FormatError;
use crate::model::{Decoder, ModelError, Replaced};

/// The weights of an adapter folder.
const ADAPTER_FILE: &str = "adapter_model.safetensors";

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
    /// A kind that no weight of the base can hold.
    #[error("{0} cannot be merged into the base; keep it beside the base")]
    NotMerged(&'static str),
    /// The adapter was made for another model.
    #[error("The adapter does not fit this model: {0}")]
    Misfit(String),
}

/// Takes every adapter out of a model: the base again, bit for bit.
pub fn detach(model: &mut Decoder) {
    for (_, linear) in model.linears_mut() {
        linear.delta = None;
        linear.after = None;
    }
    model.token_rows = None;
    model.replaced = Replaced::default();
    model.front = None;
}

/// An error where `left` layers of an adapter found no place.
fn all_attached(left: usize) -> Result<(), AdapterError> {
    match left {
        0 => Ok(()),
        left => Err(AdapterError::Misfit(format!(
            "{left} of its layers do not exist in the model"
        ))),
    }
}
