//! Byte-level tokenizers without the library's detours: words are split by the same regular expressions and looked up, so that a word
//! seen before costs one look. Exactly the ids and offsets of the library, or nothing: what is not known to be the same is left to it.
//! Knows one tokenizer, no conversations.

mod added;
mod bytes;
mod memo;
mod split;

use serde_json::Value;
use tokenizers::models::ModelWrapper;
use tokenizers::{Model, Tokenizer};

use super::Offsets;
use added::Added;
use bytes::{Spelling, spelt_in};
use memo::{Memo, Part};
use split::Splits;

/// A quick way through one tokenizer.
pub(super) struct Words {
    added: Added,
    splits: Splits,
    spelling: Spelling,
    /// Does the tokenizer compose characters (NFC) first?
    composes: bool,
    trim: Option<Trim>,
    /// Of this tokenizer, in the memo of each thread.
    id: u64,
}

/// How offsets leave out spaces, as GPT-2's post-processor does.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Trim {
    keep_first: bool,
}

impl Words {
    /// The quick way, where the tokenizer is of a kind that has one.
    pub fn new(inner: &Tokenizer) -> Option<Self> {
        let ModelWrapper::BPE(model) = inner.get_model() else {
            return None;
        };
        let empty = |text: &Option<String>| text.as_ref().is_none_or(String::is_empty);
        let plain = model.dropout.is_none_or(|d| d == 0.0)
            && !model.byte_fallback
            && empty(&model.continuing_subword_prefix)
            && empty(&model.end_of_word_suffix);
        let spelling = Spelling::new();
        // A byte without a token would be dropped or become the unknown token.
        let whole = || {
            spelling
                .all()
                .all(|char| model.token_to_id(&char.to_string()).is_some())
        };
        if !plain || !whole() {
            return None;
        }
        let value = |part: Option<Value>| part.filter(|value| !value.is_null());
        Some(Self {
            added: Added::new(inner)?,
            splits: Splits::new(&serde_json::to_value(inner.get_pre_tokenizer()?).ok()?)?,
            composes: composes(value(serde_json::to_value(inner.get_normalizer()).ok()).as_ref())?,
            trim: trim(value(serde_json::to_value(inner.get_post_processor()).ok()).as_ref())?,
            spelling,
            id: memo::new_id(),
        })
    }

    /// Ids and byte ranges of a text; `None` where only the library knows.
    pub fn encode(&self, inner: &Tokenizer, text: &str) -> Option<(Vec<u32>, Offsets)> {
        if self.composes && !text.chars().all(is_composed) {
            return None;
        }
        let mut out = Out {
            ids: Vec::with_capacity(text.len() / 3 + 8),
            offsets: Vec::with_capacity(text.len() / 3 + 8),
            trim: self.trim,
        };
        memo::with(self.id, |memo| {
            self.added.pieces(text, &mut |start, piece, added| match added {
                Some(id) => {
                    let spaces = |c: &char| c.is_whitespace() || *c == bytes::SPACE;
                    let lead = piece.chars().take_while(spaces).count();
                    let trail = piece.chars().rev().take_while(spaces).count();
                    out.push(id, (start, start + piece.len()), (lead, trail));
                    Some(())
                }
                None => self.splits.each(piece, start, &mut |at, word| {
                    self.word(inner, memo, text, (at, word), &mut out)
                }),
            })
        })?;
        Some((out.ids, out.offsets))
    }

    /// The tokens of one word.
    fn word(
        &self,
        inner: &Tokenizer,
        memo: &mut Memo,
        text: &str,
        (at, word): (usize, &str),
        out: &mut Out,
    ) -> Option<()> {
        let parts = match memo.get(word) {
            Some(parts) => parts,
            None => memo.put(word, self.parts(inner, word)?),
        };
        let mut start = at;
        for part in parts {
            let end = start + part.bytes as usize;
            let whole = (text.floor_char_boundary(start), text.ceil_char_boundary(end));
            out.push(part.id, whole, (part.lead.into(), part.trail.into()));
            start = end;
        }
        Some(())
    }

    /// The tokens of a word that was not seen before.
    fn parts(&self, inner: &Tokenizer, word: &str) -> Option<Vec<Part>> {
        let spelt = self.spelling.spell(word);
        let tokens = inner.get_model().tokenize(&spelt).ok()?;
        let mut parts = Vec::with_capacity(tokens.len());
        let mut end = 0;
        for token in tokens {
            let piece = spelt.get(token.offsets.0..token.offsets.1)?;
            if token.offsets.0 != end {
                return None;
            }
            end = token.offsets.1;
            let (bytes, lead, trail) = spelt_in(piece);
            parts.push(Part {
                id: token.id,
                bytes: bytes.try_into().ok()?,
                lead: lead.try_into().ok()?,
                trail: trail.try_into().ok()?,
            });
        }
        (end == spelt.len()).then_some(parts)
    }
}

/// What is encoded so far.
struct Out {
    ids: Vec<u32>,
    offsets: Offsets,
    trim: Option<Trim>,
}

impl Out {
    /// A token, its bytes, and the spaces at its ends.
    fn push(&mut self, id: u32, (mut start, mut end): (usize, usize), (mut lead, trail): (usize, usize)) {
        if let Some(trim) = self.trim {
            let first = self.ids.is_empty() || start == 0;
            if first && trim.keep_first && lead == 1 {
                lead = 0;
            }
            start = (start + lead).min(end);
            if trail > 0 && end >= trail {
                end = (end - trail).max(start);
            }
        }
        self.ids.push(id);
        self.offsets.push((start, end));
    }
}

/// Does a normaliser compose characters, or do nothing? `None` for others.
fn composes(normalizer: Option<&Value>) -> Option<bool> {
    let Some(normalizer) = normalizer else {
        return Some(false);
    };
    match normalizer.get("type")?.as_str()? {
        "NFC" => Some(true),
        "Sequence" => {
            let parts = normalizer.get("normalizers")?.as_array()?;
            let each: Option<Vec<bool>> = parts.iter().map(|part| composes(Some(part))).collect();
            Some(each?.contains(&true))
        }
        _ => None,
    }
}

/// What a post-processor does to offsets when no special tokens are added; `None` for those that are not known.
fn trim(processor: Option<&Value>) -> Option<Option<Trim>> {
    let Some(processor) = processor else {
        return Some(None);
    };
    let flag = |key: &str| processor.get(key).and_then(Value::as_bool);
    match processor.get("type")?.as_str()? {
        "TemplateProcessing" => Some(None),
        "ByteLevel" => {
            let keep_first = flag("add_prefix_space")?;
            Some(flag("trim_offsets")?.then_some(Trim { keep_first }))
        }
        "Sequence" => {
            let parts = processor.get("processors")?.as_array()?;
            let each: Option<Vec<Option<Trim>>> = parts.iter().map(|part| trim(Some(part))).collect();
            let mut found = each?.into_iter().flatten();
            // Trimming twice is another matter.
            let first = found.next();
            found.next().is_none().then_some(first)
        }
        _ => None,
    }
}

/// Is this a character that composing never changes, whatever of its kind stands beside it? Far from all that are, but most text.
fn is_composed(c: char) -> bool {
    matches!(c,
        '\0'..='\u{2FF}'
        | '\u{400}'..='\u{482}'
        | '\u{2010}'..='\u{2027}'
        | '\u{2030}'..='\u{205E}'
        | '\u{20AC}'
        | '\u{2190}'..='\u{21FF}'
        | '\u{2500}'..='\u{25FF}'
        | '\u{3041}'..='\u{3096}'
        | '\u{30A1}'..='\u{30FA}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{FF01}'..='\u{FF5E}'
        | '\u{1F300}'..='\u{1FAFF}')
}
