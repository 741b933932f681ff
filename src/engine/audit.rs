//! The Audit job: a recipe's data prepared as for training, counted by the audit room. Knows no trainer; of the model it reads single
//! rows of the embedding.

use std::time::Instant;

use super::batches;
use super::prepare::{Cache, DataRows, PreparedRow, data_rows};
use super::train::{chosen, trains_markers};
use super::untrained::untrained;
use super::{EngineError, Flags, Sink, stage};
use crate::audit::{Audit, CountedRow, Pace, RowRef, Setting, Trains};
use crate::data::Kind;
use crate::formats::places::find_model;
use crate::protocol::Event;
use crate::recipe::{Init, MethodKind, Recipe};
use crate::tokens::Tokenizer;

/// Streams findings, the serious ones first, then the summary.
///
/// # Errors
/// A file, the tokenizer or the template cannot be used, or the user stopped.
pub fn run(recipe: &Recipe, sink: Sink<'_>, flags: &Flags) -> Result<(), EngineError> {
    let start = Instant::now();
    let model = find_model(&recipe.model.path)?;
    let tokenizer = Tokenizer::load(&model)?;
    let chosen = chosen(recipe, None, &tokenizer)?;
    let data = data_rows(recipe, &tokenizer, &chosen.template, Cache::Use, sink, flags)?;
    stage(sink, "Looking at the rows", 0, 1);
    let templated = data.rows.iter().any(is_chat);
    if let (Some(message), true) = (chosen.note, templated) {
        sink(Event::Warning { message });
    }
    let untrained = match recipe.model.init {
        Init::Random => vec![],
        Init::Weights => untrained(&model, &tokenizer, &special_ids(&data, &tokenizer), sink),
    };
    let mut audit = Audit::new(Setting {
        tokenizer: &tokenizer,
        template: if templated { chosen.template.name } else { String::new() },
        mode: recipe.data.mode,
        max_length: recipe.data.max_length,
        order: batches::options(recipe, Some(recipe.data.seed)),
        untrained,
        trains: trains(recipe, &tokenizer),
    });
    let read = data.rows.len();
    for row in &data.rows {
        count(&mut audit, row);
    }
    let (findings, mut summary) = audit.finish();
    let seconds = start.elapsed().as_secs_f64();
    summary.seen.clone_from(&data.seen);
    summary.pace = Pace {
        seconds,
        rows_per_second: read as f64 / seconds.max(1e-9),
        tokens_per_second: summary.tokens.all as f64 / seconds.max(1e-9),
        cached: data.cached,
    };
    for finding in findings {
        sink(Event::Finding(finding));
    }
    sink(Event::Audited {
        summary: Box::new(summary),
    });
    Ok(())
}

fn is_chat(row: &PreparedRow) -> bool {
    row.kind.is_some_and(|kind| kind != Kind::Text)
}

fn count(audit: &mut Audit<'_>, row: &PreparedRow) {
    let place = RowRef {
        file: row.file,
        row: row.row,
    };
    audit.add(&CountedRow {
        place,
        facts: &row.facts,
        examples: &row.examples,
        held_out: row.held_out,
        templated: is_chat(row),
    });
}

/// Which embedding rows the run trains.
fn trains(recipe: &Recipe, tokenizer: &Tokenizer) -> Trains {
    match recipe.method.kind {
        MethodKind::Full => Trains::Everything,
        MethodKind::Lora if trains_markers(recipe, tokenizer) => Trains::Markers,
        _ => Trains::Nothing,
    }
}

/// Special tokens that occur in the rows.
fn special_ids(data: &DataRows, tokenizer: &Tokenizer) -> Vec<u32> {
    let mut special = vec![false; tokenizer.vocab_size()];
    let mut found = vec![];
    for id in tokenizer.special_ids() {
        if let Some(place) = special.get_mut(id as usize) {
            *place = true;
        }
    }
    let ids = data.rows.iter().flat_map(|row| &row.examples).flat_map(|e| &e.ids);
    for id in ids {
        if let Some(place) = special.get_mut(*id as usize).filter(|place| **place) {
            *place = false;
            found.push(*id);
        }
    }
    found.sort_unstable();
    found
}
