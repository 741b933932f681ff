//! Work for a worker, and what it is done with: models, prompts, sampling. Knows recipes, not how jobs are done.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{LessonRow, OwnWay, RateRange};
use crate::recipe::Recipe;

/// A message of a chat, as the window and files spell it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatMessage {
    pub role: String,
    pub content: String,
}

/// Which weights answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRef {
    /// Model folder or `starter`.
    pub model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<PathBuf>,
    /// Built-in template name or .jinja path; None = adapter's, else model's, else chatml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// `auto`, `cpu` or a device name.
    pub device: String,
}

/// How to pick the next token, and what ends the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// 0 = greedy.
    pub temperature: f32,
    /// 0 = all.
    pub top_k: usize,
    /// 1 = all.
    pub top_p: f32,
    /// Only tokens at least this share as likely as the likeliest; 0 = all.
    pub min_p: f32,
    /// Above 1 makes tokens that occurred less likely; 1 = off.
    pub repetition_penalty: f32,
    pub seed: u64,
    pub max_tokens: usize,
    /// Texts that end the answer, besides the model's own; empty ones are ignored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: 0,
            max_tokens: 256,
            stop: Vec::new(),
        }
    }
}

/// What to continue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Messages, rendered by the template with a generation prompt.
    Messages(Vec<ChatMessage>),
    /// Text as it is, no template.
    Raw(String),
    /// Ids as they are.
    Ids(Vec<u32>),
}

/// Work for a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum Job {
    /// Train by a recipe into a run folder.
    Train {
        recipe: Box<Recipe>,
        run_dir: PathBuf,
        #[serde(default)]
        resume: bool,
        #[serde(default)]
        init_adapter: Option<PathBuf>,
        /// Take the conversations of a packed row one by one: the same steps with less memory.
        #[serde(default)]
        unpacked: bool,
        /// Leave the device to other programs now and then.
        #[serde(default)]
        smooth: bool,
        /// What an audit of the recipe called the data that it saw (`AuditSummary::seen`): other data are refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audited: Option<String>,
    },
    /// Continue a prompt, streaming `Token` events, then `Generated`.
    Generate {
        model: ModelRef,
        prompt: Prompt,
        sampling: Sampling,
        /// Report the N best logits of the first new token.
        #[serde(default)]
        logits_top: usize,
        /// Report the N likeliest tokens and the probability of each new token.
        #[serde(default)]
        alternatives: usize,
    },
    /// Per-token losses of rows, streaming `Scored`.
    Score {
        model: ModelRef,
        rows: ScoreRows,
        #[serde(default)]
        full_logits: Option<PathBuf>,
    },
    /// List and optionally exercise devices.
    Devices { check: bool },
    /// Load a model so that the next job starts at once.
    Load { model: ModelRef },
    /// Time the model, then `Timed`.
    Bench {
        model: ModelRef,
        what: BenchKind,
        /// Tokens of one run.
        tokens: usize,
        /// Runs that are timed, after one that is not.
        runs: usize,
    },
    /// Look for what is wrong with the recipe's data before a run: streams `Finding`, the serious ones first, then `Audited`. Model, data,
    /// template, method and batch of the recipe count.
    Audit { recipe: Box<Recipe> },
    /// Find a learning rate: the recipe's first steps with a rate that rises from step to step, streaming `RateTried`, then `RateFound`.
    /// Nothing of what is learned is kept.
    FindRate {
        recipe: Box<Recipe>,
        #[serde(default)]
        init_adapter: Option<PathBuf>,
        #[serde(default)]
        range: RateRange,
    },
    /// Time the preparation of the recipe's data, then `DataTimed`.
    BenchData {
        recipe: Box<Recipe>,
        /// Times that it is prepared.
        runs: usize,
    },
    /// Time products of square matrices, then `MatmulTimed`.
    BenchMatmul {
        /// `cpu`, `auto` or a name from `devices`.
        device: String,
        /// Rows and columns.
        size: usize,
        /// Runs that are timed.
        runs: usize,
    },
    /// Time training steps on random weights and ids, then `TrainTimed`. `recipe.model.path` names the shape.
    BenchTrain {
        recipe: Box<Recipe>,
        /// Steps that are timed, after one that is not.
        steps: usize,
    },
    /// What the model makes of a row, then `Lesson`.
    Lesson {
        model: ModelRef,
        row: LessonRow,
        own: OwnWay,
        /// Likeliest tokens to tell for each place.
        alternatives: usize,
        /// Take one step of LoRA by this recipe on the row too, on a copy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<Box<Recipe>>,
    },
    /// Download a model of the hub (`OWNER/NAME`, with `@REVISION` and `/FILE.gguf` where wanted), streaming `Fetching`.
    Fetch {
        model: String,
        /// The user's token, where it is not kept anywhere.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<Secret>,
    },
}

/// A text that is passed on but never shown.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(...)")
    }
}

/// What `Bench` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenchKind {
    /// Reading a prompt, up to the scores of the next token.
    Prefill,
    /// Generating token by token after a short prompt.
    Decode,
}

/// What `Score` reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreRows {
    File(PathBuf),
    Ids(Vec<Vec<u32>>),
}
