//! What can be typed after `bench`. Names and defaults only.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ModelArgs, at_least_one};

/// `bench`
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to time.
    #[command(subcommand)]
    pub what: BenchWhat,
}

/// What `bench` times.
#[derive(Debug, Subcommand)]
pub enum BenchWhat {
    /// Reading a prompt.
    Prefill(BenchModelArgs),
    /// Writing token by token.
    Decode(BenchModelArgs),
    /// Rendering and tokenising rows, anew and from the cache.
    Data(BenchDataArgs),
    /// Training steps on random weights of a known shape: no model and no data is needed.
    Train(BenchTrainArgs),
    /// Products of square matrices: burn's own, and by tensor cores where the device offers them.
    Matmul(BenchMatmulArgs),
}

/// `bench prefill`, `bench decode`
#[derive(Debug, Args)]
pub struct BenchModelArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// Tokens of one run: 512 to read, 64 to write.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub tokens: Option<usize>,
    /// Runs that are timed, after one that is not.
    #[arg(long, value_name = "N", default_value = "3", value_parser = at_least_one)]
    pub runs: usize,
}

/// `bench data`
#[derive(Debug, Args)]
pub struct BenchDataArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// File of rows.
    #[arg(long, value_name = "FILE")]
    pub rows: PathBuf,
    /// The longest row in tokens; 512 unless told otherwise.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_length: Option<usize>,
    /// Times that the rows are made anew, and taken from the cache.
    #[arg(long, value_name = "N", default_value = "3", value_parser = at_least_one)]
    pub runs: usize,
}

/// `bench train`
#[derive(Debug, Args)]
pub struct BenchTrainArgs {
    /// The model's shape.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(crate::formats::shapes::SHAPES))]
    pub shape: String,
    /// Tokens of a row.
    #[arg(long, value_name = "N", default_value = "1024", value_parser = at_least_one)]
    pub tokens: usize,
    /// Rows of a micro-batch.
    #[arg(long, value_name = "N", default_value = "1", value_parser = at_least_one)]
    pub batch: usize,
    /// How the frozen base is kept: none, q8 or nf4.
    #[arg(long, value_name = "Q", default_value = "none")]
    pub quant: String,
    /// LoRA's rank; alpha is twice that.
    #[arg(long, value_name = "R", default_value = "16", value_parser = at_least_one)]
    pub rank: usize,
    /// Steps that are timed, after one that is not.
    #[arg(long, value_name = "N", default_value = "5", value_parser = at_least_one)]
    pub steps: usize,
    /// Change any other value of the recipe, such as batch.checkpointing=true.
    #[arg(long, value_name = "TABLE.KEY=VALUE")]
    pub set: Vec<String>,
    /// `cpu`, `auto` or a name from `burnish devices`.
    #[arg(long, value_name = "D", default_value = "auto")]
    pub device: String,
}

/// `bench matmul`
#[derive(Debug, Args)]
pub struct BenchMatmulArgs {
    /// Rows and columns, a multiple of 64.
    #[arg(long, value_name = "N", default_value = "2048", value_parser = at_least_one)]
    pub size: usize,
    /// Runs that are timed, after those that are not.
    #[arg(long, value_name = "N", default_value = "5", value_parser = at_least_one)]
    pub runs: usize,
    /// `cpu`, `auto` or a name from `burnish devices`.
    #[arg(long, value_name = "D", default_value = "auto")]
    pub device: String,
}
