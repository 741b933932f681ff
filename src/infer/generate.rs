//! Token-by-token generation with the KV cache. Works on ids; knows no tokenizer and no template.

use std::time::Instant;

use super::likely::{Likely, likeliest};
use super::sample::{Sampler, Sampling};
use super::{Context, InferError};
use crate::model::Decoder;

/// Prompt tokens per forward pass; bounds the attention mask's memory and the time until a stop is heard.
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
    /// How many likeliest ids to tell for each token; 0 = none, and no probabilities.
    pub alternatives: usize,
}

/// What happens on the way. The listener's answer says whether to go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// The prompt is being read.
    Reading {
        /// Tokens read, those of before included.
        done: usize,
        /// Tokens of the prompt.
        total: usize,
    },
    /// A token was chosen.
    Token(Picked),
}

/// A chosen token.
#[derive(Clone, Debug, PartialEq)]
pub struct Picked {
    /// The id.
    pub id: u32,
    /// The likeliest ids at its place, the chosen one among them; empty unless asked for.
    pub likely: Vec<Likely>,
}

impl Picked {
    /// The chosen id's probability, where it was asked for.
    pub fn probability(&self) -> Option<f32> {
        self.likely.iter().find(|l| l.id == self.id).map(|l| l.probability)
    }
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// This stop id was chosen.
    Id(u32),
    /// The limit of new tokens was reached.
    Length,
    /// The model's context is full.
    Context,
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
    /// Tokens of the prompt that were remembered from before and not read again.
    pub reused: usize,
    /// From the call to the first token, in seconds.
    pub first_token_seconds: f64,
    /// Tokens per second after the first one; 0 where there was only one.
    pub tokens_per_second: f64,
    /// Scores of the first new token, one per id of the vocabulary; empty when stopped before.
    pub first_logits: Vec<f32>,
}

/// Continues a prompt with a fresh memory.
///
/// # Errors
/// As [`generate_in`].
pub fn generate(
    model: &Decoder,
    request: &Request<'_>,
    listener: &mut dyn FnMut(Progress) -> bool,
) -> Result<Generation, InferError> {
    generate_in(&mut Context::new(), model, request, listener)
}

/// Continues a prompt, reading only what `context` does not hold already; it then holds the prompt and the new tokens.
///
/// # Errors
/// The prompt is empty, too long or holds an id outside the vocabulary; or the scores are not finite.
pub fn generate_in(
    context: &mut Context,
    model: &Decoder,
    request: &Request<'_>,
    listener: &mut dyn FnMut(Progress) -> bool,
) -> Result<Generation, InferError> {
    let limit = model.context();
    let prompt = request.prompt;
    if prompt.is_empty() {
        return Err(InferError::EmptyPrompt);
    }
    if prompt.len() >= limit {
        return Err(InferError::TooLong {
            tokens: prompt.len(),
            limit,
        });
    }
    let start = Instant::now();
    let reused = context.keep(prompt);
    let mut result = Generation {
        ids: vec![],
        ended: Ended::Caller,
        reused,
        first_token_seconds: 0.0,
        tokens_per_second: 0.0,
        first_logits: vec![],
    };
    let Some(logits) = read_prompt(context, model, prompt, reused, listener)? else {
        return Ok(result);
    };
    result.first_logits = logits.clone();
    go_on(context, model, request, logits, &mut result, listener, start)?;
    Ok(result)
}

/// Reads the prompt from `from` on; `None` when the listener said stop.
fn read_prompt(
    context: &mut Context,
    model: &Decoder,
    prompt: &[u32],
    from: usize,
    listener: &mut dyn FnMut(Progress) -> bool,
) -> Result<Option<Vec<f32>>, InferError> {
    let mut logits = vec![];
    for part in prompt[from..].chunks(PREFILL) {
        let (done, total) = (context.ids().len(), prompt.len());
        if !listener(Progress::Reading { done, total }) {
            return Ok(None);
        }
        logits = context.read(model, part)?;
    }
    Ok(Some(logits))
}

/// The loop of choosing a token and reading it.
fn go_on(
    context: &mut Context,
    model: &Decoder,
    request: &Request<'_>,
    mut logits: Vec<f32>,
    result: &mut Generation,
    listener: &mut dyn FnMut(Progress) -> bool,
    start: Instant,
) -> Result<(), InferError> {
    let mut sampler = Sampler::new(request.sampling.clone(), request.prompt);
    let left = model.context() - request.prompt.len();
    let room = request.max_tokens.min(left);
    let (mut passes, mut first) = (0usize, start);
    result.ended = if left < request.max_tokens {
        Ended::Context
    } else {
        Ended::Length
    };
    while result.ids.len() < room {
        let position = context.ids().len();
        let id = sampler.pick(&logits).ok_or(InferError::NotFinite { position })?;
        if result.ids.is_empty() {
            first = Instant::now();
            result.first_token_seconds = (first - start).as_secs_f64();
        }
        if request.stop_ids.contains(&id) {
            result.ended = Ended::Id(id);
            break;
        }
        result.ids.push(id);
        let likely = likeliest(&logits, request.alternatives, Some(id));
        if !listener(Progress::Token(Picked { id, likely })) {
            result.ended = Ended::Caller;
            break;
        }
        if result.ids.len() < room {
            logits = context.read(model, &[id])?;
            passes += 1;
        }
    }
    let seconds = first.elapsed().as_secs_f64();
    if passes > 0 && seconds > 0.0 {
        result.tokens_per_second = passes as f64 / seconds;
    }
    Ok(())
}
