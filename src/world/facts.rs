//! The facts, read from the tables in `assets/world`. Knows nothing of how they are told.
use std::collections::HashSet;
use std::sync::LazyLock;

use super::phrases::{Relation, capitalised, fill, relations, with_article, without_article};

/// One thing that is so: `relation` of `subject` is `answer`.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// The relation, with its phrasings.
    pub relation: &'static Relation,
    /// What it is about, with its article where it has one ("a cow", "the Netherlands").
    pub subject: &'static str,
    /// The answer.
    pub answer: &'static str,
    /// The first column of its row, the key under which facts belong together.
    pub row: &'static str,
}

impl Fact {
    /// The statement with the answer last, the form in which questions are answered.
    pub fn statement(&self) -> String {
        self.fill(self.relation.end)
    }

    /// The answer as it stands alone in a sentence: "a bird", "the euro", "Paris".
    pub fn answer_in_words(&self) -> String {
        let end = self.relation.end;
        if end.contains("{aa}") {
            with_article(self.answer)
        } else if end.contains("the {a}") {
            format!("the {}", self.answer)
        } else {
            self.answer.to_owned()
        }
    }

    /// Any phrase of its relation, filled; sentences start with a capital.
    pub fn fill(&self, phrase: &str) -> String {
        capitalised(&fill(phrase, self.subject, self.answer))
    }

    /// The key under which facts belong together: the row without article, its words sorted, so that 3 + 4 and 4 + 3 share it.
    pub fn group(&self) -> String {
        key(self.row)
    }
}

/// A subject without article and case, its words sorted.
pub fn key(subject: &str) -> String {
    let lower = without_article(subject).to_lowercase();
    let mut words: Vec<&str> = lower.split_whitespace().collect();
    words.sort_unstable();
    words.join(" ")
}

const TABLES: &[(&str, &str)] = &[
    ("countries", include_str!("../../assets/world/countries.csv")),
    ("animals", include_str!("../../assets/world/animals.csv")),
    ("colours", include_str!("../../assets/world/colours.csv")),
    ("opposites", include_str!("../../assets/world/opposites.csv")),
    ("days", include_str!("../../assets/world/days.csv")),
    ("months", include_str!("../../assets/world/months.csv")),
    ("numbers", include_str!("../../assets/world/numbers.csv")),
    ("sums", include_str!("../../assets/world/sums.csv")),
    ("materials", include_str!("../../assets/world/materials.csv")),
    ("jobs", include_str!("../../assets/world/jobs.csv")),
    ("pasts", include_str!("../../assets/world/pasts.csv")),
    ("plurals", include_str!("../../assets/world/plurals.csv")),
    ("symbols", include_str!("../../assets/world/symbols.csv")),
    ("kinds", include_str!("../../assets/world/kinds.csv")),
];

static FACTS: LazyLock<Vec<Fact>> = LazyLock::new(read);

/// All facts, in the order of the relations and of the tables; no subject has two answers in one relation.
pub fn facts() -> &'static [Fact] {
    &FACTS
}

fn read() -> Vec<Fact> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for relation in relations() {
        let table = TABLES
            .iter()
            .find(|(name, _)| *name == relation.table)
            .map_or("", |(_, text)| text);
        let found = read_relation(relation, table);
        all.extend(
            found
                .into_iter()
                .filter(|fact| seen.insert((relation.name, fact.subject))),
        );
    }
    all
}

/// A `-` in a cell means that there is nothing short and certain to say.
fn read_relation(relation: &'static Relation, table: &'static str) -> Vec<Fact> {
    let mut lines = table.lines();
    let head: Vec<&str> = lines.next().unwrap_or("").split(',').collect();
    let column = |name: &str| head.iter().position(|cell| *cell == name);
    let (Some(from), Some(to)) = (column(relation.subject), column(relation.answer)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for line in lines {
        let cells: Vec<&'static str> = line.split(',').collect();
        if let (Some(&row), Some(&subject), Some(&answer)) = (cells.first(), cells.get(from), cells.get(to)) {
            if subject == "-" || answer == "-" || subject == answer {
                continue;
            }
            found.push(Fact {
                relation,
                subject,
                answer,
                row,
            });
            if relation.both_ways {
                found.push(Fact {
                    relation,
                    subject: answer,
                    answer: subject,
                    row,
                });
            }
        }
    }
    found
}
