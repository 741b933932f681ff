//! Writes the starter's text, tokenizer and sample files. Knows nothing of training.
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::corpus::{CHARS_PER_TOKEN, Corpus};
use super::{samples, vocabulary};

/// The seed of the corpus that the shipped starter was trained on.
pub const SEED: u64 = 2;
/// Tokens that the tokenizer is learned from; more do not change it for the better.
const TOKENIZER_TOKENS: usize = 1_500_000;

/// Why a file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The file could not be written.
    #[error("Could not write {path}: {source}. Check that the folder exists, may be written to and has room.")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The tokenizer could not be learned or saved.
    #[error("Could not make the tokenizer {path}: {message}")]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What the library said.
        message: String,
    },
}

/// Called with the tokens done and the tokens wanted.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize);

fn writing(path: &Path) -> impl FnOnce(io::Error) -> MakeError {
    let path = path.to_owned();
    move |source| MakeError::Write { path, source }
}

/// Writes about `tokens` tokens of pretraining text, one `{"text": ...}` a line; the same file for the same seed. Returns the number of documents.
pub fn write_corpus(path: &Path, seed: u64, tokens: usize, progress: Progress) -> Result<usize, MakeError> {
    let mut file = BufWriter::new(File::create(path).map_err(writing(path))?);
    let goal = (tokens as f64 * CHARS_PER_TOKEN) as usize;
    let (mut written, mut documents) = (0, 0);
    for text in Corpus::new(seed) {
        if written >= goal {
            break;
        }
        written += text.len();
        documents += 1;
        writeln!(file, "{}", serde_json::json!({"text": text})).map_err(writing(path))?;
        if documents % 1000 == 0 {
            progress((written as f64 / CHARS_PER_TOKEN) as usize, tokens);
        }
    }
    file.flush().map_err(writing(path))?;
    progress(tokens, tokens);
    Ok(documents)
}

/// Learns the tokenizer from the beginning of the corpus and writes tokenizer.json and tokenizer_config.json.
pub fn write_tokenizer(dir: &Path, progress: Progress) -> Result<(), MakeError> {
    fs::create_dir_all(dir).map_err(writing(dir))?;
    let path = dir.join("tokenizer.json");
    let goal = (TOKENIZER_TOKENS as f64 * CHARS_PER_TOKEN) as usize;
    let texts = Corpus::new(SEED).scan(0, move |written, text| {
        *written += text.len();
        (*written < goal).then_some(text)
    });
    progress(0, TOKENIZER_TOKENS);
    let failed = |error: tokenizers::Error| MakeError::Tokenizer {
        path: path.clone(),
        message: error.to_string(),
    };
    let tokenizer = vocabulary::train(texts).map_err(failed)?;
    tokenizer.save(&path, true).map_err(failed)?;
    progress(TOKENIZER_TOKENS, TOKENIZER_TOKENS);
    let path = dir.join("tokenizer_config.json");
    fs::write(&path, format!("{:#}\n", vocabulary::config())).map_err(writing(&path))
}

/// Writes manners.jsonl, json-only.jsonl and persona.jsonl.
pub fn write_samples(dir: &Path, progress: Progress) -> Result<(), MakeError> {
    fs::create_dir_all(dir).map_err(writing(dir))?;
    let files = [
        ("manners.jsonl", samples::manners()),
        ("json-only.jsonl", samples::json_only()),
        ("persona.jsonl", samples::persona()),
    ];
    for (i, (name, rows)) in files.iter().enumerate() {
        let path = dir.join(name);
        let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
        fs::write(&path, text).map_err(writing(&path))?;
        progress(i + 1, files.len());
    }
    Ok(())
}
