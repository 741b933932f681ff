//! Added tokens (`<|im_start|>`) in a text: found first, the leftmost and of these the longest, as the library does. Knows texts and
//! ids.

use std::collections::HashMap;

use tokenizers::Tokenizer;

/// Takes the place and text of a piece, and its id where it is an added token; `None` stops.
type Take<'a> = dyn FnMut(usize, &str, Option<u32>) -> Option<()> + 'a;

/// Tokens by their first byte, longest first.
struct Finder(HashMap<u8, Vec<(String, u32)>>);

/// The added tokens of a tokenizer: those that are looked for first, and those that are looked for in what they left.
pub(super) struct Added {
    raw: Finder,
    normalised: Finder,
}

impl Added {
    /// `None` where one of them asks for more than its text.
    pub fn new(inner: &Tokenizer) -> Option<Self> {
        let tokens = inner.get_added_tokens_decoder();
        let plain = tokens.values().all(|t| !t.lstrip && !t.rstrip && !t.single_word);
        // A text that normalising would change is found by its changed form.
        let stable = tokens
            .values()
            .all(|t| !t.normalized || t.content.chars().all(super::is_composed));
        if !plain || !stable || inner.get_encode_special_tokens() {
            return None;
        }
        let of = |normalised: bool| {
            let mut map: HashMap<u8, Vec<(String, u32)>> = HashMap::new();
            for (id, token) in tokens.iter().filter(|(_, t)| t.normalized == normalised) {
                if let Some(first) = token.content.bytes().next() {
                    map.entry(first).or_default().push((token.content.clone(), *id));
                }
            }
            for list in map.values_mut() {
                list.sort_by_key(|(text, id)| (std::cmp::Reverse(text.len()), *id));
            }
            Finder(map)
        };
        Some(Self {
            raw: of(false),
            normalised: of(true),
        })
    }

    /// Calls `piece` with the place and text of each added token (with its id) and of what lies between (without); stops where it gives
    /// `None`.
    pub fn pieces(&self, text: &str, piece: &mut Take<'_>) -> Option<()> {
        self.raw.pieces(text, 0, &mut |start, part, id| match id {
            Some(_) => piece(start, part, id),
            None => self.normalised.pieces(part, start, piece),
        })
    }
}

/// Takes the place and text of a piece, and the id of an added token; `None` ends the search.
type Taker<'a> = dyn FnMut(usize, &str, Option<u32>) -> Option<()> + 'a;

impl Finder {
    fn pieces(&self, text: &str, start: usize, piece: &mut Taker<'_>) -> Option<()> {
        let (bytes, mut from, mut at) = (text.as_bytes(), 0, 0);
        while at < bytes.len() && !self.0.is_empty() {
            let found = self.0.get(&bytes[at]).and_then(|list| {
                let here = |(token, _): &&(String, u32)| bytes[at..].starts_with(token.as_bytes());
                list.iter().find(here)
            });
            let Some((token, id)) = found else {
                at += 1;
                continue;
            };
            if from < at {
                piece(start + from, &text[from..at], None)?;
            }
            piece(start + at, token, Some(*id))?;
            at += token.len();
            from = at;
        }
        match from < text.len() {
            true => piece(start + from, &text[from..], None),
            false => Some(()),
        }
    }
}
