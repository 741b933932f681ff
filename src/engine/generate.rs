//! The job `generate`: a prompt in, tokens and text out as they come. Knows what was asked and what came of it, not how text becomes ids.

use super::loaded::Loaded;
use super::prompt::{self, Start};
use super::writer::{Writer, shown};
use super::{EngineError, Flags, Sink, StopTexts, stage};
use crate::infer::{self, Ended, Generation, Progress, Request};
use crate::protocol::{Ending, Event, ModelRef, Prompt, Reading, Sampling, StopReason};
use crate::tokens::Tokenizer;

/// What is asked for.
pub struct Asked<'a> {
    /// Who answers.
    pub model: &'a ModelRef,
    /// What is continued.
    pub prompt: &'a Prompt,
    /// How.
    pub sampling: &'a Sampling,
    /// Likeliest tokens to tell for the first place.
    pub logits_top: usize,
    /// Likeliest tokens to tell for every place.
    pub alternatives: usize,
}

/// Continues the prompt, streaming `Prompted` and `Token` events, then `Generated`.
///
/// # Errors
/// The template, tokenizer or adapter cannot be used, or the prompt does not fit.
pub fn run(loaded: &mut Loaded, asked: &Asked<'_>, sink: Sink<'_>, flags: &Flags) -> Result<(), EngineError> {
    let start = prompt::start(loaded, asked, sink)?;
    let adapter = asked.model.adapter.as_deref();
    loaded.attach(adapter)?;
    let sampling = asked.sampling;
    let request = Request {
        prompt: &start.ids,
        sampling: infer::Sampling {
            temperature: sampling.temperature,
            top_k: sampling.top_k,
            top_p: sampling.top_p,
            min_p: sampling.min_p,
            repetition_penalty: sampling.repetition_penalty,
            seed: sampling.seed,
        },
        max_tokens: sampling.max_tokens,
        stop_ids: &start.stop_ids,
        alternatives: asked.alternatives,
    };
    let (model, context, tokenizer) = loaded.answering(adapter);
    let stops = start.turn_text.iter().chain(&sampling.stop).cloned();
    let mut writer = Writer::new(tokenizer, StopTexts::new(stops));
    let mut reading = reading(&start, model.context());
    let mut told = false;
    let result = infer::generate_in(context, model, &request, &mut |progress| {
        let more = match progress {
            Progress::Reading { done, total } => {
                if !told {
                    told = true;
                    reading.reused_tokens = done;
                    let reading = reading.clone();
                    sink(Event::Prompted { reading });
                }
                if done > reading.reused_tokens {
                    // Only a long prompt is read in parts.
                    stage(sink, "Reading the conversation", done as u64, total as u64);
                }
                true
            }
            Progress::Token(picked) => writer.take(&picked, sink),
        };
        more && !flags.stopped()
    })?;
    let (text, stop_text) = writer.finish();
    let ended = ending(&result, stop_text, &start, tokenizer);
    sink(Event::Generated {
        stop: reason(&ended, &start),
        tokens_per_second: result.tokens_per_second,
        first_token_seconds: result.first_token_seconds,
        top: infer::likeliest(&result.first_logits, asked.logits_top, None)
            .into_iter()
            .map(|l| shown(l, tokenizer))
            .collect(),
        ended: Some(ended),
        ids: result.ids,
        text,
        reading,
        prompt_ids: start.ids,
    });
    Ok(())
}

fn reading(start: &Start, context: usize) -> Reading {
    Reading {
        prompt_tokens: start.ids.len(),
        reused_tokens: 0,
        context,
        dropped_turns: start.dropped.0,
        dropped_messages: start.dropped.1,
    }
}

fn ending(result: &Generation, stop_text: Option<String>, start: &Start, tokenizer: Option<&Tokenizer>) -> Ending {
    match (stop_text, result.ended) {
        (Some(text), _) if start.turn_text.as_ref() == Some(&text) => Ending::Turn { text },
        (Some(text), _) => Ending::StopText { text },
        (None, Ended::Id(id)) => {
            let text = tokenizer.map(|t| t.token_text(id)).unwrap_or_default();
            if start.turn_id == Some(id) {
                Ending::Turn { text }
            } else {
                Ending::Document { text }
            }
        }
        (None, Ended::Length) => Ending::MaxTokens,
        (None, Ended::Context) => Ending::Context,
        (None, Ended::Caller) => Ending::User,
    }
}

/// The same in the words of scripts: a stop id ends a turn, whichever it was.
fn reason(ended: &Ending, start: &Start) -> StopReason {
    match ended {
        Ending::Turn { .. } if start.turn_text.is_some() => StopReason::StopString,
        Ending::Turn { .. } | Ending::Document { .. } => StopReason::EndOfTurn,
        Ending::StopText { .. } => StopReason::StopString,
        Ending::MaxTokens | Ending::Context => StopReason::Length,
        Ending::User => StopReason::Cancelled,
    }
}
