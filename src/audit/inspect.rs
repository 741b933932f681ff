//! One rendered and encoded row to facts: what its spans and its text say about supervision. Knows rows, not the whole set.

use std::ops::Range;

use super::facts::{Fact, Fate, RowFacts};
use super::turns::{End, end_missing, ends};
use crate::data::{Conversation, Kind, Message, Role};
use crate::template::{Mode, RenderOptions, Rendered, Span, Template, Why};
use crate::tokens::{Encoded, Tokenizer, straddling};

/// Contents shorter than this may stand in an answer by chance.
const SHORT: usize = 12;
/// The longest text in angle brackets that counts as a marker.
const LONGEST_MARKER: usize = 64;

/// Looks at rows that are rendered by one template under one mode.
pub struct Inspector<'a> {
    tokenizer: &'a Tokenizer,
    mode: Mode,
    /// The text that ends an assistant's turn, where the template has one.
    end: Option<String>,
    /// Special tokens by id, with their texts.
    special: std::collections::HashMap<u32, String>,
}

impl<'a> Inspector<'a> {
    /// Learns what it needs of the template and the tokenizer. The tokenizer's variables count where `options` has none.
    pub fn new(template: &Template, tokenizer: &'a Tokenizer, options: &RenderOptions) -> Self {
        let mut vars = tokenizer.vars();
        vars.extend(options.vars.clone());
        let text = |id: u32| Some((id, tokenizer.raw_token(id).filter(|text| !text.trim().is_empty())?));
        Self {
            tokenizer,
            mode: options.mode,
            end: template.end_of_turn(&vars),
            special: tokenizer.special_ids().filter_map(text).collect(),
        }
    }

    /// The facts of a row that is used as it is here; `conversation` is what was rendered.
    pub fn inspect(&self, conversation: &Conversation, rendered: &Rendered, encoded: &Encoded) -> RowFacts {
        let mut facts = RowFacts {
            fate: Fate::Kept,
            whole: encoded.ids.len().try_into().unwrap_or(u32::MAX),
            ..RowFacts::default()
        };
        self.look_at_tokens(conversation, encoded, &mut facts);
        if conversation.kind == Kind::Text {
            return facts;
        }
        let ends = ends(rendered, self.end.as_deref());
        for End { role, learned, .. } in &ends {
            let count = &mut facts.ends[*role as usize];
            count.0 = count.0.saturating_add(1);
            count.1 = count.1.saturating_add(u16::from(*learned));
        }
        let runs = learned_runs(&rendered.spans);
        let closed = |run: &Range<usize>| self.ends_special(rendered, encoded, run);
        facts.set(Fact::EndNotLearned, end_missing(&rendered.spans, &runs, &ends, closed));
        facts.set(Fact::OthersLearned, self.others_learned(conversation, rendered, &runs));
        facts.set(Fact::SystemDropped, system_dropped(conversation, rendered));
        facts.set(Fact::Unsure, !rendered.problems.is_empty());
        let odd = |m: &Message| m.weight.is_some_and(|w| w != 0.0 && w != 1.0);
        let odd = self.mode == Mode::Flags && conversation.messages.iter().any(odd);
        facts.set(Fact::FractionalWeight, odd);
        if let Some(marker) = self.split_marker(rendered) {
            facts.set(Fact::SplitMarker, true);
            facts.word = marker;
        }
        facts
    }

    /// Special tokens that a message spells, and tokens on the border of what is learned.
    fn look_at_tokens(&self, conversation: &Conversation, encoded: &Encoded, facts: &mut RowFacts) {
        let mut known: Vec<u32> = Vec::new();
        for id in &encoded.ids {
            let Some(text) = self.special.get(id) else { continue };
            if known.contains(id) {
                continue;
            }
            known.push(*id);
            let spelt = |m: &Message| m.content.contains(text.as_str());
            if facts.word.is_empty() && conversation.messages.iter().any(spelt) {
                facts.set(Fact::SpecialText, true);
                facts.word.clone_from(text);
            }
        }
        facts.set(Fact::Straddling, !straddling(encoded).is_empty());
    }

    /// Is the last token of a stretch, white space aside, a special one?
    fn ends_special(&self, rendered: &Rendered, encoded: &Encoded, run: &Range<usize>) -> bool {
        let after = encoded.offsets.partition_point(|(start, _)| *start < run.end);
        let tokens = encoded.offsets[..after].iter().zip(&encoded.ids).rev();
        let blank = |start: usize, end: usize| rendered.text.get(start..end).is_some_and(|t| t.trim().is_empty());
        let mut inside = tokens.take_while(|((start, _), _)| *start >= run.start);
        let last = inside.find(|((start, end), _)| !blank(*start, *end));
        last.is_some_and(|(_, id)| self.special.contains_key(id))
    }

    /// Does a learned stretch hold what somebody else says? By the roles of the spans, and, since those may be wrong, by the words.
    fn others_learned(&self, conversation: &Conversation, rendered: &Rendered, runs: &[Range<usize>]) -> bool {
        if self.mode == Mode::All {
            return false;
        }
        let asked = |m: &Message| self.mode == Mode::Flags && m.weight.is_some_and(|w| w > 0.0);
        let foreign = |i: usize, m: &Message| {
            let by_span = |s: &Span| s.supervised && s.message == Some(i);
            rendered.spans.iter().any(by_span) || self.words_learned(conversation, m, &rendered.text, runs)
        };
        let others = |m: &Message| m.role != Role::Assistant && !asked(m);
        let mut each = conversation.messages.iter().enumerate();
        each.any(|(i, m)| others(m) && foreign(i, m))
    }

    /// Do a message's words stand in a learned stretch, although no answer repeats them?
    fn words_learned(&self, conversation: &Conversation, message: &Message, text: &str, runs: &[Range<usize>]) -> bool {
        let words = message.content.trim();
        if words.len() < SHORT || !runs.iter().any(|run| text[run.clone()].contains(words)) {
            return false;
        }
        let answers = conversation.messages.iter().filter(|m| m.role == Role::Assistant);
        let mut said = answers
            .flat_map(|m| [Some(m.content.as_str()), m.reasoning.as_deref()])
            .flatten();
        // A tool call repeats words in JSON, which cannot be told apart here.
        let calls = conversation.messages.iter().any(|m| m.tool_calls.is_some());
        !calls && !said.any(|said| said.contains(words))
    }

    /// The first marker of the template's own text that is not one token.
    fn split_marker(&self, rendered: &Rendered) -> Option<String> {
        let own = |s: &&Span| matches!(s.why, Why::TemplateText | Why::EndOfTurn);
        let spans = rendered.spans.iter().filter(own);
        spans
            .flat_map(|s| markers(&rendered.text[s.start..s.end]))
            .find(|marker| self.tokenizer.id_of(marker).is_none())
            .map(str::to_owned)
    }
}

/// Texts such as `<|im_start|>`.
fn markers(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("<|").filter_map(|(at, _)| {
        let length = text[at..].find("|>")? + 2;
        let marker = &text[at..at + length];
        (length <= LONGEST_MARKER && !marker.contains(char::is_whitespace)).then_some(marker)
    })
}

/// Stretches of the text that are learned without a gap.
fn learned_runs(spans: &[Span]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for span in spans.iter().filter(|s| s.supervised) {
        match runs.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            _ => runs.push(span.start..span.end),
        }
    }
    runs
}

/// Is there a system prompt whose words are not in the text?
fn system_dropped(conversation: &Conversation, rendered: &Rendered) -> bool {
    let system = conversation
        .messages
        .iter()
        .enumerate()
        .find(|(_, m)| m.role == Role::System);
    let Some((i, system)) = system else { return false };
    let words = system.content.trim();
    let shown = |s: &Span| s.message == Some(i) && s.why != Why::TemplateText;
    !words.is_empty() && !rendered.spans.iter().any(shown) && !rendered.text.contains(words)
}
