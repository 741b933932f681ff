//! Text to token ids with a mask, and back. Knows templates' spans, not tensors.
//!
//! `prepare` is the one path from a conversation to ids: preview, training, chat, scoring and serving all call it.
mod agree;
mod choose;
mod encoded;
mod fit;
mod gguf;
mod prepare;
mod sidecar;
mod stream;
mod tokenizer;
mod words;

pub use agree::{Agreement, Difference, agreement};
pub use choose::{Chosen, choose};
pub use encoded::{Encoded, Piece, pieces, straddling};
pub use fit::{FitError, Fitted, FittedPrompt, Overlong, PromptError, fit, fit_prompt};
pub use prepare::{PrepareError, Prompt, prepare, prompt};
pub use stream::Stream;
pub use tokenizer::{Offsets, Tokenizer};

use std::path::PathBuf;

/// Why text could not become ids.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A tokenizer file is missing or broken.
    #[error("{path}: {message}")]
    Load {
        /// The file that was read or looked for.
        path: PathBuf,
        /// What happened and what to do next.
        message: String,
    },
    /// Tokenizer and model do not belong together.
    #[error(
        "The tokenizer has {tokens} tokens, but the model's embedding only {rows} rows: they do not belong together. Use the tokenizer that came with the model."
    )]
    Vocabulary {
        /// Tokens of the vocabulary, added ones aside.
        tokens: usize,
        /// Rows of the embedding.
        rows: usize,
    },
    /// A model file that holds the tokenizer cannot be read.
    #[error(transparent)]
    Container(crate::formats::FormatError),
    /// The tokenizer refused a text.
    #[error("Could not tokenise the text: {0}")]
    Encode(String),
}
