//! What to do when training runs out of memory: the same optimizer steps from smaller micro-batches. Knows the job, not the process.

use std::path::Path;

use super::runs::newest_checkpoint;
use crate::formats::checkpoint;
use crate::protocol::Job;

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
            format!(
                "{} rows at a time and accumulation {}",
                recipe.batch.size, recipe.batch.accumulation
            )
        }
        None if recipe.data.packing && !*unpacked => {
            *unpacked = true;
            "the conversations of a packed row one by one".into()
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
