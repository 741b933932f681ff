//! The job `bench_train`: how fast training steps are and what memory they take, on random weights of a named shape and random ids. Knows
//! no files: neither model nor data is needed.

use burn::tensor::Device;

use super::reserved::watched;
use super::train::{random_model, trainer_over};
use super::{EngineError, Flags, Sink, adapters, devices, memory, peak_memory, stage};
use crate::batch::{Example, Packed, collate};
use crate::formats::config::ModelConfig;
use crate::formats::shapes::shape;
use crate::infer::InferError;
use crate::protocol::{Event, TrainTimes};
use crate::recipe::{MethodKind, Recipe};
use crate::train::{Trained, Trainer};

/// Times `steps` optimizer steps after one that is not timed, then sends `TrainTimed`. `recipe.model.path` names the shape; method,
/// optimizer, batch and longest row are the recipe's, and every token is learned.
///
/// # Errors
/// The shape or the device is unknown, rows do not fit the context, the device failed, or the user stopped.
pub fn run(recipe: &Recipe, steps: usize, sink: Sink<'_>, flags: &Flags) -> Result<(), EngineError> {
    let unknown = |hint| EngineError::Unsupported {
        field: "--shape",
        value: recipe.model.path.clone(),
        hint,
    };
    let value =
        shape(&recipe.model.path).ok_or_else(|| unknown("Name one that `burnish bench train --help` lists."))?;
    let config = ModelConfig::from_value(&value).map_err(|_| unknown("Its config cannot be read."))?;
    let (device, info) = devices::open(&recipe.model.device)?;
    memory::forget_peak();
    let idle = memory::memory_now();
    stage(sink, "Making random weights", 0, 1);
    let batch = batch(recipe, config.vocab_size);
    let model = random_model(recipe, config, &device)?;
    let (tokens, limit) = (recipe.data.max_length, model.context());
    if tokens > limit {
        return Err(InferError::TooLong { tokens, limit }.into());
    }
    let trained = match recipe.method.kind {
        MethodKind::Full => Trained::Full,
        _ => adapters::fresh(recipe, &model, batch.ids.iter().copied(), &[], &device)?.into(),
    };
    let parameters = model.config.parameters();
    let mut trainer = trainer_over(recipe, model, trained, steps + 2)?;
    let micro_batches = vec![batch; recipe.batch.accumulation];
    let (seconds, loss) = timed(&mut trainer, &micro_batches, steps, sink, flags)?;
    let peak_memory = match devices::reserved(&device) {
        Some(_) => reserved_by_a_step(&mut trainer, &micro_batches, &device)?,
        None => peak_memory().saturating_sub(idle),
    };
    let learned = micro_batches.iter().map(Packed::tokens).sum::<usize>();
    sink(Event::TrainTimed(TrainTimes {
        shape: recipe.model.path.clone(),
        config: value,
        device: info.name,
        label: info.label,
        threads: rayon::current_num_threads(),
        parameters,
        trainable: trainer.trainable(),
        rows: recipe.batch.size * recipe.batch.accumulation,
        tokens,
        tokens_per_second: learned as f64 / median(&seconds),
        seconds,
        loss,
        peak_memory,
    }));
    Ok(())
}

/// Bytes that a GPU sets aside in one more step, without the copies that kernels were tuned on in the first.
fn reserved_by_a_step(trainer: &mut Trainer, micro_batches: &[Packed], device: &Device) -> Result<u64, EngineError> {
    device.memory_cleanup();
    let (step, reserved) = watched(device, || trainer.step(micro_batches));
    step?;
    Ok(reserved.unwrap_or_default())
}

/// Seconds of each step but the first, and the last one's loss.
fn timed(
    trainer: &mut Trainer,
    micro_batches: &[Packed],
    steps: usize,
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<(Vec<f64>, f64), EngineError> {
    let (mut seconds, mut loss) = (vec![], 0.0);
    for step in 0..=steps {
        if flags.stopped() {
            return Err(EngineError::Cancelled("The measurement was cancelled.".into()));
        }
        stage(sink, "Measuring", step as u64, steps as u64 + 1);
        // A step reads its loss and norm back, so that the one before has ended: no time is lost between two.
        let report = trainer.step(micro_batches)?;
        loss = report.loss;
        if step > 0 {
            seconds.push(report.seconds);
        }
    }
    Ok((seconds, loss))
}

/// Rows of ids spread over the vocabulary, all of them learned.
fn batch(recipe: &Recipe, vocabulary: usize) -> Packed {
    let (rows, len) = (recipe.batch.size, recipe.data.max_length);
    let example = |row: usize| Example {
        ids: (0..len)
            .map(|i| ((row * len + i) * 7919 % vocabulary.max(1)) as u32)
            .collect(),
        mask: vec![true; len],
        row,
    };
    let examples: Vec<Example> = (0..rows).map(example).collect();
    let each: Vec<Vec<usize>> = (0..rows).map(|row| vec![row]).collect();
    collate(&examples, &each, 0)
}

/// The middle value; infinity where there is none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::INFINITY)
}
