//! Marks: characters that no text holds, put around contents and generation blocks before rendering and taken out after,
//! so that the template itself tells where each content went. Knows text, not templates.
use std::ops::Range;

use crate::data::{Message, Role};

/// First character of the private area that marks come from, and how many characters one set takes.
const AREA: u32 = 0x10_F000;
const SET: u32 = 32;
/// Sets to choose from.
const SETS: u32 = 64;
/// The first byte of every mark in UTF-8, and of nothing else but the two last planes.
const FIRST_BYTE: u8 = 0xF4;
/// Digits of a message number, in base 16.
const DIGITS: usize = 5;

/// Which contents are marked: from all to none, as far as the template's text stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Every content, empty ones too.
    All,
    /// Every content that is not empty.
    Filled,
    /// Assistant contents that are not empty.
    Assistant,
    /// No content: generation blocks only.
    None,
}

/// One set of mark characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    base: u32,
    level: Level,
}

/// Where marks were found in a text that has been freed of them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    /// The text without marks.
    pub text: String,
    /// Contents in the order of the text: message, start where it was marked, end where it was marked.
    pub contents: Vec<Content>,
    /// Generation blocks in the order of the text.
    pub blocks: Vec<Range<usize>>,
}

/// One appearance of a message's content; a template that cuts it may lose one of its marks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Content {
    pub message: usize,
    pub start: Option<usize>,
    pub end: Option<usize>,
}

impl Marks {
    /// A set of characters that appears in none of the texts; None when all are taken.
    pub fn absent_from<'a>(texts: impl Iterator<Item = &'a str>) -> Option<Marks> {
        // Ordinary texts are told by one byte, without a look at each character.
        let texts: Vec<&str> = texts.filter(|t| t.as_bytes().contains(&FIRST_BYTE)).collect();
        let used = |base: u32| {
            let range = base..base + SET;
            texts.iter().any(|t| t.chars().any(|c| range.contains(&(c as u32))))
        };
        let base = (0..SETS).map(|i| AREA + i * SET).find(|base| !used(*base))?;
        Some(Marks {
            base,
            level: Level::All,
        })
    }

    /// The same characters around other contents.
    pub fn at(self, level: Level) -> Marks {
        Marks { level, ..self }
    }

    fn char(self, offset: u32) -> char {
        char::from_u32(self.base + offset).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    /// Marks before and after a generation block.
    pub fn block(self) -> (String, String) {
        (self.char(2).to_string(), self.char(3).to_string())
    }

    /// The content with marks around what is left when white space is trimmed from it.
    pub fn content(self, index: usize, message: &Message) -> String {
        let text = &message.content;
        let core = text.trim();
        let wanted = match self.level {
            Level::All => true,
            Level::Filled => !core.is_empty(),
            Level::Assistant => !core.is_empty() && message.role == Role::Assistant,
            Level::None => false,
        };
        if !wanted || index >= 1 << (4 * DIGITS) {
            return text.clone();
        }
        let lead = &text[..text.len() - text.trim_start().len()];
        let tail = &text[lead.len() + core.len()..];
        let number: String = (0..DIGITS)
            .rev()
            .map(|d| self.char(16 + (index >> (4 * d)) as u32 % 16))
            .collect();
        format!("{lead}{}{number}{core}{}{number}{tail}", self.char(0), self.char(1))
    }

    /// Takes the marks out of a text and tells where they were.
    pub fn strip(self, marked: &str) -> Found {
        let mut found = Found {
            text: String::with_capacity(marked.len()),
            ..Found::default()
        };
        let mut open_blocks = Vec::new();
        let mut rest = marked;
        while let Some(at) = rest.as_bytes().iter().position(|b| *b == FIRST_BYTE) {
            found.text.push_str(&rest[..at]);
            let mut chars = rest[at..].chars();
            let Some(c) = chars.next() else { break };
            let at = found.text.len();
            match (c as u32).checked_sub(self.base).filter(|offset| *offset < SET) {
                None => found.text.push(c),
                Some(kind @ (0 | 1)) => {
                    let message = self.number(&mut chars);
                    found.add(message, kind == 0, at);
                }
                Some(2) => open_blocks.push(at),
                Some(3) => {
                    if let Some(start) = open_blocks.pop() {
                        found.blocks.push(start..at);
                    }
                }
                // A digit without its mark: the template cut a mark in two.
                Some(_) => {}
            }
            rest = chars.as_str();
        }
        found.text.push_str(rest);
        found.blocks.sort_by_key(|b| (b.start, b.end));
        found
    }

    /// The message number that follows a content mark.
    fn number(self, chars: &mut std::str::Chars) -> usize {
        let digit = |c: char| (c as u32).wrapping_sub(self.base + 16) as usize % 16;
        chars.by_ref().take(DIGITS).fold(0, |n, c| n * 16 + digit(c))
    }
}

impl Found {
    /// Notes a content mark: an end belongs to the last open start of its message.
    fn add(&mut self, message: usize, is_start: bool, at: usize) {
        if !is_start
            && let Some(open) = self
                .contents
                .iter_mut()
                .rev()
                .find(|c| c.message == message && c.end.is_none())
        {
            open.end = Some(at);
            return;
        }
        let (start, end) = if is_start { (Some(at), None) } else { (None, Some(at)) };
        self.contents.push(Content { message, start, end });
    }
}

/// The byte range of one content, with white space that the template kept around it; where the template cut the content,
/// as much of it as still stands beside the mark that is left.
pub(super) fn range(text: &str, content: &Content, whole: &str) -> Range<usize> {
    let core = whole.trim();
    let (mut start, mut end) = match (content.start, content.end) {
        (Some(start), Some(end)) => (start, end),
        (None, Some(end)) => (end - common_suffix(&text[..end], core), end),
        (Some(start), None) => (start, start + common_prefix(&text[start..], core)),
        (None, None) => (0, 0),
    };
    let lead = &whole[..whole.len() - whole.trim_start().len()];
    let tail = &whole[lead.len() + core.len()..];
    if content.start.is_some() && text[..start].ends_with(lead) {
        start -= lead.len();
    }
    if content.end.is_some() && text[end..].starts_with(tail) {
        end += tail.len();
    }
    start..end
}

/// Bytes that two texts share at their beginning, whole characters only.
pub(super) fn common_prefix(a: &str, b: &str) -> usize {
    a.chars()
        .zip(b.chars())
        .take_while(|(x, y)| x == y)
        .map(|(x, _)| x.len_utf8())
        .sum()
}

/// Bytes that two texts share at their end, whole characters only.
fn common_suffix(a: &str, b: &str) -> usize {
    a.chars()
        .rev()
        .zip(b.chars().rev())
        .take_while(|(x, y)| x == y)
        .map(|(x, _)| x.len_utf8())
        .sum()
}
