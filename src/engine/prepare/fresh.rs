//! One file's rows made anew, on all cores. Knows no cache and no other file.

use std::path::Path;

use rayon::prelude::*;

use super::PreparedRow;
use crate::audit::{Fate, Inspector, RowFacts};
use crate::batch::Example;
use crate::data::{Conversation, Kind, RawRows, ReadOptions, prompt_key};
use crate::engine::{EngineError, Flags, Sink, stage};
use crate::template::{RenderOptions, Template};
use crate::tokens::{FitError, Tokenizer, fit, prepare};

/// Rows between two progress events.
const CHUNK: usize = 2048;

/// What every row of a pass is made with.
pub(super) struct Pass<'a> {
    pub template: &'a Template,
    pub tokenizer: &'a Tokenizer,
    pub options: RenderOptions,
    pub max_length: usize,
    inspector: Inspector<'a>,
}

impl<'a> Pass<'a> {
    pub fn new(template: &'a Template, tokenizer: &'a Tokenizer, options: RenderOptions, max_length: usize) -> Self {
        Self {
            inspector: Inspector::new(template, tokenizer, &options),
            template,
            tokenizer,
            options,
            max_length,
        }
    }

    /// Every row of a file, and the file's hash.
    pub fn file(&self, path: &Path, sink: Sink<'_>, flags: &Flags) -> Result<(Vec<PreparedRow>, String), EngineError> {
        let raw = RawRows::open(path)?;
        let (mut rows, total) = (Vec::with_capacity(raw.len()), raw.len());
        for start in (0..total).step_by(CHUNK) {
            if flags.stopped() {
                return Err(EngineError::Cancelled("Stopped while preparing the data.".into()));
            }
            let end = (start + CHUNK).min(total);
            rows.par_extend(
                (start..end)
                    .into_par_iter()
                    .with_min_len(16)
                    .map(|row| self.row(&raw, row)),
            );
            stage(sink, "Tokenising", end as u64, total as u64);
        }
        Ok((rows, raw.sha256().to_owned()))
    }

    fn row(&self, raw: &RawRows, row: usize) -> PreparedRow {
        let mut prepared = PreparedRow {
            file: 0,
            row,
            line: 0,
            kind: None,
            prompt: 0,
            held_out: false,
            facts: RowFacts::unused(Fate::Broken, 0),
            problem: String::new(),
            examples: vec![],
        };
        let Some(read) = raw.row(row, ReadOptions::default()) else {
            return prepared;
        };
        let Some((conversation, _)) = read.read else {
            prepared.problem = read
                .problems
                .into_iter()
                .next()
                .map_or_else(String::new, |problem| problem.message);
            return prepared;
        };
        prepared.line = conversation.source.line;
        prepared.kind = Some(conversation.kind);
        prepared.prompt = prompt_key(&conversation);
        let (facts, result) = match conversation.kind {
            Kind::Text => self.raw_text(&conversation),
            _ => self.conversation(&conversation),
        };
        prepared.facts = facts;
        match result {
            Ok(examples) => prepared.examples = examples,
            Err(problem) => prepared.problem = place(&conversation, &problem),
        }
        prepared
    }

    /// One example of a conversation, shortened by whole turns where it must be.
    fn conversation(&self, conversation: &Conversation) -> (RowFacts, Result<Vec<Example>, String>) {
        let fitted = fit(
            self.template,
            conversation,
            self.tokenizer,
            &self.options,
            self.max_length,
        );
        let fitted = match fitted {
            Ok(fitted) => fitted,
            Err(error) => {
                let facts = match &error {
                    FitError::Overlong(long) => RowFacts::unused(Fate::TooLong, long.tokens),
                    FitError::Prepare(_) => RowFacts::unused(Fate::Broken, 0),
                };
                return (facts, Err(error.to_string()));
            }
        };
        let example = Example::new(&fitted.encoded, conversation.source.row);
        if example.supervised() == 0 {
            let why = fitted.rendered.problems.into_iter().next();
            let why = why.unwrap_or_else(|| "nothing in it is learned".into());
            return (RowFacts::unused(Fate::NothingLearned, fitted.whole), Err(why));
        }
        let shortened = fitted.shortened(conversation);
        let facts = RowFacts {
            whole: fitted.whole.try_into().unwrap_or(u32::MAX),
            dropped: fitted.dropped.try_into().unwrap_or(u16::MAX),
            ..self.inspector.inspect(&shortened, &fitted.rendered, &fitted.encoded)
        };
        (facts, Ok(vec![example]))
    }

    /// The windows of a raw text.
    fn raw_text(&self, conversation: &Conversation) -> (RowFacts, Result<Vec<Example>, String>) {
        let (rendered, encoded) = match prepare(self.template, conversation, self.tokenizer, &self.options) {
            Ok(whole) => whole,
            Err(error) => return (RowFacts::unused(Fate::Broken, 0), Err(error.to_string())),
        };
        let windows = encoded
            .ids
            .chunks(self.max_length)
            .zip(encoded.mask.chunks(self.max_length));
        let examples: Vec<Example> = windows
            .filter(|(ids, _)| ids.len() > 1)
            .map(|(ids, mask)| Example {
                ids: ids.to_vec(),
                mask: mask.to_vec(),
                row: conversation.source.row,
            })
            .collect();
        if examples.is_empty() {
            let facts = RowFacts::unused(Fate::NothingLearned, encoded.ids.len());
            return (facts, Err("nothing in it is learned".into()));
        }
        (self.inspector.inspect(conversation, &rendered, &encoded), Ok(examples))
    }
}

/// `... (row 17, pirates.jsonl, line 18). The row is skipped.`
fn place(conversation: &Conversation, problem: &str) -> String {
    let source = &conversation.source;
    let name = source.file.file_name().map_or_else(
        || source.file.display().to_string(),
        |n| n.to_string_lossy().into_owned(),
    );
    let text = problem.trim_end_matches('.');
    format!(
        "{text} (row {}, {name}, line {}). The row is skipped.",
        source.row, source.line
    )
}
