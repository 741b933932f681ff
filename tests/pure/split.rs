//! Holding out conversations, and shortening them by whole turns.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use burnish::data::{Conversation, Kind, Message, Role, Source, Split, hold_out, without_oldest_turn};

fn conversation(turns: &[(Role, &str)]) -> Conversation {
    Conversation {
        messages: turns.iter().map(|(role, text)| Message::new(*role, *text)).collect(),
        tools: None,
        documents: None,
        kind: Kind::Chat,
        source: Source {
            file: Arc::new(PathBuf::from("x.jsonl")),
            line: 1,
            row: 0,
        },
        split: Split::Train,
    }
}

use Role::{Assistant, System, Tool, User};

/// `count` conversations with `prompts` different prompts.
fn rows(count: usize, prompts: usize) -> Vec<Conversation> {
    (0..count)
        .map(|n| {
            conversation(&[
                (User, &format!("q{}", n % prompts)),
                (Assistant, &format!("a{n}")),
                (User, "ok?"),
            ])
        })
        .collect()
}

fn held(rows: &[Conversation]) -> Vec<usize> {
    (0..rows.len()).filter(|n| rows[*n].split == Split::Eval).collect()
}

#[test]
fn the_share_has_bounds_and_something_is_left() {
    for (count, percent, expected) in [
        (100, 5.0, 5),
        (10, 5.0, 1),
        (2, 5.0, 1),
        (1, 5.0, 0),
        (0, 5.0, 0),
        (20_000, 5.0, 500),
        (10, 100.0, 9),
        (10, 0.0, 0),
        (10, f64::NAN, 0),
        (10, -3.0, 0),
    ] {
        let mut rows = rows(count, count.max(1));
        assert_eq!(hold_out(&mut rows, percent, 42), expected, "{count} rows, {percent} %");
        assert_eq!(held(&rows).len(), expected);
    }
}

#[test]
fn same_prompts_stay_together() {
    let mut rows = rows(300, 60);
    let count = hold_out(&mut rows, 5.0, 1);
    assert_eq!(count, 15);
    let prompt = |n: &usize| rows[*n].messages[0].content.clone();
    let eval: HashSet<String> = held(&rows).iter().map(prompt).collect();
    let train: HashSet<String> = (0..rows.len())
        .filter(|n| rows[*n].split == Split::Train)
        .map(|n| prompt(&n))
        .collect();
    assert!(eval.is_disjoint(&train));
    assert_eq!(eval.len(), 3);
}

#[test]
fn one_prompt_for_all_holds_nothing_out_and_texts_are_apart() {
    assert_eq!(hold_out(&mut rows(50, 1), 5.0, 1), 0);
    assert_eq!(
        hold_out(&mut rows(2000, 2), 5.0, 1),
        0,
        "a group of 1000 is more than may be held out"
    );
    let mut texts: Vec<_> = (0..50)
        .map(|n| conversation(&[(Assistant, &format!("text {n}"))]))
        .collect();
    assert_eq!(hold_out(&mut texts, 10.0, 1), 5);
}

#[test]
fn groups_larger_than_the_share_still_give_one() {
    let mut rows = rows(40, 4);
    assert_eq!(hold_out(&mut rows, 5.0, 1), 10);
}

#[test]
fn the_choice_follows_the_seed_and_replaces_an_earlier_one() {
    let choice = |seed| {
        let mut rows = rows(100, 100);
        hold_out(&mut rows, 5.0, seed);
        held(&rows)
    };
    assert_eq!(choice(1), choice(1));
    assert_ne!(choice(1), choice(2));
    let mut again = rows(100, 100);
    hold_out(&mut again, 5.0, 2);
    hold_out(&mut again, 5.0, 1);
    assert_eq!(held(&again), choice(1));
}

#[test]
fn whole_oldest_turns_go_and_the_system_message_stays() {
    let long = conversation(&[
        (System, "s"),
        (User, "1"),
        (Assistant, "call"),
        (Tool, "t"),
        (Assistant, "a1"),
        (User, "2"),
        (User, "2b"),
        (Assistant, "a2"),
        (User, "3"),
        (Assistant, "a3"),
    ]);
    let texts = |c: &Conversation| c.messages.iter().map(|m| m.content.clone()).collect::<Vec<_>>();
    let once = without_oldest_turn(&long).expect("three turns");
    assert_eq!(texts(&once), ["s", "2", "2b", "a2", "3", "a3"]);
    let twice = without_oldest_turn(&once).expect("two turns");
    assert_eq!(texts(&twice), ["s", "3", "a3"]);
    assert_eq!(without_oldest_turn(&twice), None);
    assert_eq!(without_oldest_turn(&conversation(&[(Assistant, "text")])), None);
    assert_eq!(
        without_oldest_turn(&conversation(&[(User, "1"), (Assistant, "a"), (User, "2")])),
        None
    );
    let open = conversation(&[(User, "1"), (Tool, "t"), (User, "2")]);
    assert_eq!(texts(&without_oldest_turn(&open).expect("two questions")), ["2"]);
    let greeting = conversation(&[(Assistant, "Hello"), (User, "1"), (Assistant, "a1")]);
    assert_eq!(
        texts(&without_oldest_turn(&greeting).expect("a greeting and a turn")),
        ["1", "a1"]
    );
}
