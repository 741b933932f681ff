//! Where each assistant turn lies in the rendered text: by generation blocks, or by header, content and end of turn, and by
//! rendering the conversation up to a turn where those do not tell. Knows marks and shapes, nothing of modes.
use std::ops::Range;

use super::ending::{marker_at, whole_marker};
use super::locate::Ground;
use super::marks::common_prefix;
use crate::data::Role;

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

impl Ground<'_> {
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
            let start = match self.prompted(*message) {
                Some(at) if start == block.start && (block.start..block.end).contains(&at) => at,
                _ => start,
            };
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
            let empty = self.messages[i].content.trim().is_empty();
            let without = match empty && self.messages[i].tool_calls.is_some() {
                true => self.turn_without_content(i, said),
                false => None,
            };
            let turn = match self.contents[i].clone() {
                _ if without.is_some() => without,
                Some(content) => Some(self.turn_around(i, content, said)),
                None => self.turn_without_content(i, said),
            };
            match turn {
                Some(turn) => {
                    if self.contents[i].is_none() && turn.content_end == turn.end {
                        self.endless(i, turn.end);
                    }
                    if !empty && self.contents[i].is_none() {
                        self.doubt(
                            i,
                            "is not shown by the template as it is: only what stands in its place is learned",
                        );
                    }
                    turns.push(turn);
                }
                None if empty => {
                    self.doubt(
                        i,
                        "has no text of its own, and what the template made of it has no clear end, so nothing of it is learned",
                    );
                }
                None => self.doubt(i, "was not found in the rendered text, so it is not learned"),
            }
        }
        turns.extend(turns.last().and_then(|last| self.end_of_text(last)));
        if self.shape.endings.is_empty() && !turns.is_empty() {
            let hint = "Set eos_token or use a template that ends answers with a special token";
            self.problems.push(format!(
                "No end-of-turn text follows the answers, so the model cannot learn to stop. {hint}."
            ));
        }
        turns
    }

    /// The eos_token with which a template ends a text whose last message is the assistant's.
    fn end_of_text(&self, last: &Turn) -> Option<Turn> {
        let rest = &self.text[last.end..];
        let at = last.end + rest.len() - rest.trim_start().len();
        let (eos, message) = (&self.shape.eos, last.message);
        let ends = message + 1 == self.messages.len() && !eos.is_empty() && rest.trim() == eos;
        ends.then(|| Turn {
            message,
            start: at,
            content_end: at,
            end: at + eos.len(),
            block: None,
        })
    }

    /// The turn around a known content: from the header (reasoning and the like included) to the end of turn.
    fn turn_around(&mut self, i: usize, content: Range<usize>, said: usize) -> Turn {
        let around = self.around(i, &content);
        let start = self
            .header_before(around.start.max(said), &content)
            .or_else(|| {
                self.prompted(i)
                    .filter(|at| (around.start.max(said)..=content.start).contains(at))
            })
            .unwrap_or(content.start);
        if start > content.start {
            // The content's beginning was not marked and looked like the header's end.
            self.contents[i] = Some(start..content.end);
        }
        let opener = || self.shape.borrowed.then(|| self.next_opener(content.end)).flatten();
        let ending = self
            .called(i, content.end, around.end)
            .or_else(opener)
            .or_else(|| self.ending(content.end, around.end));
        let (content_end, end) = ending.unwrap_or_else(|| {
            let merged = self.merged(i, around.end);
            if merged.is_none() && !self.shape.endings.is_empty() {
                self.endless(i, content.end);
            }
            merged.unwrap_or((content.end, content.end))
        });
        Turn {
            message: i,
            start,
            content_end,
            end,
            block: None,
        }
    }

    /// Says that a turn has no end at `end`.
    fn endless(&mut self, i: usize, end: usize) {
        let last = self.text[end..].trim().is_empty();
        self.doubt(
            i,
            if last {
                "ends the text without an end-of-turn token, so the model does not learn to stop there"
            } else {
                "is not followed by the end-of-turn text, so its end is not learned"
            },
        );
    }

    /// The end of an answer that the template joins with the next message, the assistant's too: where that begins.
    fn merged(&self, i: usize, next: usize) -> Option<(usize, usize)> {
        let follows = self.messages.get(i + 1).is_some_and(|m| m.role == Role::Assistant);
        let joined = follows && self.contents[i + 1].as_ref().is_some_and(|r| r.start == next);
        let gap = self.contents[i].as_ref().and_then(|r| self.text.get(r.end..next))?;
        let header = |h: &String| gap.contains(h.trim());
        let joined = joined && !self.shape.headers.iter().any(header);
        joined.then_some((next, next))
    }

    /// The turn of a message whose content is not in the text (a tool call): from its header to the first end of turn.
    fn turn_without_content(&self, i: usize, said: usize) -> Option<Turn> {
        let region = self.between(i);
        let region = region.start.max(said)..region.end;
        let prompted = || self.prompt_end(i).filter(|at| region.contains(at));
        let start = self.header_end(region.clone()).or_else(prompted)?;
        let whole = self.text.trim_end().len();
        let open = || (self.shape.borrowed && i + 1 == self.messages.len() && whole >= start).then_some((whole, whole));
        let (content_end, end) = self
            .called(i, start, region.end)
            .or_else(|| self.ending(start, region.end))
            .or_else(open)?;
        Some(Turn {
            message: i,
            start,
            content_end,
            end,
            block: None,
        })
    }

    /// Where an answer after a tool's result begins: where the prompt for it ends. Templates need no header there.
    fn prompted(&self, i: usize) -> Option<usize> {
        let after_tool = i > 0 && self.messages[i - 1].role == Role::Tool;
        after_tool.then(|| self.prompt_end(i))?
    }

    /// Where the prompt for a message ends in the text, if the text begins with it.
    fn prompt_end(&self, i: usize) -> Option<usize> {
        let prompt = (self.prefix)(i, true)?;
        self.text.starts_with(&prompt).then_some(prompt.len())
    }

    /// The end of a turn with tool calls, which may have an end of its own: where the text up to that turn ends.
    fn called(&self, i: usize, start: usize, limit: usize) -> Option<(usize, usize)> {
        self.messages[i].tool_calls.as_ref()?;
        if self.shape.calls_end_alike {
            return None;
        }
        let alone = (self.prefix)(i + 1, false)?;
        let last = self.turn_end(&alone, alone.len());
        let shared = whole_marker(&alone, common_prefix(&alone, self.text));
        if shared >= last.1 && self.shape.borrowed {
            return (last.1 > start).then(|| self.next_opener(last.1).unwrap_or((last.1, last.1)));
        }
        if shared >= last.1 {
            return (last.1 > start).then(|| (last.0.max(start), last.1));
        }
        // Alone, the turn is written in another way; it still ends with the same marker.
        let marker = Some(&alone[last.0..last.1]).filter(|m| !m.is_empty())?;
        let at = start + self.text.get(start..limit)?.rfind(marker)?;
        Some((at, at + marker.len()))
    }

    /// Where what opens the next turn ends this one: a marker right after it that opens no answer.
    fn next_opener(&self, end: usize) -> Option<(usize, usize)> {
        let rest = &self.text[end..];
        let blank = rest.len() - rest.trim_start().len();
        let marker = &rest[blank..][..marker_at(&rest[blank..], &self.shape.eos)?];
        let answer = self.shape.headers.iter().any(|h| h.trim_start().starts_with(marker));
        (!answer).then_some((end, end + blank + marker.len()))
    }

    /// Begin and end of the marker that ends the turn at the end of a text, behind which a template may open what comes next
    /// or end the whole text; an empty range where there is no marker.
    fn turn_end(&self, text: &str, end: usize) -> (usize, usize) {
        let mut end = text[..end].trim_end().len();
        while let Some(at) = self.last_marker(text, end) {
            let (marker, before) = (&text[at..end], text[..at].trim_end().len());
            let ending = |at: usize| self.is_ending(&text[at..before]);
            let ends_text = marker == self.shape.eos && self.last_marker(text, before).is_some_and(ending);
            if !opens(marker) && !ends_text {
                return (at, end);
            }
            end = before;
        }
        (end, end)
    }

    /// Is this a marker that ends a turn?
    fn is_ending(&self, marker: &str) -> bool {
        self.shape.endings.iter().any(|e| e.marker == marker)
    }

    /// Where the marker begins that ends right at `end`.
    fn last_marker(&self, text: &str, end: usize) -> Option<usize> {
        let at = text[..end].rfind(['<', '['])?;
        (marker_at(&text[at..end], &self.shape.eos) == Some(end - at)).then_some(at)
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

/// Is this marker one that opens something (`<|tool_response>`, where `<tool_response|>` closes it)?
fn opens(marker: &str) -> bool {
    marker.starts_with("<|") && !marker.ends_with("|>")
}
