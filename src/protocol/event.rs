//! What happens while a job runs, as lines of `events.jsonl`. Does not know how it comes about.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{BenchKind, Ending, Lesson, RateFound, RateTried, Reading, StopReason, TopToken};
use crate::audit::{AuditSummary, Finding};

/// The memory of a device, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceMemory {
    /// All of it.
    pub total: u64,
    /// What is free now.
    pub free: u64,
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
    /// Types of half precision that it computes in beside `f32`: `f16`, `bf16`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub half: Vec<String>,
    /// Its memory, where somebody tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<DeviceMemory>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
}

/// The gradient norm of some of the trained tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupNorm {
    /// `attention`, `feed-forward`, `embedding` ...
    pub group: String,
    pub norm: f64,
}

/// A file and its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSize {
    pub name: String,
    pub bytes: u64,
}

/// Weights of one layout in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAs {
    /// `F32`, `F16`, `Q4_1` and so on.
    pub layout: String,
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
    /// The largest micro-batch was tried before the first step.
    Memory {
        /// Bytes that were expected.
        estimated: u64,
        /// Bytes that it took at its peak, above the idle worker; 0 = unknown.
        measured: u64,
        /// Bytes that the device has; 0 = unknown.
        budget: u64,
        /// Rows of the micro-batch, and tokens of its longest.
        rows: usize,
        len: usize,
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
        /// Gradient norm of each group of trained tensors.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        norms: Vec<GroupNorm>,
        /// The rows of the step: number of the file in the recipe, row in the file.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rows: Vec<(usize, usize)>,
        /// What the loss was multiplied by, where products are in half precision.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        loss_scale: Option<f64>,
        /// Bytes in use now, of the device or, on the CPU, of the process; 0 = unknown.
        #[serde(default)]
        memory: u64,
    },
    /// A step whose loss or gradient was not finite: its update was left out.
    Skipped {
        step: usize,
        reason: String,
        rows: Vec<(usize, usize)>,
    },
    /// The loss on held-out rows.
    Eval {
        step: usize,
        loss: f64,
        rows: usize,
        supervised_tokens: usize,
        seconds: f64,
        /// Mean entropy of the predictions at supervised tokens, in nats.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entropy: Option<f64>,
    },
    /// A sample generation at an evaluation.
    Sample { step: usize, prompt: String, text: String },
    /// A whole checkpoint was written.
    Checkpoint { step: usize, path: PathBuf },
    /// The checkpoint at `path` has the lowest held-out loss so far.
    Best { step: usize, loss: f64, path: PathBuf },
    /// Something the user should know; the job goes on.
    Warning { message: String },
    /// Training is held.
    Paused { step: usize },
    /// Training goes on.
    Resumed { step: usize },
    /// The worker ends with everything in the checkpoint of this step; the run can be resumed.
    Suspended { step: usize },
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
    /// What a model makes of a row.
    Lesson { lesson: Lesson },
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
    /// The preparation of data was timed.
    DataTimed(DataTimes),
    /// Training steps were timed.
    TrainTimed(TrainTimes),
    /// Products of matrices were timed.
    MatmulTimed(MatmulTimes),
    /// A learning rate was tried.
    RateTried(RateTried),
    /// A search for a learning rate is over.
    RateFound(RateFound),
    /// An audit found something.
    Finding(Finding),
    /// An audit is over.
    Audited { summary: Box<AuditSummary> },
    /// The devices.
    Devices { devices: Vec<DeviceInfo> },
    /// The model is in memory.
    Loaded {
        model: String,
        device: String,
        parameters: u64,
        /// Of all weights.
        bytes: u64,
        /// How weights are kept on the device, the most first.
        #[serde(default)]
        stored: Vec<StoredAs>,
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

/// How long the preparation of data took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DataTimes {
    /// Rows of the files.
    pub rows: usize,
    /// Tokens of the rows that are kept.
    pub tokens: usize,
    /// Threads that worked.
    pub threads: usize,
    /// Seconds of each run that made the rows anew, the cache written.
    pub anew: Vec<f64>,
    /// Seconds of each run that took them from the cache; empty for files too small to be kept.
    pub kept: Vec<f64>,
    /// Largest resident size of the worker, in bytes.
    pub peak_memory: u64,
}

/// How fast training steps on random weights were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainTimes {
    /// Name of the model's shape.
    pub shape: String,
    /// Its config, as `config.json` spells it.
    pub config: serde_json::Value,
    /// Where it ran.
    pub device: String,
    /// What people call that.
    pub label: String,
    /// Threads that calculate, where the device is the CPU.
    pub threads: usize,
    /// Weights of the base.
    pub parameters: u64,
    /// Weights that are trained.
    pub trainable: u64,
    /// Rows of a step.
    pub rows: usize,
    /// Tokens of a row.
    pub tokens: usize,
    /// Seconds of each step.
    pub seconds: Vec<f64>,
    /// Tokens of a step over its median time.
    pub tokens_per_second: f64,
    /// Loss of the last step, in nats.
    pub loss: f64,
    /// Bytes reserved on a GPU; on the CPU the largest resident size above that before the weights were made.
    pub peak_memory: u64,
}

/// How fast square matrices were multiplied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatmulTimes {
    /// Where it ran.
    pub device: String,
    /// What people call that.
    pub label: String,
    /// Threads that calculate, where the device is the CPU.
    pub threads: usize,
    /// Rows and columns.
    pub size: usize,
    /// Every way that was measured.
    pub ways: Vec<MatmulWay>,
    /// What could not be, in sentences.
    pub missing: Vec<String>,
}

/// One way to multiply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatmulWay {
    /// Which.
    pub name: String,
    /// Multiplications and additions, in millions of millions a second: the median of the runs.
    pub teraflops: f64,
    /// The largest difference from plain sums, as a share of the largest entry.
    pub gap: f64,
}
