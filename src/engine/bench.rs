//! The job `bench`: how fast a model reads and writes. Knows models and their caches; knows nothing of text.

use std::time::Instant;

use super::{EngineError, Flags, Loaded, Sink, peak_memory, stage};
use crate::infer::InferError;
use crate::model::{Cache, Decoder, Inputs};
use crate::protocol::{BenchKind, Event, ModelRef};

/// Tokens of the prompt that generation follows, as long as a question in a chat.
const PROMPT: usize = 18;

/// Times `runs` runs of `tokens` tokens after one that is not timed, then sends `Timed`.
///
/// # Errors
/// The tokens do not fit the model's context, the device failed, or the user stopped.
pub fn run(
    loaded: &mut Loaded,
    model: &ModelRef,
    what: BenchKind,
    (tokens, runs): (usize, usize),
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<(), EngineError> {
    let (decoder, _, _) = loaded.answering(model.adapter.as_deref());
    let limit = decoder.context();
    if tokens + PROMPT > limit {
        let tokens = tokens + PROMPT;
        return Err(InferError::TooLong { tokens, limit }.into());
    }
    let mut speeds = vec![];
    for run in 0..=runs {
        if flags.stopped() {
            return Err(EngineError::Cancelled("The measurement was cancelled.".into()));
        }
        stage(sink, "Measuring", run as u64, runs as u64 + 1);
        let seconds = match what {
            BenchKind::Prefill => prefill(decoder, tokens)?,
            BenchKind::Decode => decode(decoder, tokens)?,
        };
        if run > 0 {
            speeds.push(tokens as f64 / seconds);
        }
    }
    sink(Event::Timed {
        what,
        model: loaded.name.clone(),
        device: loaded.info.name.clone(),
        threads: rayon::current_num_threads(),
        tokens,
        tokens_per_second: median(&speeds),
        runs: speeds,
        peak_memory: peak_memory(),
    });
    Ok(())
}

/// Seconds to read a prompt of `tokens` ids and score what follows.
fn prefill(decoder: &Decoder, tokens: usize) -> Result<f64, InferError> {
    let start = Instant::now();
    read(decoder, &ids(decoder, tokens), &mut Cache::new(decoder.blocks.len()))?;
    Ok(start.elapsed().as_secs_f64())
}

/// Seconds to write `tokens` ids, always the likeliest, after a short prompt.
fn decode(decoder: &Decoder, tokens: usize) -> Result<f64, InferError> {
    let mut cache = Cache::new(decoder.blocks.len());
    let mut next = read(decoder, &ids(decoder, PROMPT), &mut cache)?;
    let start = Instant::now();
    for _ in 0..tokens {
        next = read(decoder, &[next], &mut cache)?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// Reads ids and returns the likeliest one to follow.
fn read(decoder: &Decoder, ids: &[u32], cache: &mut Cache) -> Result<u32, InferError> {
    let inputs = Inputs::following(decoder, ids, cache.len(), &decoder.device())?;
    let last = decoder.hidden(&inputs, Some(cache)).narrow(0, ids.len() - 1, 1);
    let scores = decoder.logits(last).try_into_data();
    let scores = scores
        .map_err(|e| InferError::Device(format!("{e:?}")))?
        .convert::<f32>();
    let best = scores.iter::<f32>().enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    Ok(best.map_or(0, |(id, _)| id as u32))
}

/// Ids spread over the vocabulary.
fn ids(decoder: &Decoder, count: usize) -> Vec<u32> {
    let vocabulary = decoder.config.vocab_size.max(1);
    (0..count).map(|i| (i * 7919 % vocabulary) as u32).collect()
}

/// The middle value; 0 where there is none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
