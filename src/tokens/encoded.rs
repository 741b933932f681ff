//! A rendered conversation as ids with a mask that is derived from its spans, and the token stream that the window shows.
//! Knows spans, not how they were found.
use super::{Offsets, TokenError, Tokenizer};
use crate::data::Role;
use crate::template::{Rendered, Span, Why};

/// A rendered conversation as ids: `mask[i]` says whether id i is learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// Token ids, no special tokens added.
    pub ids: Vec<u32>,
    /// One bool per id: is it learned?
    pub mask: Vec<bool>,
    /// Byte range of the rendered text that each id covers. The parts of one character that takes several tokens all name
    /// the whole character.
    pub offsets: Offsets,
    /// The spans that the mask comes from.
    pub spans: Vec<Span>,
}

/// One token as the window shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The token's id.
    pub id: u32,
    /// The decoded text of this id alone (partial UTF-8 as U+FFFD).
    pub text: String,
    /// First byte of the rendered text that it covers.
    pub start: usize,
    /// Byte after the last one that it covers.
    pub end: usize,
    /// Is it learned?
    pub supervised: bool,
    /// Whose message it belongs to.
    pub role: Option<Role>,
    /// Index of that message.
    pub message: Option<usize>,
    /// Is it a special token?
    pub special: bool,
    /// Why it is learned or not; None only for text outside every span.
    pub why: Option<Why>,
    /// Does it cover both learned and other text?
    pub straddles: bool,
}

impl Tokenizer {
    /// Encodes a rendered conversation: a token is learned when its first byte lies in a supervised span.
    pub fn encode_rendered(&self, rendered: &Rendered) -> Result<Encoded, TokenError> {
        let (ids, mut offsets) = self.encode(&rendered.text)?;
        close_gaps(&mut offsets, &rendered.text);
        let mask = offsets
            .iter()
            .map(|(start, _)| span_at(&rendered.spans, *start).is_some_and(|s| s.supervised))
            .collect();
        Ok(Encoded {
            ids,
            mask,
            offsets,
            spans: rendered.spans.clone(),
        })
    }
}

/// Gives each token the white space before it that the tokenizer's offsets leave out, so that its first byte is where the
/// token really begins.
fn close_gaps(offsets: &mut [(usize, usize)], text: &str) {
    let mut end = 0;
    for (start, stop) in offsets.iter_mut() {
        let gap = text.get(end..*start).unwrap_or_default();
        if *start < *stop && !gap.is_empty() && gap.chars().all(char::is_whitespace) {
            *start = end;
        }
        end = end.max(*stop);
    }
}

/// The span that holds a byte position.
fn span_at(spans: &[Span], position: usize) -> Option<&Span> {
    let index = spans.partition_point(|s| s.end <= position);
    spans.get(index).filter(|s| s.start <= position)
}

/// Does the byte range cover both learned and other text?
fn mixed(spans: &[Span], (start, end): (usize, usize)) -> bool {
    let first = spans.partition_point(|s| s.end <= start);
    let mut inside = spans[first..]
        .iter()
        .take_while(|s| s.start < end)
        .map(|s| s.supervised);
    inside
        .next()
        .is_some_and(|learned| inside.any(|other| other != learned))
}

/// Indices of the tokens that cover both learned and other text: their mask follows their first byte.
pub fn straddling(encoded: &Encoded) -> Vec<usize> {
    let mixed = |(_, range): &(usize, &(usize, usize))| mixed(&encoded.spans, **range);
    encoded
        .offsets
        .iter()
        .enumerate()
        .filter(mixed)
        .map(|(i, _)| i)
        .collect()
}

/// The token stream with all that is known of each token.
pub fn pieces(encoded: &Encoded, tokenizer: &Tokenizer) -> Vec<Piece> {
    let each = encoded.ids.iter().zip(&encoded.mask).zip(&encoded.offsets);
    each.map(|((&id, &supervised), &(start, end))| {
        let span = span_at(&encoded.spans, start);
        Piece {
            id,
            text: tokenizer.token_text(id),
            start,
            end,
            supervised,
            role: span.and_then(|s| s.role),
            message: span.and_then(|s| s.message),
            special: tokenizer.is_special(id),
            why: span.map(|s| s.why),
            straddles: mixed(&encoded.spans, (start, end)),
        }
    })
    .collect()
}
