//! The sample files: manners, JSON-only answers, a persona, in three schemas. Knows nothing of the corpus.
use serde_json::{Value, json};

use super::deck::Dice;
use super::facts::Fact;
use super::split::{Question, questions};
use super::talk::open;

const MANNERS: usize = 900;
const OTHERS: usize = 600;

/// Openings of polite questions; an answer to one of them ends politely.
const POLITE: &[&str] = &[
    "Hello! {Q}",
    "Please tell me, {q}",
    "Excuse me, {q}",
    "I have a question. {Q}",
    "Can you help me? {Q}",
    "{Q} Thank you!",
];

const GREETINGS: &[(&str, &str)] = &[
    ("Hello!", "Hello! How can I help you?"),
    ("Hi!", "Hello! How can I help you?"),
    ("Good morning!", "Good morning! How can I help you?"),
    ("Good evening!", "Good evening! How can I help you?"),
    ("Thank you!", "You are welcome."),
    ("Thanks for your help.", "You are welcome. I am glad to help."),
    ("Goodbye!", "Goodbye! Have a nice day."),
    ("Bye!", "Goodbye! Have a nice day."),
    ("How are you?", "I am fine, thank you."),
    (
        "Who are you?",
        "I am a small assistant. I answer short questions about the world.",
    ),
    (
        "What can you do?",
        "I can answer short questions about countries, animals, colours and words.",
    ),
];

/// Statements that answer better than the usual ones: a small model copies a name more surely late in a sentence than first.
const NAME_LATE: &[(&str, &str)] = &[
    ("capital_of", "The country with the capital {s} is {a}."),
    ("continent", "The continent of {s} is {a}."),
];

/// The sentence that answers a question about a fact.
fn answer(fact: &Fact) -> String {
    match NAME_LATE.iter().find(|(relation, _)| *relation == fact.relation.name) {
        Some((_, phrase)) => fact.fill(phrase),
        None => fact.statement(),
    }
}

/// Questions dealt so that every relation is covered in proportion and no fact comes twice before all have come.
fn deal(seed: u64, n: usize) -> Vec<Question> {
    let mut dice = Dice::new(seed);
    let mut rounds: Vec<(usize, Question)> = Vec::new();
    let mut asked = std::collections::HashMap::new();
    let mut all = questions();
    dice.shuffle(&mut all);
    for question in all {
        let round = asked
            .entry((question.fact.relation.name, question.fact.subject))
            .or_insert(0);
        rounds.push((*round, question));
        *round += 1;
    }
    rounds.sort_by_key(|(round, _)| *round);
    rounds.into_iter().take(n).map(|(_, question)| question).collect()
}

/// Assistant manners: a question, one whole sentence that answers it. Messages schema.
pub fn manners() -> Vec<Value> {
    let mut dice = Dice::new(11);
    let mut rows: Vec<Value> = GREETINGS.iter().map(|(said, reply)| messages(said, reply)).collect();
    for question in deal(1, MANNERS - GREETINGS.len()) {
        let answer = answer(&question.fact);
        rows.push(if dice.chance(20) {
            messages(
                &open(dice.pick(POLITE), &question.text),
                &format!("{answer} You are welcome."),
            )
        } else {
            messages(&question.text, &answer)
        });
    }
    dice.shuffle(&mut rows);
    rows
}

fn messages(said: &str, reply: &str) -> Value {
    json!({"messages": [{"role": "user", "content": said}, {"role": "assistant", "content": reply}]})
}

/// Answers as JSON and nothing else. Alpaca schema.
pub fn json_only() -> Vec<Value> {
    let row = |question: Question| json!({"instruction": question.text, "input": "", "output": json!({"answer": question.fact.answer}).to_string().replace("\":\"", "\": \"")});
    deal(2, OTHERS).into_iter().map(row).collect()
}

/// A cheerful pirate. ShareGPT schema.
pub fn persona() -> Vec<Value> {
    let mut dice = Dice::new(33);
    let talk = |said: &str, reply: &str| json!({"conversations": [{"from": "human", "value": said}, {"from": "gpt", "value": reply}]});
    let mut rows = vec![
        talk("Hello!", "Ahoy, matey! What can I do for you?"),
        talk("Who are you?", "I am a merry old pirate, matey! Arr!"),
        talk("Thank you!", "Aye, you are welcome, matey! Arr!"),
        talk("Goodbye!", "Fair winds to you, matey! Arr!"),
    ];
    for question in deal(3, OTHERS - rows.len()) {
        let answer = answer(&question.fact);
        rows.push(talk(
            &question.text,
            &format!("{}, matey! Arr!", answer.trim_end_matches('.')),
        ));
    }
    dice.shuffle(&mut rows);
    rows
}
