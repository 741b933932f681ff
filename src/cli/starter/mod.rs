//! The verb `starter`: makes the starter model and its files from nothing, and examines it before and after fine-tuning.
//! Everything is seeded: the same command gives the same text, tokenizer, questions and prompts. Knows no tensors.

pub mod curve;
mod evaluate;
mod exam;
mod make;
pub mod report;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{console::Console, failure::Failure};
use crate::formats::places::STARTER;
use crate::world::make::SEED;

/// Tokens of the corpus that the shipped starter was trained on.
const TOKENS: usize = 10_000_000;

/// Arguments of the verb `starter`.
#[derive(Debug, Args)]
pub struct StarterArgs {
    /// What to do.
    #[command(subcommand)]
    pub part: Part,
}

/// What to make or judge.
#[derive(Debug, Subcommand)]
pub enum Part {
    /// Write the pretraining text, rows of {"text": ...}.
    Corpus {
        /// The file to write.
        out: PathBuf,
        #[command(flatten)]
        text: TextArgs,
    },
    /// Write tokenizer.json and tokenizer_config.json.
    Tokenizer {
        /// The folder to write to.
        out: PathBuf,
    },
    /// Write the sample files for fine-tuning.
    Samples {
        /// The folder to write to.
        out: PathBuf,
    },
    /// Make the whole model: text, tokenizer, pretraining, training curve.
    Make(MakeArgs),
    /// Ask the model about the world before and after fine-tuning and print the table.
    Evaluate(EvaluateArgs),
    /// Thin a training log and draw it.
    Curve {
        /// events.jsonl of a run, or a table with the columns step,loss,lr,grad_norm,tokens,seconds.
        log: PathBuf,
        /// The folder for training.csv and training.svg.
        out: PathBuf,
    },
}

/// Which text.
#[derive(Clone, Debug, Args)]
pub struct TextArgs {
    /// Seed of the corpus.
    #[arg(long, default_value_t = SEED)]
    pub seed: u64,
    /// Tokens of the corpus.
    #[arg(long, default_value_t = TOKENS)]
    pub tokens: usize,
}

/// `starter make`
#[derive(Debug, Args)]
pub struct MakeArgs {
    /// The folder to make it in. A run that was cut short goes on from its last checkpoint.
    pub out: PathBuf,
    #[command(flatten)]
    pub text: TextArgs,
    /// Change a value of the pretraining recipe, such as optim.max_steps=100.
    #[arg(long, value_name = "TABLE.KEY=VALUE")]
    pub set: Vec<String>,
}

/// `starter evaluate`
#[derive(Clone, Debug, Args)]
pub struct EvaluateArgs {
    /// The base model's folder.
    #[arg(long, value_name = "M", default_value = STARTER)]
    pub model: String,
    /// An adapter trained on manners.jsonl; without one, one is trained by assets/starter/sft.toml first.
    #[arg(long, value_name = "A")]
    pub adapter: Option<PathBuf>,
    /// `cpu`, `auto` or a name from `burnish devices`.
    #[arg(long, value_name = "D", default_value = "auto")]
    pub device: String,
    /// Only N facts and N questions, evenly spread.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// Does what was asked for.
///
/// # Errors
/// A file cannot be written or read, a job failed, or the model misses a target of the examination.
pub fn run(args: &StarterArgs, console: &Console) -> Result<(), Failure> {
    match &args.part {
        Part::Corpus { out, text } => make::corpus(out, text, console),
        Part::Tokenizer { out } => make::tokenizer(out, console),
        Part::Samples { out } => make::samples(out, console),
        Part::Make(args) => make::model(args, console),
        Part::Evaluate(args) => evaluate::run(args, console),
        Part::Curve { log, out } => curve::write(log, out)
            .map(|()| console.say(&format!("Wrote training.csv and training.svg to {}.", out.display())))
            .map_err(Failure::failed),
    }
}
