//! Files to rows of ids with a mask: read, rendered, tokenised, masked and looked at on all cores, once for training and audit alike.
//! Knows no model and no trainer.

mod cache;
mod fresh;
mod packed;
mod replay;

use std::path::PathBuf;
use std::sync::Arc;

use cache::Slot;
use fresh::Pass;
use sha2::{Digest, Sha256};

use super::{EngineError, Flags, Sink, stage};
use crate::audit::{Fate, RowFacts};
use crate::batch::Example;
use crate::data::{Kind, hold_out_keys};
use crate::protocol::Event;
use crate::recipe::Recipe;
use crate::template::{RenderOptions, Template};
use crate::tokens::Tokenizer;

/// Row problems told one by one; the rest is counted.
const TOLD: usize = 20;

/// Whether rows of an earlier pass are good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Take them where they are there.
    Use,
    /// Make them anew, and keep those.
    Renew,
}

/// One row of the files.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedRow {
    /// Index in the recipe's list of files.
    pub file: usize,
    /// From 0, broken rows counted.
    pub row: usize,
    /// Line (or element) in the file, from 1; 0 where the row could not be read.
    pub line: usize,
    /// What kind of row it is; `None` where it could not be read.
    pub kind: Option<Kind>,
    /// The key of its prompt: rows that share it are held out together.
    pub prompt: u64,
    /// Is it held out?
    pub held_out: bool,
    /// What was seen while it was prepared.
    pub facts: RowFacts,
    /// Why it is not used, as a sentence; empty where it is.
    pub problem: String,
    /// Its ids and mask: none where it is not used, one, or the windows of a long raw text.
    pub examples: Vec<Example>,
}

/// All rows of a recipe's files.
pub struct DataRows {
    /// In the order of the files, unused ones included.
    pub rows: Vec<PreparedRow>,
    /// SHA-256 of each file, in the recipe's order.
    pub sha256: Vec<String>,
    /// A hash of what the rows were made of and with, in lower-case hex.
    pub seen: String,
    /// Was every file still there from an earlier pass?
    pub cached: bool,
}

/// Where examples of a run come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Origin {
    /// Index in the recipe's list of files.
    pub file: usize,
    /// From 0.
    pub row: usize,
    /// From 1.
    pub line: usize,
    /// What kind of row it is.
    pub kind: Kind,
    /// Is it held out?
    pub held_out: bool,
}

/// The data of a run.
pub struct Prepared {
    /// The files, in the recipe's order.
    pub files: Vec<Arc<PathBuf>>,
    /// Every row that could be read; examples point into it by index.
    pub rows: Vec<Origin>,
    /// Learned from.
    pub train: Vec<Example>,
    /// Held out.
    pub eval: Vec<Example>,
    /// Rows of the files that are not used.
    pub skipped: usize,
    /// SHA-256 of each file, in the recipe's order.
    pub sha256: Vec<String>,
    /// [`DataRows::seen`] of the files, without replay.
    pub seen: String,
    /// SHA-256 of each replay file, in the recipe's order; none where nothing is replayed.
    pub replay_sha256: Vec<String>,
}

impl Prepared {
    /// Number of the file and row in it, for each of some training examples; each row once.
    pub fn places(&self, examples: &[usize]) -> Vec<(usize, usize)> {
        let mut places: Vec<(usize, usize)> = self.origins(examples).map(|o| (o.file, o.row)).collect();
        places.dedup();
        places
    }

    /// Where training examples come from.
    pub fn origins(&self, examples: &[usize]) -> impl Iterator<Item = &Origin> {
        examples.iter().filter_map(|i| self.rows.get(self.train.get(*i)?.row))
    }
}

/// Prepares every row of the recipe's files, or takes them from the cache, and decides what is held out.
///
/// # Errors
/// A file cannot be read, or the user stopped.
pub fn data_rows(
    recipe: &Recipe,
    tokenizer: &Tokenizer,
    template: &Template,
    cache: Cache,
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<DataRows, EngineError> {
    let options = RenderOptions {
        mode: recipe.data.mode,
        ..RenderOptions::default()
    };
    let pass = Pass::new(template, tokenizer, options, recipe.data.max_length);
    let (mut rows, mut sha256, mut cached) = (vec![], vec![], true);
    let files = recipe.data.files.len() as u64;
    for (index, path) in recipe.data.files.iter().enumerate() {
        stage(sink, &format!("Reading {}", path.display()), index as u64, files);
        let slot = Slot::new(&pass, path)?;
        let known = if cache == Cache::Use { slot.rows() } else { None };
        let (new, hash) = match known {
            Some(known) => known,
            None => {
                cached = false;
                let (new, hash) = pass.file(path, sink, flags)?;
                slot.keep(&new, &hash);
                (new, hash)
            }
        };
        rows.extend(new.into_iter().map(|row| PreparedRow { file: index, ..row }));
        sha256.push(hash);
    }
    let readable = || rows.iter().filter(|row| row.kind.is_some());
    let keys: Vec<u64> = readable().map(|row| row.prompt).collect();
    let mut held = hold_out_keys(&keys, recipe.data.split, recipe.data.seed).into_iter();
    for row in rows.iter_mut().filter(|row| row.kind.is_some()) {
        row.held_out = held.next().unwrap_or(false);
    }
    Ok(DataRows {
        seen: seen(&pass, recipe, &sha256)?,
        rows,
        sha256,
        cached,
    })
}

/// What rows were made of and with: the same wherever the files lie.
fn seen(pass: &Pass<'_>, recipe: &Recipe, files: &[String]) -> Result<String, EngineError> {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    files.iter().for_each(|file| add(file));
    add(&pass.tokenizer.fingerprint()?);
    add(&pass.template.source);
    let data = &recipe.data;
    add(&format!(
        "{:?} {:?} {} {} {}",
        pass.tokenizer.vars(),
        pass.options.mode,
        pass.max_length,
        data.split,
        data.seed
    ));
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The data of a run. Row problems become warnings; the rest carries on.
///
/// # Errors
/// As [`data_rows`], or no row can be learned from.
pub fn prepare_data(
    recipe: &Recipe,
    tokenizer: &Tokenizer,
    template: &Template,
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<Prepared, EngineError> {
    let data = data_rows(recipe, tokenizer, template, Cache::Use, sink, flags)?;
    let read = data.rows.len();
    let mut told = Told { count: 0, first: None };
    let (mut rows, mut train, mut eval) = (vec![], vec![], vec![]);
    for row in data.rows {
        if row.facts.fate != Fate::Kept {
            told.tell(sink, row.problem);
        }
        let Some(kind) = row.kind else { continue };
        let part = if row.held_out { &mut eval } else { &mut train };
        let index = rows.len();
        part.extend(
            row.examples
                .into_iter()
                .map(|example| Example { row: index, ..example }),
        );
        rows.push(Origin {
            file: row.file,
            row: row.row,
            line: row.line,
            kind,
            held_out: row.held_out,
        });
    }
    told.finish(sink);
    if train.is_empty() {
        let first = told
            .first
            .map_or_else(String::new, |f| format!(": {}", f.trim_end_matches('.')));
        return Err(EngineError::NothingToLearn { read, first });
    }
    let mut prepared = Prepared {
        files: recipe.data.files.iter().cloned().map(Arc::new).collect(),
        rows,
        train,
        eval,
        skipped: told.count,
        sha256: data.sha256,
        seen: data.seen,
        replay_sha256: vec![],
    };
    replay::mix_in(&mut prepared, recipe, tokenizer, template, sink, flags)?;
    Ok(prepared)
}

/// Counts skipped rows and tells the first of them.
struct Told {
    count: usize,
    first: Option<String>,
}

impl Told {
    fn tell(&mut self, sink: Sink<'_>, message: String) {
        self.count += 1;
        self.first.get_or_insert_with(|| message.clone());
        if self.count <= TOLD {
            sink(Event::Warning { message });
        }
    }

    fn finish(&self, sink: Sink<'_>) {
        if self.count > TOLD {
            sink(Event::Warning {
                message: format!(
                    "{} more rows are skipped; `burnish audit` and the Data room list them.",
                    self.count - TOLD
                ),
            });
        }
    }
}
