//! Decoders, weights in, KV cache, and the seams that adapters fill. Knows burn, `kernels` and `formats`; nothing of data,
//! templates or training.
//!
//! One file per architecture holds its block with numbered steps; what blocks share is in `block`, `norm`, `mlp` and `linear`.

mod block;
mod bottleneck;
mod cache;
mod decoder;
mod front;
mod gemma3;
mod gpt2;
mod gpt_neox;
mod inputs;
mod linear;
mod llama;
mod load;
mod mlp;
mod norm;
mod packing;
mod phi3;
mod qwen3;
mod rotary;
mod slots;
mod source;
mod transfer;

pub use block::{Block, Part, Pass};
pub use bottleneck::Bottleneck;
pub use cache::Cache;
pub use decoder::{Decoder, Replaced, TokenRows};
pub use front::Front;
pub use inputs::Inputs;
pub use linear::{Linear, LowRank, Magnitude, Weight};
pub use norm::Norm;
pub use packing::Storage;
pub use slots::{Slot, Stored};
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
    /// The device failed (out of memory, lost) while values were read back from it.
    #[error("The device failed while weights were read back from it: {0}")]
    Device(String),
    /// The load was cancelled by the user.
    #[error("Loading was cancelled.")]
    Cancelled,
    /// A family of the table whose blocks cannot be computed.
    #[error("Models of the family \"{0}\" can be described but not computed yet.")]
    NoDecoder(&'static str),
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
    /// A position that the model has no embedding or no angles for.
    #[error("Position {position} is outside the model's context of {limit} tokens. Use shorter rows.")]
    PositionOutside {
        /// The position.
        position: usize,
        /// Tokens in the context.
        limit: usize,
    },
}
