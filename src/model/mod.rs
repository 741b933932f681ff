//! Decoder blocks, weights in, KV cache, and the seams that adapters fill. Knows burn, `kernels` and `formats`;
//! nothing of data, templates or training.

mod cache;
mod inputs;
mod linear;
mod llama;
mod load;
mod slots;
mod transfer;

pub use cache::Cache;
pub use inputs::Inputs;
pub use linear::{Linear, LowRank, Weight};
pub use llama::{Block, Llama, TokenRows};
pub use load::Storage;
pub use slots::Slot;
pub use transfer::{to_device, to_host};

use crate::formats::FormatError;
use crate::kernels::PackedSizeError;

/// Why a model could not be loaded or used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file of the model is missing or wrong.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A weight whose numbers do not fill its shape.
    #[error(transparent)]
    Packed(#[from] PackedSizeError),
    /// The load was cancelled by the user.
    #[error("Loading was cancelled.")]
    Cancelled,
    /// An id that the embedding does not have.
    #[error(
        "Token id {id} at position {position} is outside the vocabulary of {vocab}. The tokenizer does not fit this model."
    )]
    IdOutside {
        /// The id.
        id: u32,
        /// Its place in the input.
        position: usize,
        /// Number of ids in the embedding.
        vocab: usize,
    },
}
