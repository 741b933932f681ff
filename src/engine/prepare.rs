//! Files to examples: reading, holding out, rendering, tokenising, on all cores. Knows no model and no trainer.

use std::sync::Arc;

use rayon::prelude::*;

use super::{EngineError, Flags, Sink};
use crate::batch::Example;
use crate::data::{Conversation, Kind, Split, hold_out, read_file};
use crate::protocol::Event;
use crate::recipe::Recipe;
use crate::template::{RenderOptions, Template};
use crate::tokens::{Tokenizer, fit, prepare};

/// Rows tokenised between two progress events.
const CHUNK: usize = 1024;
/// Row problems told one by one; the rest is counted.
const TOLD: usize = 20;

/// The data of a run.
pub struct Prepared {
    /// All usable conversations; examples point into it by index.
    pub conversations: Vec<Conversation>,
    /// Learned from.
    pub train: Vec<Example>,
    /// Held out.
    pub eval: Vec<Example>,
    /// Rows of the files that are not used.
    pub skipped: usize,
    /// SHA-256 of each file, in the recipe's order.
    pub sha256: Vec<String>,
}

/// Reads and tokenises the recipe's files. Row problems become warnings; the rest carries on.
///
/// # Errors
/// A file cannot be read, or no row can be learned from.
pub fn prepare_data(
    recipe: &Recipe,
    tokenizer: &Arc<Tokenizer>,
    template: &Template,
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<Prepared, EngineError> {
    let mut told = Told { count: 0, first: None };
    let (mut conversations, sha256, rows) = read_all(recipe, sink, &mut told)?;
    hold_out(&mut conversations, recipe.data.split, recipe.data.seed);
    let options = RenderOptions {
        mode: recipe.data.mode,
        ..RenderOptions::default()
    };
    let (mut train, mut eval) = (vec![], vec![]);
    let total = conversations.len();
    for start in (0..total).step_by(CHUNK) {
        if flags.stopped() {
            return Err(EngineError::Cancelled("Stopped while preparing the data.".into()));
        }
        let end = (start + CHUNK).min(total);
        let encoded: Vec<Result<Vec<Example>, String>> = (start..end)
            .into_par_iter()
            .map(|i| {
                encode(
                    template,
                    &conversations[i],
                    i,
                    tokenizer,
                    &options,
                    recipe.data.max_length,
                )
            })
            .collect();
        for (i, result) in (start..end).zip(encoded) {
            let part = if conversations[i].split == Split::Eval {
                &mut eval
            } else {
                &mut train
            };
            match result {
                Ok(examples) => part.extend(examples),
                Err(message) => told.tell(sink, message),
            }
        }
        sink(Event::Stage {
            stage: "Tokenising".into(),
            done: end as u64,
            total: total as u64,
        });
    }
    told.finish(sink);
    if train.is_empty() {
        let first = told
            .first
            .map_or_else(String::new, |f| format!(": {}", f.trim_end_matches('.')));
        return Err(EngineError::NothingToLearn { read: rows, first });
    }
    Ok(Prepared {
        conversations,
        train,
        eval,
        skipped: told.count,
        sha256,
    })
}

type ReadAll = (Vec<Conversation>, Vec<String>, usize);

fn read_all(recipe: &Recipe, sink: Sink<'_>, told: &mut Told) -> Result<ReadAll, EngineError> {
    let (mut conversations, mut sha256, mut rows) = (vec![], vec![], 0);
    let files = recipe.data.files.len() as u64;
    for (i, file) in recipe.data.files.iter().enumerate() {
        sink(Event::Stage {
            stage: format!("Reading {}", file.display()),
            done: i as u64,
            total: files,
        });
        let set = read_file(file)?;
        rows += set.rows_read;
        for problem in set.problems.iter().filter(|p| p.skipped) {
            told.tell(sink, problem.message.clone());
        }
        conversations.extend(set.conversations);
        sha256.push(set.sha256);
    }
    Ok((conversations, sha256, rows))
}

/// One conversation as examples: one, or several windows of a long raw text.
fn encode(
    template: &Template,
    conversation: &Conversation,
    row: usize,
    tokenizer: &Tokenizer,
    options: &RenderOptions,
    max_length: usize,
) -> Result<Vec<Example>, String> {
    if conversation.kind == Kind::Text {
        let (_, encoded) = prepare(template, conversation, tokenizer, options).map_err(|e| place(conversation, &e))?;
        let windows = encoded.ids.chunks(max_length).zip(encoded.mask.chunks(max_length));
        return Ok(windows
            .filter(|(ids, _)| ids.len() > 1)
            .map(|(ids, mask)| Example {
                ids: ids.to_vec(),
                mask: mask.to_vec(),
                row,
            })
            .collect());
    }
    let fitted = fit(template, conversation, tokenizer, options, max_length).map_err(|e| place(conversation, &e))?;
    let example = Example::new(&fitted.encoded, row);
    if !example.mask.iter().skip(1).any(|m| *m) {
        let why = fitted
            .rendered
            .problems
            .first()
            .cloned()
            .unwrap_or_else(|| "nothing in it is learned".into());
        return Err(place(conversation, &why));
    }
    Ok(vec![example])
}

/// `Row 17: ... (pirates.jsonl, line 18)`
fn place(conversation: &Conversation, problem: &dyn std::fmt::Display) -> String {
    let source = &conversation.source;
    let name = source.file.file_name().map_or_else(
        || source.file.display().to_string(),
        |n| n.to_string_lossy().into_owned(),
    );
    let text = problem.to_string();
    let text = text.trim_end_matches('.');
    format!(
        "{text} (row {}, {name}, line {}). The row is skipped.",
        source.row, source.line
    )
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
                    "{} more rows are skipped; `burnish inspect` and the Data room list them.",
                    self.count - TOLD
                ),
            });
        }
    }
}
