//! Conversations by the command line: what is remembered between turns, what is left out, what ends an answer, what scripts read.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use super::kit::{Answer, World, answer};

const GENERATE: [&str; 6] = ["generate", "--model", "model", "--device", "cpu", "--json"];

fn generate(world: &World, more: &[&str]) -> Value {
    world.run(&[&GENERATE[..], more].concat()).ok().lines().remove(0)
}

/// Sends lines to `chat`.
fn chat(world: &World, more: &[&str], lines: &str) -> Answer {
    let start = ["chat", "--model", "model", "--device", "cpu", "--json"];
    let mut command = world.command(&[&start[..], more].concat());
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    answer(child.wait_with_output().unwrap())
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("{key} in {value}"))
}

#[test]
fn a_second_turn_reads_only_what_is_new_and_answers_the_same() {
    let world = World::new();
    let answers = chat(&world, &["--max-tokens", "5"], "two\nthree\n").ok().lines();
    let [first, second] = &answers[..] else {
        panic!("{answers:?}")
    };
    assert_eq!(number(first, "reused_tokens"), 0);
    assert_eq!(number(first, "context"), 128);
    let (before, now) = (number(first, "prompt_tokens"), number(second, "prompt_tokens"));
    let kept = number(second, "reused_tokens");
    // The answer may be cut into other tokens when it is read again, the question before it is not.
    assert!(kept + 2 >= before && kept < now, "{kept} of {now} after {before}");
    assert!(first["first_token_seconds"].as_f64().unwrap() > 0.0);
    // The same prompt in a fresh process.
    world.write("ids.json", &second["prompt_ids"].to_string());
    let fresh = generate(&world, &["--ids", "ids.json", "--max-tokens", "5"]);
    assert_eq!(fresh["ids"], second["ids"]);
    assert_eq!(number(&fresh, "reused_tokens"), 0);
}

#[test]
fn oldest_turns_are_left_out_whole_and_the_answer_says_so() {
    let world = World::new();
    let turns = "one two three four five\n".repeat(6);
    let more = ["--max-tokens", "4", "--system", "answer"];
    let result = chat(&world, &more, &turns).ok();
    let answers = result.lines();
    assert_eq!(answers.len(), 6);
    assert!(answers[0].get("dropped_turns").is_none(), "{}", answers[0]);
    let last = &answers[5];
    let turns = number(last, "dropped_turns");
    assert!(turns > 0 && number(last, "dropped_messages") == 2 * turns, "{last}");
    // A whole turn goes, the room for the answer stays, the system message too.
    assert!(number(last, "prompt_tokens") + 4 <= 128);
    let start = |v: &Value| v["prompt_ids"].as_array().unwrap()[..6].to_vec();
    assert_eq!(start(last), start(&answers[0]));
    assert!(
        result.stderr.contains("left out: the model holds at most 128 tokens"),
        "{}",
        result.stderr
    );
    let long = "word ".repeat(200);
    let refused = world.run(&[&GENERATE[..], &["--prompt", &long]].concat());
    refused.refuses(1, &["The last message has", "at most 128", "Shorten"]);
}

#[test]
fn stop_texts_end_an_answer_before_themselves() {
    let world = World::new();
    let drawn = |seed: usize, more: &[&str]| {
        let seed = seed.to_string();
        let some = [
            "--prompt",
            "one",
            "--max-tokens",
            "20",
            "--temperature",
            "1.5",
            "--seed",
            &seed,
        ];
        generate(&world, &[&some[..], more].concat())
    };
    // The first answer that says a letter or a digit after something else.
    let (seed, whole, at) = (0..40)
        .find_map(|seed| {
            let whole = drawn(seed, &[]);
            let text = whole["text"].as_str()?;
            let new = |(at, c): &(usize, char)| *at > 0 && c.is_ascii_alphanumeric() && text.find(*c) == Some(*at);
            let at = text.char_indices().find(new)?.0;
            Some((seed, whole, at))
        })
        .expect("an answer with a letter");
    let text = whole["text"].as_str().unwrap();
    let stop = &text[at..=at];
    let cut = drawn(seed, &["--stop", "never comes", "--stop", stop]);
    assert_eq!(cut["text"], text[..at]);
    assert_eq!(cut["stop"], "stop_string");
    assert_eq!(cut["ended"], serde_json::json!({"by": "stop_text", "text": stop}));
    assert_eq!(whole["ended"]["by"], "max_tokens");
    world
        .run(&[&GENERATE[..], &["--prompt", "one", "--stop", ""]].concat())
        .refuses(2, &["--stop"]);
}

#[test]
fn sampling_options_have_bounds_and_seeds_repeat() {
    let world = World::new();
    let some = ["--prompt", "one", "--max-tokens", "12", "--temperature", "1.5"];
    let with = |more: &[&str]| generate(&world, &[&some[..], more].concat())["ids"].clone();
    let options = [
        "--min-p",
        "0.05",
        "--top-k",
        "50",
        "--top-p",
        "0.95",
        "--repetition-penalty",
        "1.2",
    ];
    assert_eq!(with(&options), with(&options));
    let greedy = generate(&world, &["--prompt", "one", "--max-tokens", "12"]);
    assert_eq!(
        with(&["--min-p", "1"]),
        greedy["ids"],
        "only the likeliest is as likely as the likeliest"
    );
    assert_ne!(with(&[]), greedy["ids"]);
    for wrong in [["--min-p", "2"], ["--min-p", "nan"], ["--repetition-penalty", "0"]] {
        world
            .run(&[&GENERATE[..], &some[..], &wrong[..]].concat())
            .refuses(2, &[wrong[0]]);
    }
}

#[test]
fn every_token_tells_its_alternatives() {
    let world = World::new();
    let found = generate(&world, &["--prompt", "one", "--max-tokens", "3", "--alternatives", "4"]);
    let tokens = found["tokens"].as_array().unwrap();
    assert_eq!(tokens.len(), 3);
    for (token, id) in tokens.iter().zip(found["ids"].as_array().unwrap()) {
        let others = token["alternatives"].as_array().unwrap();
        assert_eq!((&token["id"], others.len()), (id, 4));
        assert_eq!(&others[0]["id"], id, "greedy");
        assert_eq!(others[0]["probability"], token["probability"]);
    }
    let plain = generate(&world, &["--prompt", "one", "--max-tokens", "3"]);
    assert!(plain.get("tokens").is_none());
}
