//! Documents made of questions: quizzes without answers, question-and-answer lists, FAQs, worksheets. Knows nothing of people.
use super::corpus::Pen;
use super::facts::{Fact, facts};
use super::prose::join;

/// A question followed by more questions: what most often follows a bare question at a document's start.
pub fn bare(pen: &mut Pen) -> String {
    let n = pen.dice.between(3, 9);
    let facts = pen.facts(n, 45);
    let numbered = pen.dice.chance(15);
    let between = if numbered || pen.dice.chance(60) { "\n" } else { " " };
    let mut text = String::new();
    for (i, fact) in facts.iter().enumerate() {
        let question = pen.ask(fact);
        let line = if numbered {
            format!("{}. {question}", i + 1)
        } else {
            question
        };
        join(&mut text, &line, between);
    }
    text
}

/// Notations of a question and its answer, and what stands between two pairs.
const NOTATIONS: &[(&str, &str)] = &[
    ("Q: {q}\nA: {r}", "\n"),
    ("Q: {q}\nA: {r}", "\n\n"),
    ("Question: {q}\nAnswer: {r}", "\n"),
    ("Question: {q} Answer: {r}", "\n"),
    ("* {q} {r}", "\n"),
    ("- {q} - {r}", "\n"),
    ("{i}. {q} {r}", "\n"),
    ("{i}. {q}\nAnswer: {r}", "\n"),
    ("{i}) {q} ({r})", "\n"),
    ("[{q}] {r}", "\n"),
    ("Ask: {q} Reply: {r}", "\n"),
];

/// Questions with answers in one of several notations.
pub fn pairs(pen: &mut Pen) -> String {
    let n = pen.dice.between(2, 5);
    let facts = pen.facts(n, 35);
    let (notation, between) = NOTATIONS[pen.dice.below(NOTATIONS.len())];
    let whole = pen.dice.below(3);
    let mut text = String::new();
    for (i, fact) in facts.iter().enumerate() {
        let answer = match whole {
            0 => fact.answer.to_owned(),
            1 => fact.statement(),
            _ => format!("The answer is {}.", fact.answer_in_words()),
        };
        let question = pen.ask(fact);
        let pair = notation
            .replace("{i}", &(i + 1).to_string())
            .replace("{q}", &question)
            .replace("{r}", &answer);
        join(&mut text, &pair, between);
    }
    text
}

const HEADS: &[&str] = &[
    "Frequently asked questions",
    "Questions and answers",
    "FAQ",
    "Quiz with answers",
    "People ask and we answer",
    "Good to know",
    "Answers to your questions",
    "Ask the expert",
    "Our readers ask",
    "General knowledge",
];

/// A heading or a statement, then questions answered by whole sentences.
pub fn faq(pen: &mut Pen) -> String {
    let n = pen.dice.between(2, 5);
    let facts = pen.facts(n, 35);
    let (inner, outer) = *pen
        .dice
        .pick(&[&("\n", "\n\n"), &("\n", "\n"), &(" ", "\n"), &(" ", " ")]);
    let mut text = if pen.dice.chance(70) {
        format!("{}{outer}", pen.dice.pick(HEADS))
    } else {
        let fact = pen.fact();
        format!("{}{outer}", pen.say(&fact))
    };
    for (i, fact) in facts.iter().enumerate() {
        let question = pen.ask(fact);
        let answer = reply(pen, fact);
        if i > 0 {
            text += outer;
        }
        text += &format!("{question}{inner}{answer}");
    }
    text
}

/// A whole-sentence answer: mostly the statement with the answer last.
pub fn reply(pen: &mut Pen, fact: &Fact) -> String {
    if pen.dice.chance(80) {
        fact.statement()
    } else {
        pen.say(fact)
    }
}

/// Gaps to fill, choices to make, with solutions.
pub fn worksheet(pen: &mut Pen) -> String {
    let n = pen.dice.between(2, 5);
    let facts = pen.facts(n, 40);
    let kind = pen.dice.below(4);
    let mut text = pen
        .dice
        .pick(&["Worksheet", "Fill in the gaps", "Exercise", "Homework", "Test"])
        .to_owned();
    for (i, fact) in facts.iter().enumerate() {
        let phrase = if pen.dice.chance(60) {
            fact.relation.end
        } else {
            pen.dice.pick(&fact.relation.says)
        };
        let gap = Fact { answer: "___", ..*fact }.fill(&phrase.replace("{aa}", "{a}").replace("{Aa}", "{A}"));
        let line = match kind {
            0 => format!("{gap} ({})", fact.answer),
            1 => format!("{gap} Answer: {}", fact.answer),
            2 => format!("{gap}\nSolution: {}", fact.statement()),
            _ => choice(pen, fact),
        };
        text += &format!("\n{}. {line}", i + 1);
    }
    text
}

/// A question with three answers to choose from and the right one after it.
fn choice(pen: &mut Pen, fact: &Fact) -> String {
    let mut options = vec![fact.answer];
    let all = facts();
    let first = all
        .iter()
        .position(|other| other.relation.name == fact.relation.name)
        .unwrap_or(0);
    let count = all[first..]
        .iter()
        .take_while(|other| other.relation.name == fact.relation.name)
        .count();
    for _ in 0..8 {
        let other = all[first + pen.dice.below(count)].answer;
        if options.len() < 3 && !options.contains(&other) {
            options.push(other);
        }
    }
    pen.dice.shuffle(&mut options);
    let question = pen.ask(fact);
    format!("{question} ({}) It is {}.", options.join(" / "), fact.answer_in_words())
}
