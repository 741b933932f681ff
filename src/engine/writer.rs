//! Turns chosen ids into streamed text and tells each as an event. Knows stop texts, not models.

use super::{Sink, StopTexts};
use crate::infer::{Likely, Picked};
use crate::protocol::{Event, TopToken};
use crate::tokens::{Stream, Tokenizer};

/// The text of an answer as it comes.
pub struct Writer<'a> {
    /// None where ids are continued without a tokenizer: then there is no text.
    tokenizer: Option<&'a Tokenizer>,
    stream: Option<Stream<'a>>,
    stops: StopTexts,
    text: String,
    /// The stop text that came.
    stopped_by: Option<String>,
}

impl<'a> Writer<'a> {
    /// Nothing written yet.
    pub fn new(tokenizer: Option<&'a Tokenizer>, stops: StopTexts) -> Self {
        Self {
            tokenizer,
            stream: tokenizer.map(Tokenizer::stream),
            stops,
            text: String::new(),
            stopped_by: None,
        }
    }

    /// Takes a token; false when a stop text is complete.
    pub fn take(&mut self, picked: &Picked, sink: Sink<'_>) -> bool {
        let new = self.stream.as_mut().map(|s| s.push(picked.id)).unwrap_or_default();
        let (sure, stopped) = self.stops.push(&new);
        self.stopped_by = stopped;
        self.text.push_str(&sure);
        sink(Event::Token {
            id: picked.id,
            text: sure,
            probability: picked.probability(),
            alternatives: picked.likely.iter().map(|l| shown(*l, self.tokenizer)).collect(),
        });
        self.stopped_by.is_none()
    }

    /// The whole text, what was held back included, and the stop text that ended it.
    pub fn finish(mut self) -> (String, Option<String>) {
        if self.stopped_by.is_none() {
            let rest = self.stream.as_mut().map(Stream::finish).unwrap_or_default();
            let (sure, stopped) = self.stops.push(&rest);
            self.text.push_str(&sure);
            if stopped.is_none() {
                self.text.push_str(&self.stops.finish());
            }
            self.stopped_by = stopped;
        }
        (self.text, self.stopped_by)
    }
}

/// A likely token with its text; one that is a part of a character is written as the vocabulary writes it.
pub fn shown(likely: Likely, tokenizer: Option<&Tokenizer>) -> TopToken {
    let text = |t: &Tokenizer| {
        let text = t.token_text(likely.id);
        match t.raw_token(likely.id) {
            Some(raw) if text.contains(char::REPLACEMENT_CHARACTER) => raw,
            _ => text,
        }
    };
    TopToken {
        id: likely.id,
        text: tokenizer.map(text).unwrap_or_default(),
        logit: likely.logit,
        probability: likely.probability,
    }
}
