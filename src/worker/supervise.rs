//! What to do when training runs out of memory: the same optimizer steps from smaller micro-batches, now and whenever the run is resumed.
//! Knows the job, not the process.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::runs::newest_checkpoint;
use crate::formats::checkpoint;
use crate::formats::weights::write_whole;
use crate::protocol::Job;

/// What `micro_batch.json` of a run folder remembers of a lack of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Fits {
    /// Rows of a micro-batch, at most.
    rows: usize,
    /// Are the conversations of a packed row taken one by one?
    unpacked: bool,
}

fn fits_path(run_dir: &Path) -> PathBuf {
    run_dir.join("micro_batch.json")
}

/// Keeps the micro-batch of a second try in its run folder, for those who resume the run later.
pub fn remember(job: &Job) {
    let Job::Train {
        recipe,
        run_dir,
        unpacked,
        ..
    } = job
    else {
        return;
    };
    let fits = Fits {
        rows: recipe.batch.size,
        unpacked: *unpacked,
    };
    let path = fits_path(run_dir);
    let written = serde_json::to_vec(&fits).map(|text| write_whole(&path, &text));
    if !matches!(written, Ok(Ok(()))) {
        // The run is worth more; one that is resumed without it runs out of memory once more and finds it again.
        eprintln!("{} could not be written.", path.display());
    }
}

/// The job with the micro-batch that its run has found to fit; `None` where it is no larger already. A run that begins anew has found
/// nothing yet.
pub fn as_before(job: &Job) -> Option<SecondTry> {
    let mut job = job.clone();
    let Job::Train {
        recipe,
        run_dir,
        resume,
        unpacked,
        ..
    } = &mut job
    else {
        return None;
    };
    let path = fits_path(run_dir);
    if !*resume {
        // Of a run that had no checkpoint yet; without a file there is nothing to remove.
        let _ = std::fs::remove_file(path);
        return None;
    }
    let fits: Fits = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let mut how = vec![];
    let size = recipe.batch.size;
    if size > fits.rows {
        let rows = largest_divisor(size, fits.rows);
        recipe.batch.size = rows;
        recipe.batch.accumulation *= size / rows;
        how.push(at_a_time(rows, recipe.batch.accumulation));
    }
    if fits.unpacked && recipe.data.packing && !*unpacked {
        *unpacked = true;
        how.push(ONE_BY_ONE.into());
    }
    let message = format!(
        "This run has run out of memory before. It goes on with {}; the result is the same, only slower.",
        how.join(", and ")
    );
    (!how.is_empty()).then_some(SecondTry { job, message })
}

const ONE_BY_ONE: &str = "the conversations of a packed row one by one";

fn at_a_time(rows: usize, accumulation: usize) -> String {
    let noun = if rows == 1 { "row" } else { "rows" };
    format!("{rows} {noun} at a time and accumulation {accumulation}")
}

/// A way on after a lack of memory.
#[derive(Debug)]
pub struct SecondTry {
    /// The job to start.
    pub job: Job,
    /// What the user is told.
    pub message: String,
}

/// The same job with a smaller micro-batch and more accumulation, so that an optimizer step sees the same rows; from the last
/// checkpoint where there is one. A single packed row is taken conversation by conversation. `None` when a micro-batch is one
/// conversation already.
pub fn second_try(job: &Job) -> Option<SecondTry> {
    let mut job = job.clone();
    let Job::Train {
        recipe,
        run_dir,
        resume,
        unpacked,
        ..
    } = &mut job
    else {
        return None;
    };
    let size = recipe.batch.size;
    let how = match smallest_factor(size) {
        Some(factor) => {
            recipe.batch.size /= factor;
            recipe.batch.accumulation *= factor;
            at_a_time(recipe.batch.size, recipe.batch.accumulation)
        }
        None if recipe.data.packing && !*unpacked => {
            *unpacked = true;
            ONE_BY_ONE.into()
        }
        None => return None,
    };
    let from = newest_checkpoint(run_dir);
    // Damaged checkpoints are put aside by a run that resumes.
    *resume = !checkpoint::all(run_dir).is_empty();
    let message = format!(
        "Training ran out of memory with {size} rows at a time. It goes on from {} with {how}; the result is the same, only slower.",
        start(from.as_ref().map(|(_, path)| path.as_path())),
    );
    Some(SecondTry { job, message })
}

fn start(checkpoint: Option<&Path>) -> String {
    match checkpoint.and_then(Path::file_name) {
        Some(name) => name.to_string_lossy().into_owned(),
        None => "the beginning".into(),
    }
}

/// The smallest factor above 1; `None` for 1 and less.
fn smallest_factor(number: usize) -> Option<usize> {
    (2..=number).find(|factor| number.is_multiple_of(*factor))
}

/// The largest divisor of a number that is not above `most`; 1 at least.
fn largest_divisor(number: usize, most: usize) -> usize {
    let mut down = (1..=most.min(number)).rev();
    down.find(|divisor| number.is_multiple_of(*divisor)).unwrap_or(1)
}
