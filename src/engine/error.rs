//! Why a job failed, in words for the user.

use super::devices::DeviceError;
use super::run_folder::RunFolderError;
use crate::adapter::AdapterError;
use crate::batch::BatchError;
use crate::data::DataError;
use crate::formats::FormatError;
use crate::hub::HubError;
use crate::infer::InferError;
use crate::model::ModelError;
use crate::template::TemplateError;
use crate::tokens::{PrepareError, TokenError};
use crate::train::TrainError;

/// Why a job failed; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The adapter cannot be used.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// A file of another tool cannot be used.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A model of the hub could not be had.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// A data file cannot be read at all.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The tokenizer cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The template cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A prompt could not become ids.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// Generation or scoring failed.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// Not even the last message fits.
    #[error(
        "The last message has {tokens} tokens with the system prompt and the template, but this model holds at most {context}. \
         Shorten the message or the system prompt, or choose a model with a longer context."
    )]
    PromptTooLong {
        /// Tokens of the shortest form that was tried.
        tokens: usize,
        /// The model's context length.
        context: usize,
    },
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A message has a role that no template knows.
    #[error("The role \"{0}\" is unknown. Roles: system, user, assistant, tool.")]
    Role(String),
    /// Nothing was left to learn from.
    #[error(
        "None of the {read} rows can be learned from{first}. Look at the rows in the Data and Template rooms, or with `burnish inspect`."
    )]
    NothingToLearn {
        /// Rows read.
        read: usize,
        /// The first reason, with a colon in front, or empty.
        first: String,
    },
    /// The recipe asks for something that does not exist yet.
    #[error("{field} = {value} is not supported yet. {hint}")]
    Unsupported {
        /// `table.key`
        field: &'static str,
        /// The value.
        value: String,
        /// What to do.
        hint: &'static str,
    },
    /// The loss or the gradient was infinite or not a number several steps in a row.
    #[error(
        "{cause} It was not finite for three steps in a row, so training stopped. Lower the learning rate, or look at the rows of \
         these steps: {rows}. {kept}"
    )]
    NotFinite {
        /// What happened.
        cause: String,
        /// File and line of the rows.
        rows: String,
        /// What was kept.
        kept: String,
    },
    /// An id of the data is not in the model's vocabulary.
    #[error("{0} The tokenizer does not fit this model.")]
    Ids(#[from] BatchError),
    /// The run folder cannot be used, or the result could not be written.
    #[error(transparent)]
    RunFolder(#[from] RunFolderError),
    /// A search for a learning rate over rates that cannot be.
    #[error("{0} Usual: from 1e-6 to 1 in 100 steps.")]
    RateRange(String),
    /// The user gave up.
    #[error("{0}")]
    Cancelled(String),
}
