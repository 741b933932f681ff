//! Where each message's content and each assistant turn lies in the rendered text. What is uncertain is said, never
//! guessed. Knows marks and shapes, nothing of modes.
use std::ops::Range;

use super::ending::Shape;
use super::marks::{self, Found};
use crate::data::{Message, Role};

/// One stretch of the text that the assistant says: what may be learned.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Turn {
    /// Index of the message.
    pub message: usize,
    /// First byte after the header.
    pub start: usize,
    /// Where the content ends and the end of turn begins.
    pub content_end: usize,
    /// After the text that ends the turn.
    pub end: usize,
    /// The generation block, where the template has one.
    pub block: Option<Range<usize>>,
}

/// A rendered text with what is known of it.
pub(super) struct Ground<'a> {
    pub text: &'a str,
    pub messages: &'a [Message],
    pub shape: &'a Shape,
    /// Where each message's content lies.
    pub contents: Vec<Option<Range<usize>>>,
    pub problems: Vec<String>,
}

impl<'a> Ground<'a> {
    /// Takes the contents from marks, then looks for those that are missing.
    pub fn new(text: &'a str, messages: &'a [Message], shape: &'a Shape, found: Option<&Found>) -> Self {
        let mut ground = Ground {
            text,
            messages,
            shape,
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

    fn doubt(&mut self, message: usize, what: &str) {
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
    fn between(&self, i: usize) -> Range<usize> {
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
    fn around(&self, i: usize, range: &Range<usize>) -> Range<usize> {
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

    /// Assistant turns of a template with generation blocks.
    pub fn turns_of_blocks(&self, blocks: &[Range<usize>]) -> Vec<Turn> {
        let mut next = 0;
        let assistants: Vec<usize> = (0..self.messages.len())
            .filter(|i| self.messages[*i].role == Role::Assistant)
            .collect();
        let mut turns = Vec::new();
        for block in blocks {
            let inside = |i: &&usize| {
                let range = self.contents[**i].as_ref();
                range.is_some_and(|r| r.start <= block.end && r.end >= block.start)
            };
            // A block without a known content (a tool call) belongs to the first assistant message not yet passed.
            let Some(message) = assistants
                .iter()
                .find(inside)
                .or(assistants.get(next))
                .or(assistants.last())
            else {
                continue;
            };
            next = assistants.iter().position(|i| i == message).map_or(next, |at| at + 1);
            let start = self.start_in_block(block);
            let (content_end, end) = self.end_in_block(block);
            turns.push(Turn {
                message: *message,
                start,
                content_end: content_end.max(start),
                end: end.max(start),
                block: Some(block.clone()),
            });
        }
        turns
    }

    /// Where the end of turn begins and ends inside a block; at the block's end when it has none. White space after the
    /// marker is not part of the turn.
    fn end_in_block(&self, block: &Range<usize>) -> (usize, usize) {
        let text = self.text[block.clone()].trim_end();
        let region = self.shape.endings.iter().find_map(|ending| {
            let found = [&ending.region, &ending.marker]
                .into_iter()
                .find(|r| text.ends_with(r.as_str()));
            found.map(|r| r.trim_start().len())
        });
        match region {
            Some(length) => (block.start + text.len() - length, block.start + text.len()),
            None => (block.end, block.end),
        }
    }

    /// Assistant turns of a template without generation blocks, by header, content and end of turn.
    pub fn turns_by_shape(&mut self) -> Vec<Turn> {
        let mut turns: Vec<Turn> = Vec::new();
        for i in (0..self.messages.len()).filter(|i| self.messages[*i].role == Role::Assistant) {
            let said = turns.last().map_or(0, |t| t.end);
            let turn = match self.contents[i].clone() {
                Some(content) => Some(self.turn_around(i, content, said)),
                None => self.turn_without_content(i, said),
            };
            match turn {
                Some(turn) => turns.push(turn),
                None if self.messages[i].content.trim().is_empty() => {
                    self.doubt(
                        i,
                        "has no text of its own, and what the template made of it has no clear end, so nothing of it is learned",
                    );
                }
                None => self.doubt(i, "was not found in the rendered text, so it is not learned"),
            }
        }
        if self.shape.endings.is_empty() && !turns.is_empty() {
            let hint = "Set eos_token or use a template that ends answers with a special token";
            self.problems.push(format!(
                "No end-of-turn text follows the answers, so the model cannot learn to stop. {hint}."
            ));
        }
        turns
    }

    /// The turn around a known content: from the header (reasoning and the like included) to the end of turn.
    fn turn_around(&mut self, i: usize, content: Range<usize>, said: usize) -> Turn {
        let around = self.around(i, &content);
        let start = self
            .header_before(around.start.max(said), &content)
            .unwrap_or(content.start);
        if start > content.start {
            // The content's beginning was not marked and looked like the header's end.
            self.contents[i] = Some(start..content.end);
        }
        let ending = self.ending(content.end, around.end);
        if ending.is_none() && !self.shape.endings.is_empty() {
            self.doubt(i, "is not followed by the end-of-turn text, so its end is not learned");
        }
        let (content_end, end) = ending.unwrap_or((content.end, content.end));
        Turn {
            message: i,
            start,
            content_end,
            end,
            block: None,
        }
    }

    /// The turn of a message whose content is not in the text (a tool call): from its header to the first end of turn.
    fn turn_without_content(&self, i: usize, said: usize) -> Option<Turn> {
        let region = self.between(i);
        let start = self.header_end(region.start.max(said)..region.end)?;
        let (content_end, end) = self.ending(start, region.end)?;
        Some(Turn {
            message: i,
            start,
            content_end,
            end,
            block: None,
        })
    }

    /// The end of the first header in a region.
    fn header_end(&self, region: Range<usize>) -> Option<usize> {
        let text = self.text.get(region.clone())?;
        self.shape
            .headers
            .iter()
            .find_map(|h| text.find(h.as_str()).map(|at| region.start + at + h.len()))
    }

    /// The end of the header that begins after `from` and before a content; a `<think>` that opens the content may belong
    /// to the header.
    fn header_before(&self, from: usize, content: &Range<usize>) -> Option<usize> {
        let text = self.text.get(from..content.end)?;
        self.shape.headers.iter().find_map(|h| {
            let at = from + text.find(h.as_str())?;
            (at < content.start).then_some(at + h.len())
        })
    }

    /// Where a block really begins: after what the generation prompt says in it.
    fn start_in_block(&self, block: &Range<usize>) -> usize {
        let (before, inside) = (&self.text[..block.start], &self.text[block.clone()]);
        let overlap = |h: &str| {
            let cut = h
                .char_indices()
                .map(|(at, _)| at)
                .find(|at| before.ends_with(&h[..*at]) && inside.starts_with(&h[*at..]))?;
            Some(block.start + h.len() - cut)
        };
        self.shape
            .headers
            .iter()
            .find_map(|h| overlap(h))
            .unwrap_or(block.start)
    }

    /// Where the end of turn begins and ends: right at `from`, else at the first end-of-turn marker before `limit`.
    pub fn ending(&self, from: usize, limit: usize) -> Option<(usize, usize)> {
        let endings = &self.shape.endings;
        let near = endings
            .iter()
            .find(|e| self.text[from..].starts_with(&e.region))
            .map(|e| (from, from + e.region.len()));
        near.or_else(|| {
            let text = self.text.get(from..limit)?;
            let found = endings
                .iter()
                .filter_map(|e| text.find(&e.marker).map(|at| (from + at, from + at + e.marker.len())));
            found.min()
        })
    }
}
