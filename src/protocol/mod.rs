//! What window, command line and workers say to each other: closed enums as JSON lines. Knows recipes, not how jobs are done.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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

/// A stop text as people type it in one line: `\n`, `\t` and `\\` are a line break, a tab and a backslash.
pub fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let meant = match (c, chars.peek()) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('t')) => '\t',
            ('\\', Some('\\')) => '\\',
            _ => {
                out.push(c);
                continue;
            }
        };
        chars.next();
        out.push(meant);
    }
    out
}

/// The other way: a text as one line that [`unescape`] reads back. A backslash that cannot be misread stays single, so that a line
/// can be typed character by character.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\n', _) => out.push_str("\\n"),
            ('\t', _) => out.push_str("\\t"),
            ('\\', Some('n' | 't' | '\\' | '\n' | '\t')) => out.push_str("\\\\"),
            _ => out.push(c),
        }
    }
    out
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

/// Interrupts at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "control", rename_all = "snake_case")]
pub enum Control {
    /// Stop after the current step, keep what there is (training saves a final adapter).
    Stop,
    /// Hold before the next step.
    Pause,
    /// Go on.
    Resume,
    /// End the worker when idle.
    Quit,
}

/// Parent to child, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Job { id: u64, job: Box<Job> },
    Control(Control),
}

/// Child to parent, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The job that this belongs to. Spelt `frame` on the wire: events have ids of their own.
    #[serde(rename = "frame")]
    pub id: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

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

fn is_zero(number: &usize) -> bool {
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

/// What a device is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// The name that `--device` takes: `cpu`, `vulkan:0` ...
    pub name: String,
    /// What people call it.
    pub label: String,
    /// `cpu`, `vulkan`, `metal`, `dx12`, `gl`.
    pub backend: String,
    /// `cpu`, `discrete`, `integrated`, `virtual`, `software`.
    pub kind: String,
    /// Largest single storage binding in bytes, 0 for the CPU.
    pub max_binding: u64,
    /// Is this what `auto` picks?
    pub default: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
}

/// A file and its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSize {
    pub name: String,
    pub bytes: u64,
}

/// What happens while a job runs. `events.jsonl` holds one per line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The worker is up; sent once with id 0.
    Ready { pid: u32 },
    /// A stage of the job began (loading the model, tokenising ...), with progress where it is known.
    Stage { stage: String, done: u64, total: u64 },
    /// Training is about to start.
    TrainStart {
        run: String,
        device: String,
        steps: usize,
        epochs: f64,
        train_rows: usize,
        eval_rows: usize,
        skipped_rows: usize,
        trainable: u64,
        total_params: u64,
        template: String,
        start_step: usize,
    },
    /// One optimizer step.
    Step {
        step: usize,
        loss: f64,
        lr: f64,
        grad_norm: f64,
        tokens: usize,
        supervised_tokens: usize,
        seconds: f64,
        epoch: f64,
    },
    /// The loss on held-out rows.
    Eval {
        step: usize,
        loss: f64,
        rows: usize,
        supervised_tokens: usize,
        seconds: f64,
    },
    /// A sample generation at an evaluation.
    Sample { step: usize, prompt: String, text: String },
    /// A whole checkpoint was written.
    Checkpoint { step: usize, path: PathBuf },
    /// Something the user should know; the job goes on.
    Warning { message: String },
    /// Training is held.
    Paused { step: usize },
    /// Training goes on.
    Resumed { step: usize },
    /// Training is over (finished or stopped by the user); `path` holds the result.
    TrainEnd {
        step: usize,
        path: PathBuf,
        stopped: bool,
        seconds: f64,
        peak_memory: u64,
    },
    /// New text of a generation.
    Token {
        id: u32,
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        probability: Option<f32>,
        /// The likeliest tokens at its place, best first, this one among them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        alternatives: Vec<TopToken>,
    },
    /// The prompt is known and the model begins to read it.
    Prompted {
        #[serde(flatten)]
        reading: Reading,
    },
    /// A generation is over.
    Generated {
        prompt_ids: Vec<u32>,
        ids: Vec<u32>,
        text: String,
        stop: StopReason,
        /// Tokens per second after the first one; 0 where there was only one.
        tokens_per_second: f64,
        /// From the beginning of reading to the first token.
        #[serde(default)]
        first_token_seconds: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ended: Option<Ending>,
        #[serde(flatten)]
        reading: Reading,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        top: Vec<TopToken>,
    },
    /// One scored row; `nll[0]` is null.
    Scored {
        row: usize,
        tokens: usize,
        supervised: usize,
        loss: Option<f64>,
        nll: Vec<Option<f32>>,
    },
    /// A model was timed.
    Timed {
        what: BenchKind,
        model: String,
        device: String,
        /// Threads that calculate, where the device is the CPU.
        threads: usize,
        /// Tokens of one run.
        tokens: usize,
        /// Of each run.
        runs: Vec<f64>,
        /// The median of the runs.
        tokens_per_second: f64,
        /// Largest resident size of the worker so far, in bytes.
        peak_memory: u64,
    },
    /// The devices.
    Devices { devices: Vec<DeviceInfo> },
    /// The model is in memory.
    Loaded {
        model: String,
        device: String,
        parameters: u64,
        bytes: u64,
    },
    /// How far a download is, in bytes of all files.
    Fetching {
        file: String,
        done: u64,
        total: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        per_second: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds_left: Option<f64>,
    },
    /// The model is in the cache.
    Fetched {
        /// As models are named everywhere.
        model: String,
        commit: String,
        path: PathBuf,
        files: Vec<String>,
        /// Bytes that came over the network.
        bytes: u64,
    },
    /// The hub wants a token, or another one; `Failed` follows with the words.
    TokenNeeded {
        model: String,
        /// Where the licence is accepted.
        page: String,
        /// Was a token sent?
        had_token: bool,
    },
    /// The model has several files, of which one is to be chosen; `Failed` follows with the words.
    FileChoice { model: String, files: Vec<FileSize> },
    /// The job is done.
    Done,
    /// The job failed; the message says what happened and what to do.
    Failed { message: String },
}
