//! The job `score`: losses of given rows, token by token. The same rendering and encoding as for training.

use std::path::{Path, PathBuf};

use super::loaded::Loaded;
use super::{EngineError, Flags, Sink};
use crate::data;
use crate::formats::weights::{HostTensor, StoreType, write};
use crate::infer;
use crate::model::Decoder;
use crate::protocol::{Event, ModelRef, ScoreRows};
use crate::template::RenderOptions;
use crate::tokens;

/// One row to score.
struct Row {
    /// Its number in the file.
    row: usize,
    /// What messages call it.
    place: String,
    ids: Vec<u32>,
    mask: Vec<bool>,
}

/// Scores rows, streaming `Scored` events; rows that cannot be scored become warnings.
///
/// # Errors
/// The data, template, tokenizer or adapter cannot be used.
pub fn run(
    loaded: &mut Loaded,
    model: &ModelRef,
    rows: &ScoreRows,
    full_logits: Option<&PathBuf>,
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<(), EngineError> {
    let rows = match rows {
        ScoreRows::Ids(lists) => lists.iter().enumerate().map(from_ids).collect(),
        ScoreRows::File(path) => from_file(loaded, model, path, sink)?,
    };
    loaded.attach(model.adapter.as_deref())?;
    let (answering, ..) = loaded.answering(model.adapter.as_deref());
    let mut kept = vec![];
    for row in rows {
        if flags.stopped() {
            break;
        }
        match score(answering, &row, full_logits.is_some()) {
            Ok((event, logits)) => {
                sink(event);
                kept.extend(logits);
            }
            Err(error) => sink(Event::Warning {
                message: format!("{}: {error}", row.place),
            }),
        }
    }
    if let Some(path) = full_logits {
        write(path, &kept, StoreType::F32, &[("format", "pt")])?;
    }
    Ok(())
}

fn score(model: &Decoder, row: &Row, keep: bool) -> Result<(Event, Option<(String, HostTensor)>), EngineError> {
    let result = infer::score(model, &row.ids, keep)?;
    let supervised = row.mask.iter().skip(1).filter(|m| **m).count();
    let event = Event::Scored {
        row: row.row,
        tokens: row.ids.len(),
        supervised,
        loss: result.mean(&row.mask),
        nll: result.nll,
    };
    let logits = keep.then(|| {
        let shape = vec![row.ids.len(), model.config.vocab_size];
        let values = result.logits;
        (format!("logits.{}", row.row), HostTensor { shape, values })
    });
    Ok((event, logits))
}

fn from_ids((row, ids): (usize, &Vec<u32>)) -> Row {
    Row {
        row,
        place: format!("Row {row}"),
        ids: ids.clone(),
        mask: vec![true; ids.len()],
    }
}

fn from_file(loaded: &mut Loaded, model: &ModelRef, path: &Path, sink: Sink<'_>) -> Result<Vec<Row>, EngineError> {
    let set = data::read_file(path)?;
    for problem in set.problems {
        sink(Event::Warning {
            message: problem.message,
        });
    }
    let tokenizer = loaded.tokenizer()?;
    let chosen = tokens::choose(model.template.as_deref(), model.adapter.as_deref(), tokenizer)?;
    if let Some(message) = chosen.note {
        sink(Event::Warning { message });
    }
    let mut rows = vec![];
    for conversation in &set.conversations {
        let source = &conversation.source;
        let place = format!("Row {} ({}, line {})", source.row, source.file.display(), source.line);
        match tokens::prepare(&chosen.template, conversation, tokenizer, &RenderOptions::default()) {
            Ok((_, encoded)) => rows.push(Row {
                row: source.row,
                place,
                ids: encoded.ids,
                mask: encoded.mask,
            }),
            Err(error) => sink(Event::Warning {
                message: format!("{place}: {error}"),
            }),
        }
    }
    Ok(rows)
}
