//! The examination's counts, targets and table. Knows no model.

use std::collections::BTreeMap;

use serde::Serialize;

/// Who is asked, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Asking {
    /// The base gets the bare question.
    BasePlain,
    /// The base gets the question in the chat template.
    BaseTemplate,
    /// The base with its adapter gets the question in the chat template.
    TunedTemplate,
}

impl Asking {
    /// All, in the table's order.
    pub const ALL: [Self; 3] = [Self::BasePlain, Self::BaseTemplate, Self::TunedTemplate];

    /// The table's words for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BasePlain => "Base, plain text",
            Self::BaseTemplate => "Base, chat template",
            Self::TunedTemplate => "Tuned, chat template",
        }
    }
}

/// Counts of questions asked in one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Questions.
    pub asked: usize,
    /// The first sentence names the answer and no other candidate of the relation.
    pub answered: usize,
    /// The model ended its turn by itself.
    pub ended: usize,
    /// Both.
    pub both: usize,
}

/// Facts of a relation given as unfinished statements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Completed {
    /// Facts.
    pub asked: usize,
    /// Facts that the base completed with the right answer.
    pub right: usize,
}

/// One question with what was said, in the order of [`Asking::ALL`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transcript {
    /// The question.
    pub question: String,
    /// Text, and whether the turn was ended.
    pub replies: Vec<(String, bool)>,
}

/// A number that must be reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// What is counted.
    pub what: &'static str,
    /// What was asked for.
    pub wanted: String,
    /// What was measured.
    pub got: String,
    /// Whether that is enough.
    pub met: bool,
}

/// The whole examination.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// False for a part of the facts and questions, whose numbers need not be reached.
    pub whole: bool,
    /// The chat template.
    pub template: &'static str,
    /// By relation.
    pub completion: BTreeMap<&'static str, Completed>,
    /// By way of asking and relation.
    pub questions: BTreeMap<Asking, BTreeMap<&'static str, Tally>>,
    /// Some questions with all answers.
    pub transcripts: Vec<Transcript>,
}

impl Report {
    /// Nothing asked yet.
    pub fn new(whole: bool, template: &'static str) -> Self {
        Self {
            whole,
            template,
            completion: BTreeMap::new(),
            questions: BTreeMap::new(),
            transcripts: vec![],
        }
    }

    /// Counts a fact that the base was to complete.
    pub fn completed(&mut self, relation: &'static str, right: bool) {
        let line = self.completion.entry(relation).or_default();
        line.asked += 1;
        line.right += usize::from(right);
    }

    /// Counts a question.
    pub fn asked(&mut self, way: Asking, relation: &'static str, answered: bool, ended: bool) {
        let line = self.questions.entry(way).or_default().entry(relation).or_default();
        line.asked += 1;
        line.answered += usize::from(answered);
        line.ended += usize::from(ended);
        line.both += usize::from(answered && ended);
    }

    /// Facts over all relations.
    pub fn all_completed(&self) -> Completed {
        let add = |a: Completed, b: &Completed| Completed {
            asked: a.asked + b.asked,
            right: a.right + b.right,
        };
        self.completion.values().fold(Completed::default(), add)
    }

    /// Questions over all relations.
    pub fn all_asked(&self, way: Asking) -> Tally {
        let add = |a: Tally, b: &Tally| Tally {
            asked: a.asked + b.asked,
            answered: a.answered + b.answered,
            ended: a.ended + b.ended,
            both: a.both + b.both,
        };
        let relations = self.questions.get(&way).into_iter().flat_map(BTreeMap::values);
        relations.fold(Tally::default(), add)
    }

    /// What must be reached, and whether it was.
    pub fn targets(&self) -> Vec<Target> {
        let facts = self.all_completed();
        let [plain, base, tuned] = Asking::ALL.map(|way| self.all_asked(way));
        let mut all = vec![
            share(
                "Facts that the base completes",
                facts.right,
                facts.asked,
                Bound::AtLeast(90),
            ),
            share(
                "Base, plain text, answers and ends",
                plain.both,
                plain.asked,
                Bound::Below(10),
            ),
            share(
                "Base, chat template, answers and ends",
                base.both,
                base.asked,
                Bound::Below(10),
            ),
            share("Tuned model answers", tuned.answered, tuned.asked, Bound::AtLeast(80)),
            share(
                "Tuned model ends its turn",
                tuned.ended,
                tuned.asked,
                Bound::AtLeast(98),
            ),
        ];
        if self.whole {
            all.push(count("Facts completed", facts.right, 2000));
            all.push(count("Held-out questions", tuned.asked, 500));
        }
        all
    }

    /// The targets that were not reached, in words.
    pub fn missed(&self) -> Vec<String> {
        let missed = self.targets().into_iter().filter(|target| !target.met);
        missed
            .map(|t| format!("{}: {} (wanted {})", t.what, t.got, t.wanted))
            .collect()
    }

    /// The report for a README.
    pub fn markdown(&self) -> String {
        [
            self.summary(),
            self.target_table(),
            self.relation_table(),
            self.samples(),
        ]
        .join("\n")
    }

    fn summary(&self) -> String {
        let facts = self.all_completed();
        let mut text = format!(
            "The base completes {} of {} facts ({}).\n\nHeld-out questions, template `{}`, greedy:\n\n\
             | | Asked | Answered | Ended its turn | Answered and ended |\n|---|---:|---:|---:|---:|\n",
            facts.right,
            facts.asked,
            percent(facts.right, facts.asked),
            self.template
        );
        for way in Asking::ALL {
            let t = self.all_asked(way);
            let [answered, ended, both] = [t.answered, t.ended, t.both].map(|n| percent(n, t.asked));
            text += &format!("| {} | {} | {answered} | {ended} | {both} |\n", way.name(), t.asked);
        }
        text
    }

    fn target_table(&self) -> String {
        let mut text = "| Target | Wanted | Measured | |\n|---|---:|---:|---|\n".to_owned();
        for t in self.targets() {
            let met = if t.met { "met" } else { "missed" };
            text += &format!("| {} | {} | {} | {met} |\n", t.what, t.wanted, t.got);
        }
        text
    }

    fn relation_table(&self) -> String {
        let mut text = "| Relation | Facts | Completed by the base | Questions | Answered by the tuned model |\n\
                        |---|---:|---:|---:|---:|\n"
            .to_owned();
        let tuned = self.questions.get(&Asking::TunedTemplate);
        for (name, facts) in &self.completion {
            let asked = tuned.and_then(|lines| lines.get(name)).copied().unwrap_or_default();
            text += &format!(
                "| {} | {} | {} | {} | {} |\n",
                name.replace('_', " "),
                facts.asked,
                percent(facts.right, facts.asked),
                asked.asked,
                percent(asked.answered, asked.asked)
            );
        }
        text
    }

    fn samples(&self) -> String {
        let mut text = String::new();
        for transcript in &self.transcripts {
            text += &format!("**{}**\n\n", transcript.question);
            for (way, (reply, ended)) in Asking::ALL.iter().zip(&transcript.replies) {
                let end = if *ended { "ends" } else { "cut off" };
                // Line breaks are shown, not made: the list stays a list.
                text += &format!("- {} ({end}): `{}`\n", way.name(), reply.trim().replace('\n', "⏎"));
            }
            text.push('\n');
        }
        text
    }
}

enum Bound {
    AtLeast(usize),
    Below(usize),
}

/// A target in percent, compared without rounding.
fn share(what: &'static str, part: usize, all: usize, bound: Bound) -> Target {
    let (wanted, met) = match bound {
        Bound::AtLeast(n) => (format!("at least {n} %"), all > 0 && part * 100 >= all * n),
        Bound::Below(n) => (format!("under {n} %"), all > 0 && part * 100 < all * n),
    };
    Target {
        what,
        wanted,
        got: percent(part, all),
        met,
    }
}

fn count(what: &'static str, got: usize, least: usize) -> Target {
    Target {
        what,
        wanted: format!("at least {least}"),
        got: got.to_string(),
        met: got >= least,
    }
}

fn percent(part: usize, all: usize) -> String {
    match all {
        0 => "-".into(),
        all => format!("{:.1} %", part as f64 * 100.0 / all as f64),
    }
}
