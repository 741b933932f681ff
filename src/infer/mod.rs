//! Generation, sampling, stop rules and per-token probabilities. Knows models and adapters, not tokenizers' files or windows.

mod context;
mod generate;
mod likely;
mod sample;
mod score;

pub use context::Context;
pub use generate::{Ended, Generation, Picked, Progress, Request, generate, generate_in};
pub use likely::{Likely, likeliest};
pub use sample::{Sampler, Sampling};
pub use score::{RowScore, TokenView, score, views};

use crate::model::ModelError;

/// Why nothing could be generated or scored.
#[derive(Debug, thiserror::Error)]
pub enum InferError {
    /// The model could not be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The prompt is empty: there is nothing to continue.
    #[error("The prompt is empty. Write something first.")]
    EmptyPrompt,
    /// The prompt does not fit the model's context.
    #[error("The prompt has {tokens} tokens, but this model reads at most {limit}. Shorten it.")]
    TooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// The model's context length.
        limit: usize,
    },
    /// The model answered with something that is not a number.
    #[error("The model's scores are not finite at token {position}. The weights or the adapter are damaged.")]
    NotFinite {
        /// Position of the token, from 0.
        position: usize,
    },
    /// The device failed.
    #[error("The device failed while generating: {0}")]
    Device(String),
}
