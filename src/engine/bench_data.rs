//! The job `bench_data`: how fast a recipe's data is prepared anew, and how fast it is there again. Knows no model.

use std::time::Instant;

use super::prepare::{Cache, data_rows};
use super::train::chosen;
use super::{EngineError, Flags, Sink, peak_memory};
use crate::formats::places::find_model;
use crate::protocol::{DataTimes, Event};
use crate::recipe::Recipe;
use crate::tokens::Tokenizer;

/// Prepares the rows `runs` times anew, each time followed by taking them from the cache, then sends `DataTimed`. Loading the tokenizer
/// is not timed; reading the file, writing the cache and holding rows out is.
///
/// # Errors
/// A file, the tokenizer or the template cannot be used, or the user stopped.
pub fn run(recipe: &Recipe, runs: usize, sink: Sink<'_>, flags: &Flags) -> Result<(), EngineError> {
    let tokenizer = Tokenizer::load(&find_model(&recipe.model.path)?)?;
    let template = chosen(recipe, None, &tokenizer)?.template;
    let mut times = DataTimes {
        threads: rayon::current_num_threads(),
        ..DataTimes::default()
    };
    for _ in 0..runs {
        for (cache, seconds) in [(Cache::Renew, &mut times.anew), (Cache::Use, &mut times.kept)] {
            let start = Instant::now();
            let data = data_rows(recipe, &tokenizer, &template, cache, sink, flags)?;
            let taken = start.elapsed().as_secs_f64();
            times.rows = data.rows.len();
            times.tokens = data
                .rows
                .iter()
                .flat_map(|row| &row.examples)
                .map(|e| e.ids.len())
                .sum();
            // A file too small to be kept was made anew, which is no time of the cache.
            if cache == Cache::Renew || data.cached {
                seconds.push(taken);
            }
        }
    }
    times.peak_memory = peak_memory();
    sink(Event::DataTimed(times));
    Ok(())
}
