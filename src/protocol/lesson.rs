//! What a model makes of one row, token by token: the forward pass, the loss, what one step of learning changes, and what the model
//! writes when it is left on its own. Knows numbers, not how they are computed.
use serde::{Deserialize, Serialize};

use super::TopToken;

/// The row that a lesson is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LessonRow {
    /// Its token ids.
    pub ids: Vec<u32>,
    /// Which of them are learned.
    pub mask: Vec<bool>,
}

/// Where the model is left on its own, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnWay {
    /// Index of the first token that the model writes itself: it reads those before.
    pub from: usize,
    /// Tokens at most; 0 = it writes nothing.
    pub tokens: usize,
    /// Ids that end it.
    #[serde(default)]
    pub stop_ids: Vec<u32>,
}

/// What the model makes of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// For each token what was held likely at its place; `None` for the first, which nothing stands before.
    pub tokens: Vec<Option<TokenLesson>>,
    /// What the model wrote on its own, greedily; the id that ended it is the last.
    pub own: Vec<OwnToken>,
    /// One step of learning from this row, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<LessonStep>,
}

/// One token of the row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenLesson {
    /// The loss in nats, -log p.
    pub nll: f32,
    /// The likeliest tokens at its place, best first; the token itself is the last where it is not among them.
    pub likely: Vec<TopToken>,
}

impl TokenLesson {
    /// The token's probability.
    pub fn probability(&self) -> f32 {
        (-self.nll).exp()
    }
}

/// A token that the model wrote on its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnToken {
    pub id: u32,
    pub text: String,
    /// Its probability; unknown for the id that ended the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f32>,
}

/// What one optimizer step on this row alone did, taken on a copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LessonStep {
    /// The learning rate.
    pub lr: f64,
    /// Global gradient norm before clipping.
    pub grad_norm: f64,
    /// Number of trained values.
    pub trainable: u64,
    /// Mean loss of the learned tokens before.
    pub before: f64,
    /// And after.
    pub after: f64,
    /// Loss of each token after the step, in nats.
    pub nll: Vec<Option<f32>>,
}
