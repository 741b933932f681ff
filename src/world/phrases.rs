//! The relations of the world and how each is said and asked, read from `assets/world/phrases.txt`; filling a phrase.
//! Knows nothing of documents.
use std::sync::LazyLock;

/// One relation between a subject and an answer, with its phrasings (see the head of phrases.txt for the placeholders).
#[derive(Clone, Debug, Default)]
pub struct Relation {
    /// The name, unique.
    pub name: &'static str,
    /// The table that holds its facts.
    pub table: &'static str,
    /// The column of the subject.
    pub subject: &'static str,
    /// The column of the answer.
    pub answer: &'static str,
    /// Whether the answer's relation to the subject is a fact too (opposites).
    pub both_ways: bool,
    /// The heading of a two-column list.
    pub heading: &'static str,
    /// The statement with the answer at its end: the form of answers and of completion prompts.
    pub end: &'static str,
    /// Other statements.
    pub says: Vec<&'static str>,
    /// Questions that the sample files may use.
    pub asks: Vec<&'static str>,
    /// Questions that the sample files never use.
    pub tests: Vec<&'static str>,
}

static RELATIONS: LazyLock<Vec<Relation>> = LazyLock::new(|| parse(include_str!("../../assets/world/phrases.txt")));

/// All relations in the order of the file.
pub fn relations() -> &'static [Relation] {
    &RELATIONS
}

fn parse(text: &'static str) -> Vec<Relation> {
    let mut all: Vec<Relation> = Vec::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix('[') {
            all.extend(parse_head(head));
        } else if let (Some(relation), Some((key, phrase))) = (all.last_mut(), line.split_once(' ')) {
            match key {
                "list" => relation.heading = phrase,
                "end" => relation.end = phrase,
                "say" => relation.says.push(phrase),
                "ask" => relation.asks.push(phrase),
                "test" => relation.tests.push(phrase),
                _ => {}
            }
        }
    }
    all
}

fn parse_head(head: &'static str) -> Option<Relation> {
    let (name, rest) = head.split_once("] ")?;
    let (table, columns) = rest.split_once(": ")?;
    let both_ways = columns.contains(" <-> ");
    let (subject, answer) = columns.split_once(if both_ways { " <-> " } else { " -> " })?;
    Some(Relation {
        name,
        table,
        subject,
        answer,
        both_ways,
        ..Relation::default()
    })
}

/// Puts a subject and an answer into a phrase.
pub fn fill(phrase: &str, subject: &str, answer: &str) -> String {
    phrase
        .replace("{s}", subject)
        .replace("{S}", &capitalised(subject))
        .replace("{n}", without_article(subject))
        .replace("{a}", answer)
        .replace("{A}", &capitalised(answer))
        .replace("{aa}", &with_article(answer))
        .replace("{Aa}", &capitalised(&with_article(answer)))
}

/// The text with a capital first letter.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The text with a small first letter.
pub fn uncapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// The text without a leading article.
pub fn without_article(text: &str) -> &str {
    ["a ", "an ", "the "]
        .iter()
        .find_map(|article| text.strip_prefix(article))
        .unwrap_or(text)
}

/// The noun with "a" or "an" before it.
pub fn with_article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}
