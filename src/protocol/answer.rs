//! What is told of an answer: what was read before it, what ended it, what else was likely. Knows no model.
use serde::{Deserialize, Serialize};

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    EndOfTurn,
    StopString,
    Length,
    Cancelled,
}

/// What ended a generation, more closely than [`StopReason`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Ending {
    /// The template's end of turn, with its text.
    Turn { text: String },
    /// A token that ends a whole text (end of document), with its text: the turn was not ended.
    Document { text: String },
    /// A stop text of the user.
    StopText { text: String },
    /// The limit of new tokens.
    MaxTokens,
    /// The model's context is full.
    Context,
    /// The user.
    User,
}

/// What was read before an answer began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of these, remembered from before and not read again.
    pub reused_tokens: usize,
    /// Tokens that the model can hold, prompt and answer together.
    pub context: usize,
    /// Oldest turns that were left out because they do not fit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped_turns: usize,
    /// Messages of those turns.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped_messages: usize,
}

impl Reading {
    /// What was left out, as a sentence; `None` where nothing was.
    pub fn dropped_in_words(&self) -> Option<String> {
        let turns = match self.dropped_turns {
            0 => return None,
            1 => "The oldest turn was".to_owned(),
            n => format!("The {n} oldest turns were"),
        };
        let context = self.context;
        Some(format!("{turns} left out: the model holds at most {context} tokens."))
    }
}

pub(super) fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// One alternative for a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopToken {
    pub id: u32,
    pub text: String,
    pub logit: f32,
    pub probability: f32,
}
