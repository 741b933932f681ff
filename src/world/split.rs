//! Which facts the sample files may use and which are kept for the examination; the questions and prompts of both.
//! Knows nothing of the corpus.
use std::collections::HashSet;

use super::facts::{Fact, facts, key};

/// Percent of the groups of facts that are kept out of the sample files.
const HELD_OUT_PERCENT: u64 = 27;

/// A question about a fact.
#[derive(Clone, Debug)]
pub struct Question {
    /// The fact asked for.
    pub fact: Fact,
    /// The question.
    pub text: String,
}

/// The beginning of a statement that only the fact's answer completes.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The fact asked for.
    pub fact: Fact,
    /// The text up to the answer, without a space at its end.
    pub prompt: String,
}

/// Is this fact kept out of the sample files?
pub fn is_held_out(fact: &Fact) -> bool {
    // FNV-1a: the split must not change with a library's hash function.
    let hash = fact.group().bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 16) % 100 < HELD_OUT_PERCENT
}

/// The questions that the sample files may use: every phrasing of every fact that is not held out.
pub fn questions() -> Vec<Question> {
    facts()
        .iter()
        .filter(|fact| !is_held_out(fact))
        .flat_map(|fact| {
            fact.relation.asks.iter().map(|ask| Question {
                fact: *fact,
                text: fact.fill(ask),
            })
        })
        .collect()
}

/// One question for each held-out fact whose subject is the subject of no fact in the sample files, in phrasings that they never use.
pub fn held_out_questions() -> Vec<Question> {
    let used: HashSet<String> = facts()
        .iter()
        .filter(|fact| !is_held_out(fact))
        .map(|fact| key(fact.subject))
        .collect();
    facts()
        .iter()
        .filter(|fact| is_held_out(fact) && !used.contains(&key(fact.subject)))
        .enumerate()
        .filter_map(|(i, fact)| {
            let tests = &fact.relation.tests;
            let test = tests.get(i % tests.len().max(1))?;
            Some(Question {
                fact: *fact,
                text: fact.fill(test),
            })
        })
        .collect()
}

/// The statement prompt of every fact.
pub fn completion_prompts() -> Vec<Completion> {
    facts()
        .iter()
        .filter_map(|fact| {
            let end = fact.relation.end;
            let cut = end.find("{a}").or_else(|| end.find("{aa}"))?;
            Some(Completion {
                fact: *fact,
                prompt: fact.fill(end[..cut].trim_end()),
            })
        })
        .collect()
}
