//! The job `generate`: a prompt in, tokens and text out as they come. Knows templates and tokenizers, not training.

use std::path::PathBuf;
use std::sync::Arc;

use super::loaded::Loaded;
use super::stops::StopString;
use super::{EngineError, Flags, Sink};
use crate::data::{Conversation, Kind, Message, Role, Source, Split};
use crate::infer::{self, Ended, Generation, Picked, Request};
use crate::protocol::{ChatMessage, Event, ModelRef, Prompt, Sampling, StopReason, TopToken};
use crate::template::RenderOptions;
use crate::tokens::{self, Stream, Tokenizer};

/// What the model continues, and what ends it.
struct Start {
    ids: Vec<u32>,
    stop_ids: Vec<u32>,
    stop_string: String,
}

/// Continues the prompt, streaming `Token` events, then `Generated`.
///
/// # Errors
/// The template, tokenizer or adapter cannot be used, or the prompt does not fit.
pub fn run(
    loaded: &mut Loaded,
    model: &ModelRef,
    prompt: &Prompt,
    sampling: &Sampling,
    logits_top: usize,
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<(), EngineError> {
    let start = start(loaded, model, prompt, sink)?;
    loaded.attach(model.adapter.as_deref())?;
    let tokenizer = loaded.known_tokenizer();
    let mut writer = Writer {
        stream: tokenizer.map(Tokenizer::stream),
        stop: StopString::new(&start.stop_string),
        text: String::new(),
        stopped_by_string: false,
    };
    let request = Request {
        prompt: &start.ids,
        sampling: infer::Sampling {
            temperature: sampling.temperature,
            top_k: sampling.top_k,
            top_p: sampling.top_p,
            seed: sampling.seed,
        },
        max_tokens: sampling.max_tokens,
        stop_ids: &start.stop_ids,
    };
    let answering = loaded.answering(model.adapter.as_deref());
    let result = infer::generate(answering, &request, &mut |picked| {
        writer.take(picked, sink);
        !writer.stopped_by_string && !flags.stopped()
    })?;
    writer.finish();
    sink(Event::Generated {
        stop: reason(&result, writer.stopped_by_string),
        top: top(&result.first_logits, logits_top, tokenizer),
        prompt_ids: start.ids,
        ids: result.ids,
        text: writer.text,
        tokens_per_second: result.tokens_per_second,
    });
    Ok(())
}

/// Turns ids into streamed text.
struct Writer<'a> {
    /// None where ids are continued without a tokenizer: then there is no text.
    stream: Option<Stream<'a>>,
    stop: StopString,
    text: String,
    stopped_by_string: bool,
}

impl Writer<'_> {
    fn take(&mut self, picked: Picked, sink: Sink<'_>) {
        let new = self.stream.as_mut().map(|s| s.push(picked.id)).unwrap_or_default();
        let (sure, stopped) = self.stop.push(&new);
        self.stopped_by_string = stopped;
        self.text.push_str(&sure);
        sink(Event::Token {
            id: picked.id,
            text: sure,
            probability: Some(picked.probability),
        });
    }

    fn finish(&mut self) {
        if self.stopped_by_string {
            return;
        }
        let rest = self.stream.as_mut().map(Stream::finish).unwrap_or_default();
        let (sure, stopped) = self.stop.push(&rest);
        self.text.push_str(&sure);
        if !stopped {
            self.text.push_str(&self.stop.finish());
        }
    }
}

fn start(loaded: &mut Loaded, model: &ModelRef, prompt: &Prompt, sink: Sink<'_>) -> Result<Start, EngineError> {
    match prompt {
        Prompt::Ids(ids) => {
            // A tokenizer adds text and the ids that end a turn; without one there are only ids.
            let stop_ids = loaded.tokenizer().map(|t| t.eos_ids().to_vec()).unwrap_or_default();
            Ok(Start {
                ids: ids.clone(),
                stop_ids,
                stop_string: String::new(),
            })
        }
        Prompt::Raw(text) => {
            let tokenizer = loaded.tokenizer()?;
            let (ids, _) = tokenizer.encode(text)?;
            Ok(Start {
                ids,
                stop_ids: tokenizer.eos_ids().to_vec(),
                stop_string: String::new(),
            })
        }
        Prompt::Messages(messages) => chat_start(loaded, model, messages, sink),
    }
}

fn chat_start(
    loaded: &mut Loaded,
    model: &ModelRef,
    messages: &[ChatMessage],
    sink: Sink<'_>,
) -> Result<Start, EngineError> {
    let conversation = conversation(messages)?;
    let tokenizer = loaded.tokenizer()?;
    let chosen = tokens::choose(model.template.as_deref(), model.adapter.as_deref(), tokenizer)?;
    if let Some(message) = chosen.note {
        sink(Event::Warning { message });
    }
    let ready = tokens::prompt(&chosen.template, &conversation, tokenizer, &RenderOptions::default())?;
    let mut stop_ids = tokenizer.eos_ids().to_vec();
    stop_ids.extend(ready.end_id);
    // Where one token ends the turn, its text cannot come in another way.
    let stop_string = match ready.end_id {
        Some(_) => String::new(),
        None => ready.end_of_turn.unwrap_or_default(),
    };
    Ok(Start {
        ids: ready.ids,
        stop_ids,
        stop_string,
    })
}

/// Messages of a chat as a conversation.
///
/// # Errors
/// A role that does not exist.
pub fn conversation(messages: &[ChatMessage]) -> Result<Conversation, EngineError> {
    let one = |m: &ChatMessage| Ok(Message::new(role(&m.role)?, m.content.clone()));
    Ok(Conversation {
        messages: messages.iter().map(one).collect::<Result<_, EngineError>>()?,
        tools: None,
        kind: Kind::Chat,
        source: Source {
            file: Arc::new(PathBuf::new()),
            line: 0,
            row: 0,
        },
        split: Split::Train,
    })
}

fn role(name: &str) -> Result<Role, EngineError> {
    [Role::System, Role::User, Role::Assistant, Role::Tool]
        .into_iter()
        .find(|r| r.as_str() == name)
        .ok_or_else(|| EngineError::Role(name.into()))
}

fn reason(result: &Generation, by_string: bool) -> StopReason {
    match result.ended {
        Ended::Turn => StopReason::EndOfTurn,
        Ended::Length => StopReason::Length,
        Ended::Caller if by_string => StopReason::StopString,
        Ended::Caller => StopReason::Cancelled,
    }
}

/// The `count` best tokens with their probabilities (temperature 1, nothing cut), the lower id first among equals.
fn top(logits: &[f32], count: usize, tokenizer: Option<&Tokenizer>) -> Vec<TopToken> {
    if count == 0 {
        return vec![];
    }
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|x| f64::from(x - max).exp()).sum();
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
    let one = |id: usize| TopToken {
        id: id as u32,
        text: tokenizer.map(|t| t.token_text(id as u32)).unwrap_or_default(),
        logit: logits[id],
        probability: (f64::from(logits[id] - max).exp() / total) as f32,
    };
    order.into_iter().take(count).map(one).collect()
}
