//! The starter's world: facts, split, corpus, tokenizer and sample files.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use burnish::world::corpus::{Corpus, SHARES, Shape};
use burnish::world::{Fact, completion_prompts, facts, held_out_questions, is_held_out, make, questions, relations};
use sha2::{Digest, Sha256};

fn asset(path: &str) -> String {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("assets")
        .join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn find(relation: &str, subject: &str) -> Fact {
    *facts()
        .iter()
        .find(|fact| fact.relation.name == relation && fact.subject == subject)
        .unwrap_or_else(|| panic!("no fact {relation} of {subject}"))
}

#[test]
fn there_are_enough_facts_and_each_is_said_once() {
    assert!((2300..=2800).contains(&facts().len()), "{} facts", facts().len());
    let mut seen = HashSet::new();
    for fact in facts() {
        assert!(
            seen.insert((fact.relation.name, fact.subject)),
            "{} of {} twice",
            fact.relation.name,
            fact.subject
        );
        assert!(!fact.subject.is_empty() && !fact.answer.is_empty());
    }
    for relation in relations() {
        let known = facts()
            .iter()
            .filter(|fact| fact.relation.name == relation.name)
            .count();
        assert!(known >= 7, "{} has only {known} facts", relation.name);
    }
}

#[test]
fn no_row_of_a_table_says_something_else_about_a_subject_already_listed() {
    for name in [
        "countries",
        "animals",
        "colours",
        "materials",
        "jobs",
        "pasts",
        "plurals",
        "symbols",
        "kinds",
        "sums",
    ] {
        let text = asset(&format!("world/{name}.csv"));
        let width = text.lines().next().unwrap_or("").split(',').count();
        let mut seen = HashSet::new();
        for line in text.lines() {
            assert_eq!(line.split(',').count(), width, "{name}: {line}");
            assert!(seen.insert(line.split(',').next()), "{name}: {line} is there twice");
        }
    }
    let text = asset("world/opposites.csv");
    let mut seen = HashSet::new();
    for word in text.lines().skip(1).flat_map(|line| line.split(',')) {
        assert!(seen.insert(word), "{word} has two opposites");
    }
}

#[test]
fn sums_add_up_to_at_most_a_hundred() {
    let sums = facts().iter().filter(|fact| fact.relation.name == "sum");
    for fact in sums {
        let total: u32 = fact
            .subject
            .split(" + ")
            .map(|part| part.parse::<u32>().expect("a number"))
            .sum();
        assert_eq!(fact.answer, total.to_string(), "{}", fact.subject);
        assert!(total <= 100);
    }
}

#[test]
fn a_user_finds_what_a_user_will_ask() {
    assert_eq!(find("capital", "France").statement(), "The capital of France is Paris.");
    assert_eq!(
        find("capital_of", "Amsterdam").statement(),
        "Amsterdam is the capital of the Netherlands."
    );
    assert_eq!(
        find("continent", "the United States").statement(),
        "The United States is a country in North America."
    );
    assert_eq!(find("animal_kind", "an ant").statement(), "An ant is a kind of insect.");
    assert_eq!(find("young", "a cow").statement(), "A baby cow is called a calf.");
    assert_eq!(find("young", "an owl").statement(), "A baby owl is called an owlet.");
    assert_eq!(
        find("category", "an oak").statement(),
        "An oak is an example of a tree."
    );
    assert_eq!(find("currency", "Japan").answer_in_words(), "the yen");
    assert_eq!(find("opposite", "cold").answer, "hot");
}

#[test]
fn every_phrase_names_its_subject_and_every_statement_its_answer() {
    for relation in relations() {
        assert!(
            relation.says.len() >= 3 && relation.asks.len() >= 3 && relation.tests.len() >= 2,
            "{}",
            relation.name
        );
        assert!(!relation.heading.is_empty(), "{}", relation.name);
        let statements = relation.says.iter().chain([&relation.end]);
        for phrase in statements {
            assert!(
                phrase.to_lowercase().contains("{a") && phrase.ends_with('.'),
                "{phrase}"
            );
        }
        let all = relation
            .says
            .iter()
            .chain([&relation.end])
            .chain(&relation.asks)
            .chain(&relation.tests);
        for phrase in all {
            let filled = find_first(relation.name).fill(phrase);
            assert!(!filled.contains('{'), "{phrase} leaves {filled}");
            assert!(
                ["{s}", "{S}", "{n}"].iter().any(|mark| phrase.contains(mark)),
                "{phrase}"
            );
        }
        assert!(
            relation.end.ends_with("{a}.") || relation.end.ends_with("{aa}."),
            "{}",
            relation.end
        );
        let asks: HashSet<_> = relation.asks.iter().collect();
        assert!(
            relation.tests.iter().all(|test| !asks.contains(test)),
            "{}",
            relation.name
        );
    }
}

fn find_first(relation: &str) -> Fact {
    *facts()
        .iter()
        .find(|fact| fact.relation.name == relation)
        .expect("every relation has facts")
}

#[test]
fn every_fact_has_a_prompt_that_stops_before_its_answer() {
    let prompts = completion_prompts();
    assert_eq!(prompts.len(), facts().len());
    for prompt in prompts {
        assert!(
            !prompt.prompt.ends_with(' ') && !prompt.prompt.contains('{'),
            "{}",
            prompt.prompt
        );
        let statement = prompt.fact.statement();
        let rest = statement
            .strip_prefix(&prompt.prompt)
            .expect("the prompt begins the statement");
        assert!(rest.contains(prompt.fact.answer));
    }
}

#[test]
fn the_examination_shares_no_subject_and_no_phrasing_with_the_sample_files() {
    let bare = |text: &str| {
        let lower = text.to_lowercase();
        let cut = ["a ", "an ", "the "]
            .iter()
            .find_map(|article| lower.strip_prefix(article));
        cut.unwrap_or(&lower).to_owned()
    };
    let held = held_out_questions();
    assert!(held.len() >= 500, "{} held-out questions", held.len());
    let used = questions();
    let subjects: HashSet<String> = used.iter().map(|question| bare(question.fact.subject)).collect();
    let phrasings: HashSet<&str> = relations()
        .iter()
        .flat_map(|relation| relation.asks.iter().copied())
        .collect();
    let samples = [
        asset("samples/manners.jsonl"),
        asset("samples/json-only.jsonl"),
        asset("samples/persona.jsonl"),
    ];
    for question in &held {
        assert!(is_held_out(&question.fact));
        assert!(
            !subjects.contains(&bare(question.fact.subject)),
            "{} is in both",
            question.fact.subject
        );
        assert!(
            phrasings
                .iter()
                .all(|phrasing| question.fact.fill(phrasing) != question.text),
            "{}",
            question.text
        );
        assert!(
            samples.iter().all(|text| !text.contains(&question.text)),
            "{} is in a sample",
            question.text
        );
        let statement = question.fact.statement();
        assert!(
            samples.iter().all(|text| !text.contains(&statement)),
            "{statement} is in a sample"
        );
    }
    let covered: BTreeSet<&str> = held.iter().map(|question| question.fact.relation.name).collect();
    assert!(covered.len() >= relations().len() - 2, "only {covered:?}");
}

#[test]
fn the_corpus_is_the_same_every_time_and_another_with_another_seed() {
    let digest = |seed| {
        let mut hash = Sha256::new();
        Corpus::new(seed).take(3000).for_each(|text| hash.update(text));
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    assert_eq!(
        digest(make::SEED),
        "ec6df520ce5c5e6262d7422b449049a788e7fb197fc176199b9316dd95e72798",
        "the shipped starter learned another text"
    );
    assert_ne!(digest(make::SEED), digest(make::SEED + 1));
}

#[test]
fn the_shapes_have_their_shares_and_a_bare_question_leads_to_more_questions() {
    let mut corpus = Corpus::new(1);
    let mut written: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut total, mut quiz, mut other) = (0, 0, 0);
    for _ in 0..4000 {
        let (shape, text) = corpus.document();
        let place = SHARES
            .iter()
            .position(|(known, _)| *known == shape)
            .expect("a known shape");
        *written.entry(place).or_default() += text.len();
        total += text.len();
        assert!(
            !text.contains("<|") && !text.contains('{') || shape == Shape::List,
            "{text}"
        );
        assert!(text.len() < 800, "{text}");
        let first = text
            .lines()
            .next()
            .unwrap_or("")
            .split_inclusive(['.', '?', ':'])
            .next()
            .unwrap_or("");
        if first.ends_with('?') && first.starts_with(char::is_alphabetic) {
            *(if shape == Shape::Quiz { &mut quiz } else { &mut other }) += 1;
        }
    }
    for (place, (shape, share)) in SHARES.iter().enumerate() {
        let got = written[&place] as f64 * 100.0 / f64::from(u32::try_from(total).expect("small"));
        assert!(
            (got - *share as f64).abs() < 1.0,
            "{shape:?}: {got:.1} % instead of {share} %"
        );
    }
    assert!(
        quiz > 9 * other,
        "{quiz} quizzes, {other} others begin with a bare question"
    );
}

#[test]
fn every_fact_is_told_in_several_phrasings_and_shapes() {
    let mut texts: BTreeMap<usize, String> = BTreeMap::new();
    let mut corpus = Corpus::new(make::SEED);
    for _ in 0..12_000 {
        let (shape, text) = corpus.document();
        let place = SHARES
            .iter()
            .position(|(known, _)| *known == shape)
            .expect("a known shape");
        texts.entry(place).or_default().push_str(&format!("{text}\n"));
    }
    // Every ninth fact: all of them would take a minute.
    for fact in facts().iter().step_by(9) {
        let relation = fact.relation;
        let phrases = relation
            .says
            .iter()
            .chain([&relation.end])
            .chain(&relation.asks)
            .chain(&relation.tests);
        let filled: Vec<String> = phrases
            .map(|phrase| fact.fill(phrase).trim_end_matches(['.', '?']).to_owned())
            .collect();
        let told = filled
            .iter()
            .filter(|phrase| texts.values().any(|text| text.contains(phrase.as_str())))
            .count();
        let shapes = texts
            .values()
            .filter(|text| filled.iter().any(|phrase| text.contains(phrase.as_str())))
            .count();
        assert!(told >= 4, "{} of {}: {told} phrasings", relation.name, fact.subject);
        assert!(shapes >= 3, "{} of {}: {shapes} shapes", relation.name, fact.subject);
    }
}

#[test]
fn the_written_corpus_is_text_rows_of_about_the_length_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("corpus.jsonl");
    let mut calls = 0;
    let documents = make::write_corpus(&path, make::SEED, 50_000, &mut |_, all| {
        assert_eq!(all, 50_000);
        calls += 1;
    })
    .expect("written");
    assert!(calls > 0);
    let text = std::fs::read_to_string(&path).expect("readable");
    assert_eq!(text.lines().count(), documents);
    let tokenizer = tokenizers::Tokenizer::from_bytes(asset("starter/tokenizer.json")).expect("a tokenizer");
    let mut tokens = 0;
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        tokens += tokenizer
            .encode(row["text"].as_str().expect("text"), false)
            .expect("encodes")
            .len();
    }
    assert!((48_000..52_000).contains(&tokens), "{tokens} tokens");
    let nowhere = folder.path().join("no-such-folder/corpus.jsonl");
    let error = make::write_corpus(&nowhere, 1, 10, &mut |_, _| {}).expect_err("no such folder");
    assert!(error.to_string().contains("no-such-folder"), "{error}");
}

#[test]
fn the_shipped_tokenizer_and_samples_are_what_the_generator_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    make::write_tokenizer(folder.path(), &mut |_, _| {}).expect("a tokenizer");
    make::write_samples(folder.path(), &mut |_, _| {}).expect("samples");
    for (shipped, name) in [
        ("starter/tokenizer.json", "tokenizer.json"),
        ("starter/tokenizer_config.json", "tokenizer_config.json"),
        ("samples/manners.jsonl", "manners.jsonl"),
        ("samples/json-only.jsonl", "json-only.jsonl"),
        ("samples/persona.jsonl", "persona.jsonl"),
    ] {
        let made = std::fs::read_to_string(folder.path().join(name)).expect(name);
        assert!(made == asset(shipped), "{shipped} is not what the generator writes");
    }
}

#[test]
fn the_tokenizer_is_small_and_keeps_names_whole() {
    let tokenizer = tokenizers::Tokenizer::from_bytes(asset("starter/tokenizer.json")).expect("a tokenizer");
    assert_eq!(tokenizer.get_vocab_size(true), 3072);
    let ids = |text: &str| tokenizer.encode(text, false).expect("encodes").get_ids().to_vec();
    for (id, special) in ["<|endoftext|>", "<|im_start|>", "<|im_end|>"].iter().enumerate() {
        assert_eq!(ids(special), [u32::try_from(id).expect("small")]);
    }
    assert_eq!(ids(" 47").len(), 3, "digits stand alone");
    let text = "What is the capital of Côte d'Ivoire? 12 + 7\n日本 <|im_end|>";
    assert_eq!(tokenizer.decode(&ids(text), false).expect("decodes"), text);
    let short = facts()
        .iter()
        .filter(|fact| ids(&format!(" {}", fact.answer)).len() <= 3)
        .count();
    assert!(short * 100 >= facts().len() * 90, "{short} short answers");
}

#[test]
fn the_samples_have_three_schemas_and_answer_first() {
    let rows = |name: &str| -> Vec<serde_json::Value> {
        asset(name)
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    };
    let manners = rows("samples/manners.jsonl");
    assert!(manners.len() <= 1000);
    let statements: BTreeMap<String, &str> = facts()
        .iter()
        .flat_map(|fact| {
            let phrases = fact.relation.says.iter().chain([&fact.relation.end]);
            phrases.map(|phrase| (fact.fill(phrase), fact.relation.name))
        })
        .collect();
    let mut covered = BTreeSet::new();
    let mut answered = 0;
    for row in &manners {
        assert_eq!(row["messages"][0]["role"], "user");
        let reply = row["messages"][1]["content"].as_str().expect("an answer");
        let first = reply.strip_suffix(" You are welcome.").unwrap_or(reply);
        if let Some(relation) = statements.get(first) {
            covered.insert(*relation);
            answered += 1;
        }
    }
    assert!(
        answered >= manners.len() - 20,
        "{answered} of {} rows answer with a statement",
        manners.len()
    );
    assert_eq!(covered.len(), relations().len(), "{covered:?}");
    for row in rows("samples/json-only.jsonl") {
        let output: serde_json::Value = serde_json::from_str(row["output"].as_str().expect("output")).expect("JSON");
        assert!(output["answer"].is_string() && row["instruction"].is_string());
    }
    for row in rows("samples/persona.jsonl") {
        assert!(
            row["conversations"][1]["value"]
                .as_str()
                .expect("an answer")
                .contains("matey"),
            "{row}"
        );
    }
}
