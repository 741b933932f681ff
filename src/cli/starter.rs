//! The verb `starter`: writes the text, the tokenizer and the sample files that the shipped starter model is made of.
//! Knows nothing of training; `train` does that with the written text.
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use crate::world::make::{self, MakeError};

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The pretraining text, rows of `{"text": ...}`.
    Corpus,
    /// tokenizer.json and tokenizer_config.json.
    Tokenizer,
    /// The sample files for fine-tuning.
    Samples,
}

/// Arguments of the verb `starter`.
#[derive(Debug, Args)]
pub struct StarterArgs {
    /// What to write.
    #[arg(value_enum)]
    pub part: Part,
    /// The file (corpus) or folder (tokenizer, samples) to write.
    pub out: PathBuf,
    /// Seed of the corpus; the shipped starter was trained on the default.
    #[arg(long, default_value_t = make::SEED)]
    pub seed: u64,
    /// Tokens of the corpus.
    #[arg(long, default_value_t = 7_500_000)]
    pub tokens: usize,
}

/// Writes what was asked for, with a progress bar on the terminal.
pub fn run(args: &StarterArgs) -> Result<(), MakeError> {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {human_pos} of {human_len}, {eta} left") {
        bar.set_style(style);
    }
    let mut progress = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    match args.part {
        Part::Corpus => make::write_corpus(&args.out, args.seed, args.tokens, &mut progress).map(|_| ()),
        Part::Tokenizer => make::write_tokenizer(&args.out, &mut progress),
        Part::Samples => make::write_samples(&args.out, &mut progress),
    }?;
    bar.finish_and_clear();
    println!("Wrote {}.", args.out.display());
    Ok(())
}
