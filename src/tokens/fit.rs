//! Rows longer than the limit: whole oldest turns go first, the system message stays. Never cuts inside a turn, so that the
//! end-of-turn token is never lost. Knows nothing of batches.
use super::{Encoded, PrepareError, Prompt, Tokenizer, prepare, prompt};
use crate::data::{Conversation, Role, prompt_without_oldest_turn, without_oldest_turn};
use crate::template::{RenderOptions, Rendered, Template};

/// A row that is longer than the limit even when reduced to its last turn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Row {row} has {tokens} tokens even when cut to its last turn; the maximum length is {limit}. Raise the maximum length or shorten the row."
)]
pub struct Overlong {
    /// Row number in its file, from 0.
    pub row: usize,
    /// Tokens of the shortest form that was tried.
    pub tokens: usize,
    /// The maximum length.
    pub limit: usize,
}

/// Why a row could not be fitted.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// Still too long.
    #[error(transparent)]
    Overlong(#[from] Overlong),
    /// The template or the tokenizer failed.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
}

/// A row within the limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The rendering that fits.
    pub rendered: Rendered,
    /// Its ids and mask.
    pub encoded: Encoded,
    /// How many messages were left out to make it fit; message indices of the spans are those of the shortened row.
    pub dropped: usize,
    /// Tokens of the whole row, before anything was left out.
    pub whole: usize,
}

impl Fitted {
    /// The conversation as it was rendered: `conversation`, of which this was made, without the messages that were left out.
    pub fn shortened<'a>(&self, conversation: &'a Conversation) -> std::borrow::Cow<'a, Conversation> {
        if self.dropped == 0 {
            return std::borrow::Cow::Borrowed(conversation);
        }
        let mut shorter = conversation.clone();
        let system = shorter.messages.iter().take_while(|m| m.role == Role::System).count();
        let end = (system + self.dropped).min(shorter.messages.len());
        shorter.messages.drain(system..end);
        std::borrow::Cow::Owned(shorter)
    }
}

/// Prepares a conversation within `max_length` tokens, leaving out whole oldest turns where it must.
pub fn fit(
    template: &Template,
    conversation: &Conversation,
    tokenizer: &Tokenizer,
    options: &RenderOptions,
    max_length: usize,
) -> Result<Fitted, FitError> {
    let mut current = std::borrow::Cow::Borrowed(conversation);
    let mut whole = None;
    loop {
        let (rendered, encoded) = prepare(template, &current, tokenizer, options)?;
        let whole = *whole.get_or_insert(encoded.ids.len());
        if encoded.ids.len() <= max_length {
            let dropped = conversation.messages.len() - current.messages.len();
            return Ok(Fitted {
                rendered,
                encoded,
                dropped,
                whole,
            });
        }
        current = match without_oldest_turn(&current) {
            Some(shorter) => std::borrow::Cow::Owned(shorter),
            None => {
                let row = conversation.source.row;
                return Err(Overlong {
                    row,
                    tokens: encoded.ids.len(),
                    limit: max_length,
                }
                .into());
            }
        };
    }
}

/// Why a conversation could not become a prompt.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// Not even the last turn fits.
    #[error("The last turn alone has {tokens} tokens and does not fit.")]
    TooLong {
        /// Tokens of the last turn with the system message.
        tokens: usize,
    },
    /// The template or the tokenizer failed.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
}

/// A prompt within the limit.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedPrompt {
    /// The prompt that fits.
    pub prompt: Prompt,
    /// Whole oldest turns that were left out.
    pub dropped_turns: usize,
    /// Their messages.
    pub dropped_messages: usize,
}

/// Prepares a prompt for a model that holds `context` tokens, leaving out whole oldest turns (never the system message) until
/// `room` tokens are left for the answer. The last turn alone may take from that room, but must leave space for one token.
///
/// # Errors
/// Not even the last turn fits, or the template or tokenizer failed.
pub fn fit_prompt(
    template: &Template,
    conversation: &Conversation,
    tokenizer: &Tokenizer,
    options: &RenderOptions,
    (context, room): (usize, usize),
) -> Result<FittedPrompt, PromptError> {
    let mut current = std::borrow::Cow::Borrowed(conversation);
    let mut dropped_turns = 0;
    loop {
        let prompt = prompt(template, &current, tokenizer, options)?;
        let tokens = prompt.ids.len();
        let shorter = (tokens + room > context)
            .then(|| prompt_without_oldest_turn(&current))
            .flatten();
        match shorter {
            Some(shorter) => current = std::borrow::Cow::Owned(shorter),
            None if tokens >= context => return Err(PromptError::TooLong { tokens }),
            None => {
                return Ok(FittedPrompt {
                    prompt,
                    dropped_turns,
                    dropped_messages: conversation.messages.len() - current.messages.len(),
                });
            }
        }
        dropped_turns += 1;
    }
}
