//! Token-by-token generation with the KV cache. Works on ids; knows no tokenizer and no template.

use std::time::Instant;

use burn::tensor::Tensor;

use super::InferError;
use super::sample::{Picked, Sampler, Sampling};
use crate::model::{Cache, Decoder, Inputs};

/// Prompt tokens per forward pass; bounds the attention mask's memory.
const PREFILL: usize = 256;

/// What to continue, and until when.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The prompt's ids.
    pub prompt: &'a [u32],
    /// How to choose tokens.
    pub sampling: Sampling,
    /// New tokens at most.
    pub max_tokens: usize,
    /// Ids that end the turn; they are not part of the result.
    pub stop_ids: &'a [u32],
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A stop id was chosen.
    Turn,
    /// The limit of new tokens or the context was reached.
    Length,
    /// The caller said stop.
    Caller,
}

/// A finished generation.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// The new ids without the stop id.
    pub ids: Vec<u32>,
    /// Why it ended.
    pub ended: Ended,
    /// New tokens per second, the prompt's pass not counted.
    pub tokens_per_second: f64,
    /// Scores of the first new token, one per id of the vocabulary.
    pub first_logits: Vec<f32>,
}

/// Continues a prompt; `on_token` sees each new token and says whether to go on.
///
/// # Errors
/// The prompt is empty, too long or holds an id outside the vocabulary; or the scores are not finite.
pub fn generate(
    model: &Decoder,
    request: &Request<'_>,
    on_token: &mut dyn FnMut(Picked) -> bool,
) -> Result<Generation, InferError> {
    let limit = model.config.max_position_embeddings;
    if request.prompt.is_empty() {
        return Err(InferError::EmptyPrompt);
    }
    if request.prompt.len() >= limit {
        return Err(InferError::TooLong {
            tokens: request.prompt.len(),
            limit,
        });
    }
    let mut cache = Cache::new(model.blocks.len());
    let mut logits = prefill(model, request.prompt, &mut cache)?;
    let mut sampler = Sampler::new(request.sampling.clone());
    let mut result = Generation {
        ids: vec![],
        ended: Ended::Length,
        tokens_per_second: 0.0,
        first_logits: logits.clone(),
    };
    let start = Instant::now();
    let room = request.max_tokens.min(limit - request.prompt.len());
    while result.ids.len() < room {
        let picked = sampler
            .pick(&logits)
            .ok_or(InferError::NotFinite { position: cache.len() })?;
        if request.stop_ids.contains(&picked.id) {
            result.ended = Ended::Turn;
            break;
        }
        result.ids.push(picked.id);
        if !on_token(picked) {
            result.ended = Ended::Caller;
            break;
        }
        if result.ids.len() < room {
            logits = next_logits(model, &[picked.id], &mut cache)?;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    result.tokens_per_second = if seconds > 0.0 {
        result.ids.len() as f64 / seconds
    } else {
        0.0
    };
    Ok(result)
}

fn prefill(model: &Decoder, prompt: &[u32], cache: &mut Cache) -> Result<Vec<f32>, InferError> {
    let mut logits = vec![];
    for part in prompt.chunks(PREFILL) {
        logits = next_logits(model, part, cache)?;
    }
    Ok(logits)
}

/// Feeds ids and returns the scores after the last one.
fn next_logits(model: &Decoder, ids: &[u32], cache: &mut Cache) -> Result<Vec<f32>, InferError> {
    let inputs = Inputs::following(&model.config, ids, cache.len(), &model.device())?;
    let hidden = model.hidden(&inputs, Some(cache));
    let last = hidden.narrow(0, ids.len() - 1, 1);
    read(model.logits(last))
}

/// The values of a tensor on the host.
pub(super) fn read(tensor: Tensor<2>) -> Result<Vec<f32>, InferError> {
    let data = tensor
        .inner()
        .try_into_data()
        .map_err(|e| InferError::Device(format!("{e:?}")))?;
    Ok(data.convert::<f32>().iter::<f32>().collect())
}
