//! The judge of the starter's answers.

use burnish::world::judge::{answers, completes, first_sentence};
use burnish::world::{Fact, facts, held_out_questions};

fn find(relation: &str, subject: &str) -> Fact {
    *facts()
        .iter()
        .find(|fact| fact.relation.name == relation && fact.subject == subject)
        .unwrap_or_else(|| panic!("no fact {relation} of {subject}"))
}

#[test]
fn every_fact_s_own_statement_is_right() {
    for fact in facts() {
        for test in &fact.relation.tests {
            assert!(
                answers(fact, &fact.fill(test), &fact.statement()),
                "{}",
                fact.statement()
            );
        }
    }
}

#[test]
fn another_answer_of_the_same_relation_is_wrong() {
    for question in held_out_questions() {
        let fact = question.fact;
        let other = facts()
            .iter()
            .find(|other| {
                other.relation.name == fact.relation.name && other.answer != fact.answer && other.answer != fact.subject
            })
            .expect("another answer");
        let wrong = Fact {
            answer: other.answer,
            ..fact
        }
        .statement();
        assert!(!answers(&fact, &question.text, &wrong), "{wrong}");
    }
}

#[test]
fn only_the_first_sentence_counts() {
    let france = find("capital", "France");
    let ask = "What is the capital of France?";
    assert!(answers(&france, ask, "Paris"));
    assert!(answers(
        &france,
        ask,
        " The capital of France is Paris, matey! Not London."
    ));
    assert!(!answers(&france, ask, "I do not know. Paris?"));
    assert!(!answers(&france, ask, "Paris or London."));
    assert!(!answers(&france, ask, "The capital of France is Parisian."));
    assert!(!answers(&france, ask, "What is the capital of Spain?\nParis"));
    assert!(!answers(&france, ask, ""));
}

#[test]
fn longer_names_win_over_the_names_inside_them() {
    let guinea = find("capital_of", "Conakry");
    let ask = "Which country is Conakry the capital of?";
    assert!(answers(&guinea, ask, "Conakry is the capital of Guinea."));
    assert!(!answers(&guinea, ask, "Conakry is the capital of Guinea-Bissau."));
    assert!(!answers(&guinea, ask, "Conakry is the capital of Papua New Guinea."));
    let bissau = find("capital_of", "Bissau");
    assert!(answers(
        &bissau,
        "Which country is Bissau the capital of?",
        "It is Guinea-Bissau."
    ));
    let mexico = find("capital", "Mexico");
    assert!(answers(
        &mexico,
        "What is the capital of Mexico called?",
        "The capital of Mexico is Mexico City."
    ));
    assert!(!answers(
        &mexico,
        "What is the capital of Mexico called?",
        "The capital of Mexico is Mexico."
    ));
}

#[test]
fn what_the_question_names_is_neither_a_wrong_nor_a_right_answer() {
    let hot = find("opposite", "hot");
    assert!(answers(
        &hot,
        "What is the opposite of the word hot?",
        "The opposite of hot is cold."
    ));
    assert!(!answers(
        &hot,
        "What is the opposite of the word hot?",
        "The opposite of hot is warm."
    ));
    let glass = find("material", "a wine glass");
    assert!(answers(
        &glass,
        "Which material is a wine glass made of?",
        "A wine glass is made of glass."
    ));
    assert!(!answers(
        &glass,
        "Which material is a wine glass made of?",
        "A wine glass is made of wood."
    ));
    let sum = find("sum", "7 + 3");
    assert!(answers(&sum, "What is the result of 7 + 3?", "7 + 3 = 10."));
    assert!(!answers(
        &sum,
        "What is the result of 7 + 3?",
        "The answer to 7 + 3 is 11."
    ));
    assert!(!answers(
        &sum,
        "What is the result of 7 + 3?",
        "The answer to 7 + 3 is 100."
    ));
}

#[test]
fn symbols_are_compared_with_their_case() {
    let gold = find("symbol", "gold");
    assert!(answers(
        &gold,
        "How do chemists write gold?",
        "The chemical symbol of gold is Au."
    ));
    assert!(!answers(
        &gold,
        "How do chemists write gold?",
        "The chemical symbol of gold is au."
    ));
    let carbon = find("symbol", "carbon");
    assert!(!answers(
        &carbon,
        "How do chemists write carbon?",
        "The chemical symbol of carbon is Cu."
    ));
}

#[test]
fn a_continuation_must_begin_with_the_answer() {
    let france = find("capital", "France");
    assert!(completes(&france, " Paris. London is"));
    assert!(!completes(&france, " a city called Paris."));
    assert!(completes(&find("young", "a cow"), " a calf. A baby"));
    assert!(completes(&find("capital_of", "Amsterdam"), " the Netherlands."));
    assert!(completes(&find("home", "a bee"), " a hive and"));
    assert!(!completes(&find("capital_of", "Conakry"), " Guinea-Bissau."));
    assert!(!completes(&find("sum", "7 + 3"), " 100."));
}

#[test]
fn a_sentence_ends_at_a_mark_or_a_line() {
    assert_eq!(first_sentence(" It is 3.5 metres. Yes."), "It is 3.5 metres");
    assert_eq!(first_sentence("One\ntwo"), "One");
    assert_eq!(first_sentence("\"Paris!\" said Ben."), "\"Paris");
    assert_eq!(first_sentence("Paris"), "Paris");
}
