//! Says whether a reply names the right answer. Knows nothing of the model that wrote it.
use std::collections::BTreeSet;

use super::facts::{Fact, facts};
use super::phrases::without_article;

/// Does the reply's first sentence name the answer and no other candidate of the relation? Candidates that the question itself
/// names may be repeated ("The opposite of hot is cold."); what stands inside the subject's own name is no answer ("wine glass").
pub fn answers(fact: &Fact, question: &str, reply: &str) -> bool {
    let (answer, subject) = (without_article(fact.answer), without_article(fact.subject));
    let mut names = candidates(fact);
    names.insert(subject);
    let asked = named(question, &names);
    let said = named(first_sentence(reply), &names);
    said.contains(answer)
        && said
            .iter()
            .all(|name| *name == answer || *name == subject || asked.contains(name))
}

/// Does a continuation of a completion prompt begin with the answer?
pub fn completes(fact: &Fact, continuation: &str) -> bool {
    let said = without_article(continuation.trim_start());
    let candidates = candidates(fact);
    first_named(said, &candidates) == Some(without_article(fact.answer))
}

/// Every answer of the fact's relation, without articles.
pub fn candidates(fact: &Fact) -> BTreeSet<&'static str> {
    facts()
        .iter()
        .filter(|other| other.relation.name == fact.relation.name)
        .map(|other| without_article(other.answer))
        .collect()
}

/// The text up to the first full stop, question mark, exclamation mark or line break that ends a sentence.
pub fn first_sentence(text: &str) -> &str {
    let text = text.trim_start();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let ends = match letters.peek() {
            None => true,
            Some((_, after)) => after.is_whitespace() || *after == '"',
        };
        if letter == '\n' || (ends && matches!(letter, '.' | '!' | '?')) {
            return &text[..at];
        }
    }
    text
}

/// The candidates named in the text; where several match at one place the longest counts, and a word in a longer name does not.
fn named<'a>(text: &str, candidates: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut at = 0;
    while at < text.len() {
        let fresh = text[..at].chars().next_back().is_none_or(|before| !joins(before));
        match first_named(&text[at..], candidates).filter(|_| fresh) {
            Some(name) => {
                found.insert(name);
                at += name.len();
            }
            None => at += text[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    found
}

/// The longest candidate that the text begins with and that ends at a word's end.
fn first_named<'a>(text: &str, candidates: &BTreeSet<&'a str>) -> Option<&'a str> {
    candidates
        .iter()
        .copied()
        .filter(|name| begins(text, name))
        .max_by_key(|name| name.len())
}

/// Names with a capital are compared exactly (a symbol is not a word), others without regard to case.
fn begins(text: &str, name: &str) -> bool {
    let Some(head) = text.get(..name.len()) else {
        return false;
    };
    let same = if name.starts_with(char::is_uppercase) {
        head == name
    } else {
        head.eq_ignore_ascii_case(name)
    };
    same && text[name.len()..].chars().next().is_none_or(|after| !joins(after))
}

/// Letters that continue a name: "Guinea" is not named in "Guinea-Bissau".
fn joins(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '-' || letter == '\''
}
