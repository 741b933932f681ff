//! What in the template made a piece of text, and what text a piece of the template made: a guess from the words
//! themselves, good enough to light up. Knows no drawing.

use super::lex::{Lexeme, LexemeKind, lex};
use super::shown::Shown;
use crate::data::Role;
use crate::template::{Span, Why};

type Ranges = Vec<(usize, usize)>;

/// At most so many places are lit up.
const MOST: usize = 200;

/// The piece of source under a byte, and the ranges of the rendered text that it made.
pub fn text_of(source: &str, at: usize, shown: &Shown) -> Option<((usize, usize), Ranges)> {
    let pieces = lex(source);
    let piece = pieces.iter().find(|p| p.start <= at && at < p.end)?;
    let text = &shown.rendered.text;
    match piece.kind {
        LexemeKind::Literal => {
            let (start, end) = word(source, piece, at)?;
            Some(((start, end), occurrences(text, &source[start..end])))
        }
        LexemeKind::Text => {
            let words = unquoted(&source[piece.start..piece.end]);
            Some(((piece.start, piece.end), occurrences(text, words.trim())))
        }
        LexemeKind::Name => {
            let ranges = match &source[piece.start..piece.end] {
                "content" => contents(&shown.rendered.spans),
                "role" => roles(shown),
                _ => return None,
            };
            Some(((piece.start, piece.end), ranges))
        }
        _ => None,
    }
}

/// The ranges of the source that made a byte range of the rendered text.
pub fn source_of(source: &str, start: usize, end: usize, shown: &Shown) -> Ranges {
    let Some(words) = shown.rendered.text.get(start..end).map(str::trim) else {
        return Vec::new();
    };
    let pieces = lex(source);
    let named = |name: &str| -> Ranges {
        let names = pieces
            .iter()
            .filter(|p| p.kind == LexemeKind::Name && &source[p.start..p.end] == name);
        names.map(|p| (p.start, p.end)).collect()
    };
    let span = shown.rendered.spans.iter().find(|s| s.start <= start && start < s.end);
    if span.is_some_and(is_content) {
        return named("content");
    }
    if words.chars().count() < 2 {
        return Vec::new();
    }
    let mut ranges = Vec::new();
    for piece in &pieces {
        if matches!(piece.kind, LexemeKind::Literal | LexemeKind::Text) {
            let found = occurrences(&source[piece.start..piece.end], words);
            ranges.extend(found.into_iter().map(|(s, e)| (s + piece.start, e + piece.start)));
        }
    }
    if ranges.is_empty() && is_role(words) {
        return named("role");
    }
    ranges.truncate(MOST);
    ranges
}

fn is_role(word: &str) -> bool {
    [Role::System, Role::User, Role::Assistant, Role::Tool]
        .iter()
        .any(|r| r.as_str() == word)
}

/// Is this what somebody says, rather than what the template adds?
fn is_content(span: &Span) -> bool {
    span.message.is_some() && !matches!(span.why, Why::TemplateText | Why::EndOfTurn)
}

fn contents(spans: &[Span]) -> Ranges {
    spans
        .iter()
        .filter(|s| is_content(s))
        .map(|s| (s.start, s.end))
        .collect()
}

/// The role names that the template wrote.
fn roles(shown: &Shown) -> Ranges {
    let text = &shown.rendered.text;
    let mut ranges = Vec::new();
    for span in shown.rendered.spans.iter().filter(|s| !is_content(s)) {
        let Some(part) = text.get(span.start..span.end) else {
            continue;
        };
        for role in [Role::System, Role::User, Role::Assistant, Role::Tool] {
            let found = occurrences(part, role.as_str());
            ranges.extend(found.into_iter().map(|(s, e)| (s + span.start, e + span.start)));
        }
    }
    ranges
}

/// The run without white space around a byte of a literal.
fn word(source: &str, piece: &Lexeme, at: usize) -> Option<(usize, usize)> {
    let literal = &source[piece.start..piece.end];
    let inner = at - piece.start;
    if !literal.is_char_boundary(inner) || literal[inner..].starts_with(char::is_whitespace) {
        return None;
    }
    let start = literal[..inner]
        .char_indices()
        .rev()
        .find(|(_, c)| c.is_whitespace())
        .map_or(0, |(i, c)| i + c.len_utf8());
    let end = literal[inner..]
        .find(char::is_whitespace)
        .map_or(literal.len(), |e| inner + e);
    Some((piece.start + start, piece.start + end))
}

/// A quoted string's text, its newline escapes resolved.
fn unquoted(quoted: &str) -> String {
    let quote: &[char] = &['\'', '"'];
    quoted
        .trim_matches(quote)
        .replace("\\n", "\n")
        .replace("\\'", "'")
        .replace("\\\"", "\"")
}

fn occurrences(text: &str, words: &str) -> Ranges {
    if words.is_empty() {
        return Vec::new();
    }
    let found = text.match_indices(words).take(MOST);
    found.map(|(at, m)| (at, at + m.len())).collect()
}
