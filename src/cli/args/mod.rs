//! What can be typed. Names and defaults only.

mod bench;

pub use bench::{BenchArgs, BenchDataArgs, BenchMatmulArgs, BenchModelArgs, BenchTrainArgs, BenchWhat};

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::starter::StarterArgs;
use crate::protocol::{ModelRef, Sampling};

/// A desktop workbench that turns a base language model into an assistant.
#[derive(Debug, Parser)]
#[command(name = "burnish", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// Project folder to open in the window.
    pub project: Option<PathBuf>,
    /// Results as JSON, one object a line, on stdout.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the devices of this machine.
    Devices(DevicesArgs),
    /// List the models that are known: opened before, downloaded, and a short list of the hub's.
    Models,
    /// Download a model of the Hugging Face hub.
    Fetch(FetchArgs),
    /// Show rows as the model will see them: text, tokens, and which of them are learned.
    Inspect(InspectArgs),
    /// Look for what is wrong with the supervision of a data set; exit code 1 on something serious.
    Audit(AuditArgs),
    /// Train by a recipe.
    Train(TrainArgs),
    /// Find a learning rate for a recipe: its first steps with a rate that rises from step to step.
    FindRate(FindRateArgs),
    /// List the runs of a project, write their TensorBoard files, or bring in a log of another program.
    Runs(RunsArgs),
    /// Pause, resume, save, suspend or stop a run that goes on.
    Control(ControlArgs),
    /// Continue a prompt.
    Generate(GenerateArgs),
    /// Losses of rows, token by token.
    Score(ScoreArgs),
    /// Talk to a model.
    Chat(ChatArgs),
    /// Time a model.
    Bench(BenchArgs),
    /// Make the starter model and its files, or examine it.
    #[command(hide = true)]
    Starter(StarterArgs),
}

/// `fetch`
#[derive(Debug, Args)]
#[command(
    after_help = "A gated or private model needs a token: set HF_TOKEN, or log in with `hf auth login`. HF_ENDPOINT, HF_HOME, \
HF_HUB_CACHE, HF_TOKEN_PATH and HF_HUB_OFFLINE are honoured. Ctrl+C keeps what came; the same command goes on from there."
)]
pub struct FetchArgs {
    /// OWNER/NAME, with @REVISION and /FILE.gguf where wanted.
    #[arg(value_name = "REPO")]
    pub model: String,
    /// Branch, tag or commit.
    #[arg(long, value_name = "R")]
    pub revision: Option<String>,
    /// One GGUF file of several.
    #[arg(long, value_name = "FILE.gguf")]
    pub file: Option<String>,
}

/// `devices`
#[derive(Debug, Args)]
pub struct DevicesArgs {
    /// Calculate something small on each and compare with the CPU.
    #[arg(long)]
    pub check: bool,
}

/// Which model answers.
#[derive(Debug, Args)]
pub struct ModelArgs {
    /// Model folder, `.gguf` file, or `starter`.
    #[arg(long, value_name = "M")]
    pub model: String,
    /// Adapter folder.
    #[arg(long, value_name = "A")]
    pub adapter: Option<PathBuf>,
    /// Built-in template (chatml, llama3, gemma, plain) or a .jinja file.
    #[arg(long, value_name = "T")]
    pub template: Option<String>,
    /// `cpu`, `auto` or a name from `burnish devices`.
    #[arg(long, value_name = "D", default_value = "auto")]
    pub device: String,
}

impl ModelArgs {
    /// As jobs name it.
    pub fn model_ref(&self) -> ModelRef {
        ModelRef {
            model: self.model.clone(),
            adapter: self.adapter.clone(),
            template: self.template.clone(),
            device: self.device.clone(),
        }
    }
}

/// How tokens are chosen.
#[derive(Debug, Args)]
pub struct SamplingArgs {
    /// New tokens at most.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub max_tokens: usize,
    /// 0 always takes the most likely token.
    #[arg(long, value_name = "T", default_value_t = 0.0, value_parser = not_negative)]
    pub temperature: f32,
    /// Only the N most likely tokens; 0 = all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub top_k: usize,
    /// Only the most likely tokens that together have probability X.
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = share)]
    pub top_p: f32,
    /// Only tokens at least X times as likely as the likeliest; 0 = all.
    #[arg(long, value_name = "X", default_value_t = 0.0, value_parser = part)]
    pub min_p: f32,
    /// Above 1 makes tokens that occurred less likely; 1 = off.
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = positive)]
    pub repetition_penalty: f32,
    /// A text that ends the answer, besides the model's own; may be given several times. \n is a line break.
    #[arg(long, value_name = "STRING", value_parser = unescaped)]
    pub stop: Vec<String>,
    /// Same seed, same text.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
}

impl SamplingArgs {
    /// As jobs name it.
    pub fn sampling(&self) -> Sampling {
        Sampling {
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            min_p: self.min_p,
            repetition_penalty: self.repetition_penalty,
            seed: self.seed,
            max_tokens: self.max_tokens,
            stop: self.stop.clone(),
        }
    }
}

fn not_negative(text: &str) -> Result<f32, String> {
    let number = text.parse::<f32>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    number.ok_or_else(|| "it must be a number of at least 0".into())
}

fn share(text: &str) -> Result<f32, String> {
    let number = text.parse::<f32>().ok().filter(|n| *n > 0.0 && *n <= 1.0);
    number.ok_or_else(|| "it must be above 0 and at most 1".into())
}

fn part(text: &str) -> Result<f32, String> {
    let number = text.parse::<f32>().ok().filter(|n| *n >= 0.0 && *n <= 1.0);
    number.ok_or_else(|| "it must be from 0 to 1".into())
}

fn positive(text: &str) -> Result<f32, String> {
    let number = text.parse::<f32>().ok().filter(|n| n.is_finite() && *n > 0.0);
    number.ok_or_else(|| "it must be a number above 0".into())
}

/// `\n`, `\t` and `\\` as shells cannot easily pass them.
fn unescaped(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("it must not be empty".into());
    }
    Ok(crate::protocol::unescape(text))
}

/// `inspect`
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// File of rows.
    pub data: PathBuf,
    /// Model folder, `.gguf` file, or `starter`.
    #[arg(long, value_name = "M")]
    pub model: String,
    /// Built-in template (chatml, llama3, gemma, plain) or a .jinja file.
    #[arg(long, value_name = "T")]
    pub template: Option<String>,
    /// Only this row, from 0.
    #[arg(long, value_name = "N")]
    pub row: Option<usize>,
    /// End with the assistant's header, as for chat.
    #[arg(long)]
    pub add_generation_prompt: bool,
    /// What is learned: assistant, last, flags, completion, all or template.
    #[arg(long, value_name = "MODE", default_value = "assistant")]
    pub mode: String,
    /// Set or override a template variable, such as bos_token=<s>.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
}

/// `audit`
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// File of rows.
    pub data: PathBuf,
    /// Model folder, `.gguf` file, or `starter`.
    #[arg(long, value_name = "M")]
    pub model: String,
    /// Built-in template (chatml, llama3, gemma, plain) or a .jinja file.
    #[arg(long, value_name = "T")]
    pub template: Option<String>,
    /// The longest row in tokens; 512 unless told otherwise.
    #[arg(long, value_name = "N")]
    pub max_length: Option<usize>,
    /// What is learned: assistant, last, flags, completion, all or template.
    #[arg(long, value_name = "MODE", default_value = "assistant")]
    pub mode: String,
}

/// A recipe, and what of it is changed.
#[derive(Debug, Args)]
pub struct RecipeArgs {
    /// The recipe.
    pub recipe: PathBuf,
    /// Change a value of the recipe, such as optim.lr=1e-3.
    #[arg(long, value_name = "TABLE.KEY=VALUE")]
    pub set: Vec<String>,
    /// `cpu`, `auto` or a name from `burnish devices`.
    #[arg(long, value_name = "D")]
    pub device: Option<String>,
    /// Start from this adapter instead of a fresh one.
    #[arg(long, value_name = "A")]
    pub init_adapter: Option<PathBuf>,
}

/// `train`
#[derive(Debug, Args)]
pub struct TrainArgs {
    #[command(flatten)]
    pub from: RecipeArgs,
    /// The run folder; by default a new one in `runs`.
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Go on from the last checkpoint of the run folder.
    #[arg(long)]
    pub resume: bool,
    /// Train once for every combination of these values, one run after the other; may be given several times.
    #[arg(long, value_name = "TABLE.KEY=VALUE,VALUE", conflicts_with = "resume")]
    pub sweep: Vec<String>,
    /// Keep the desktop smooth: train with less priority and rest for a moment after every micro-batch.
    #[arg(long)]
    pub smooth: bool,
    /// Train even though the audit of the data finds something serious.
    #[arg(long)]
    pub accept_findings: bool,
}

/// `find-rate`
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is kept of what is learned. The suggestion is the smaller of two rates: where the smoothed loss falls fastest, \
and one tenth of where it is lowest. Take it over with `burnish train RECIPE --set optim.lr=RATE`."
)]
pub struct FindRateArgs {
    #[command(flatten)]
    pub from: RecipeArgs,
    /// The rate of the first step.
    #[arg(long, value_name = "RATE", default_value_t = 1e-6)]
    pub low: f64,
    /// The rate of the last step.
    #[arg(long, value_name = "RATE", default_value_t = 1.0)]
    pub high: f64,
    /// Steps from the lowest to the highest rate; it ends earlier when the loss breaks away.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub steps: usize,
}

/// `runs`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunsArgs {
    /// The project folder; by default the current folder where it holds `runs`, else the project that the window opens.
    pub project: Option<PathBuf>,
    #[command(subcommand)]
    pub action: Option<RunsAction>,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub enum RunsAction {
    /// Write the numbers of a run as TensorBoard's event files.
    Export {
        /// The run folder.
        #[arg(value_name = "RUN")]
        run: PathBuf,
        /// Where to write them.
        #[arg(long, value_name = "DIR")]
        tensorboard: PathBuf,
    },
    /// Make a run to compare with of a trainer_state.json of transformers or TRL.
    Import {
        /// The log.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The project folder, as for the list.
        #[arg(long, value_name = "DIR")]
        project: Option<PathBuf>,
    },
}

/// `control`
#[derive(Debug, Args)]
pub struct ControlArgs {
    /// The run folder.
    pub run: PathBuf,
    /// What the run is to do.
    pub what: ControlWhat,
}

/// What a run that goes on can be told.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum ControlWhat {
    /// Hold before the next step, with everything in memory.
    Pause,
    /// Go on after a pause.
    Resume,
    /// Write a checkpoint now and go on.
    Save,
    /// Write a checkpoint and end, so that all memory is free.
    Suspend,
    /// End after this step and keep the result.
    Stop,
    /// Leave the device to other programs now and then.
    Smooth,
    /// Use all of the device again.
    Fast,
}

/// `generate`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct GenerateArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// What the user says.
    #[arg(long, value_name = "TEXT", group = "what")]
    pub prompt: Option<String>,
    /// JSON file of messages.
    #[arg(long, value_name = "FILE", group = "what")]
    pub messages: Option<PathBuf>,
    /// JSON file of token ids, or of lists of them; needs no tokenizer.
    #[arg(long, value_name = "FILE", group = "what")]
    pub ids: Option<PathBuf>,
    /// Continue --prompt as it is, without a template.
    #[arg(long, requires = "prompt")]
    pub raw: bool,
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// Report the N best tokens for the first place.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub logits_top: usize,
    /// Report each new token with its probability and the N likeliest tokens at its place (with --json).
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub alternatives: usize,
}

/// `score`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct ScoreArgs {
    /// File of rows.
    #[arg(group = "what")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub model: ModelArgs,
    /// JSON file of token ids, or of lists of them; needs no tokenizer.
    #[arg(long, value_name = "FILE", group = "what")]
    pub ids: Option<PathBuf>,
    /// Also write the scores of every token to this safetensors file.
    #[arg(long, value_name = "OUT.safetensors")]
    pub full_logits: Option<PathBuf>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse::<usize>().ok().filter(|n| *n > 0);
    number.ok_or_else(|| "it must be a whole number of at least 1".into())
}

/// `chat`
#[derive(Debug, Args)]
pub struct ChatArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// System prompt.
    #[arg(long, value_name = "TEXT")]
    pub system: Option<String>,
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// Report each new token with its probability and the N likeliest tokens at its place (with --json).
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub alternatives: usize,
}
