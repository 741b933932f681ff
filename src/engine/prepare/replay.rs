//! Replay against forgetting: general examples mixed into the training rows (Robins 1995, "Catastrophic forgetting, rehearsal and
//! pseudorehearsal"). Knows examples, not what they teach.

use std::sync::Arc;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Cache, DataRows, Origin, Prepared, data_rows};
use crate::batch::Example;
use crate::engine::{EngineError, Flags, Sink};
use crate::protocol::Event;
use crate::recipe::Recipe;
use crate::template::Template;
use crate::tokens::Tokenizer;

/// Adds so many rows of the recipe's replay files that they are `replay_share` percent of all training rows. Which ones follows from the
/// seed; files with fewer rows give each of them more than once.
///
/// # Errors
/// A file cannot be read, or the user stopped.
pub(super) fn mix_in(
    prepared: &mut Prepared,
    recipe: &Recipe,
    tokenizer: &Tokenizer,
    template: &Template,
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<(), EngineError> {
    let share = recipe.data.replay_share / 100.0;
    if recipe.data.replay.is_empty() || share == 0.0 {
        return Ok(());
    }
    let mut general = recipe.clone();
    general.data.files.clone_from(&recipe.data.replay);
    general.data.split = 0.0;
    let DataRows { rows, sha256, .. } = data_rows(&general, tokenizer, template, Cache::Use, sink, flags)?;
    prepared.replay_sha256 = sha256;
    let first_file = prepared.files.len();
    prepared.files.extend(recipe.data.replay.iter().cloned().map(Arc::new));
    let mut pool: Vec<Example> = vec![];
    for row in rows {
        let Some(kind) = row.kind else { continue };
        let index = prepared.rows.len();
        pool.extend(row.examples.into_iter().map(|e| Example { row: index, ..e }));
        prepared.rows.push(Origin {
            file: first_file + row.file,
            row: row.row,
            line: row.line,
            kind,
            held_out: false,
        });
    }
    let wanted = (prepared.train.len() as f64 * share / (1.0 - share)).round() as usize;
    if pool.is_empty() {
        sink(Event::Warning {
            message: "No row of the replay files can be learned from, so none is mixed in.".into(),
        });
        return Ok(());
    }
    pool.shuffle(&mut ChaCha8Rng::seed_from_u64(recipe.data.seed ^ 0x5EED));
    prepared.train.extend(pool.into_iter().cycle().take(wanted));
    Ok(())
}
