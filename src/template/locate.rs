//! Where each message's content lies in the rendered text. What is uncertain is said, never guessed. Knows marks, nothing of
//! turns or modes.
use std::ops::Range;

use super::ending::Shape;
use super::marks::{self, Found};
use crate::data::{Message, Role};

/// A rendered text with what is known of it.
pub(super) struct Ground<'a> {
    pub text: &'a str,
    pub messages: &'a [Message],
    pub shape: &'a Shape,
    /// The text of the first messages alone, with or without the prompt for an answer; None where the template refuses them.
    pub prefix: &'a dyn Fn(usize, bool) -> Option<String>,
    /// Where each message's content lies.
    pub contents: Vec<Option<Range<usize>>>,
    pub problems: Vec<String>,
}

impl<'a> Ground<'a> {
    /// Takes the contents from marks, then looks for those that are missing.
    pub fn new(
        text: &'a str,
        messages: &'a [Message],
        shape: &'a Shape,
        found: Option<&Found>,
        prefix: &'a dyn Fn(usize, bool) -> Option<String>,
    ) -> Self {
        let mut ground = Ground {
            text,
            messages,
            shape,
            prefix,
            contents: vec![None; messages.len()],
            problems: Vec::new(),
        };
        for content in found.iter().flat_map(|f| &f.contents) {
            let Some(message) = messages.get(content.message) else {
                continue;
            };
            let range = marks::range(text, content, &message.content);
            let old = ground.contents[content.message].replace(range);
            if old.is_some() && message.role == Role::Assistant {
                ground.doubt(
                    content.message,
                    "appears more than once in the rendered text; its last appearance is taken",
                );
            }
        }
        ground.search_missing();
        ground
    }

    pub fn doubt(&mut self, message: usize, what: &str) {
        self.problems.push(format!(
            "Message {} ({}) {what}.",
            message + 1,
            self.messages[message].role.as_str()
        ));
    }

    /// Finds contents that no mark told of where their text stands exactly once between their neighbours.
    fn search_missing(&mut self) {
        for i in 0..self.messages.len() {
            let core = self.messages[i].content.trim();
            if self.contents[i].is_some() || core.is_empty() {
                continue;
            }
            let region = self.between(i);
            let mut places = self.text[region.clone()]
                .match_indices(core)
                .map(|(at, _)| region.start + at);
            match (places.next(), places.next()) {
                (Some(at), None) => self.contents[i] = Some(at..at + core.len()),
                (Some(_), Some(_)) if self.messages[i].role == Role::Assistant => {
                    self.doubt(
                        i,
                        "has a text that stands at several places of the rendered text, so it is not learned",
                    );
                }
                _ => {}
            }
        }
    }

    /// The text between the contents before and after message `i` in the conversation.
    pub fn between(&self, i: usize) -> Range<usize> {
        let start = self.contents[..i].iter().flatten().map(|r| r.end).max().unwrap_or(0);
        let end = self.contents[i + 1..]
            .iter()
            .flatten()
            .map(|r| r.start)
            .min()
            .unwrap_or(self.text.len());
        start..end.max(start)
    }

    /// The text between the contents that stand before and after `range`.
    pub fn around(&self, i: usize, range: &Range<usize>) -> Range<usize> {
        let others = || {
            self.contents
                .iter()
                .enumerate()
                .filter(|(j, _)| *j != i)
                .filter_map(|(_, r)| r.as_ref())
        };
        let start = others()
            .map(|r| r.end)
            .filter(|end| *end <= range.start)
            .max()
            .unwrap_or(0);
        let end = others()
            .map(|r| r.start)
            .filter(|start| *start >= range.end)
            .min()
            .unwrap_or(self.text.len());
        start..end
    }
}
