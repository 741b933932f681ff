//! Files of every container: their problems, sizes and hashes; what random bytes do.

use std::path::{Path, PathBuf};

use burnish::data::Role::{Assistant, User};
use burnish::data::{DataError, ReadOptions, Schema, read_file, sha256_file};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::data_kit::{problem, read, read_bytes, turns};

#[test]
fn a_bad_row_never_costs_its_neighbours() {
    let good = |n: usize| json!({"prompt": format!("q{n}"), "completion": "a"}).to_string();
    let mut bytes = b"\xEF\xBB\xBF".to_vec();
    bytes.extend(format!("{}\r\n\r\n{{\"prompt\": \"q\r\n", good(0)).bytes());
    bytes.extend(b"{\"prompt\": \"caf\xE9\", \"completion\": \"x\"}\n");
    bytes.extend(format!("{}\n[1, 2]\n{{\"prompt\": 1}}\n  \n{}", good(1), good(2)).bytes());
    let data = read_bytes("x.jsonl", &bytes, ReadOptions::default()).expect("readable");
    let lines: Vec<_> = data
        .conversations
        .iter()
        .map(|c| (c.source.row, c.source.line))
        .collect();
    assert_eq!(lines, [(0, 1), (3, 5), (6, 9)]);
    let problems: Vec<_> = data.problems.iter().map(|p| (p.row, p.line)).collect();
    assert_eq!(problems, [(1, 3), (2, 4), (4, 6), (5, 7)]);
    assert!(
        data.problems[0].message.contains("not valid JSON"),
        "{}",
        data.problems[0].message
    );
    assert!(
        data.problems[1].message.contains("byte 16 is 0xE9"),
        "{}",
        data.problems[1].message
    );
    assert!(
        data.problems[2].message.contains("a list of 2"),
        "{}",
        data.problems[2].message
    );
    assert_eq!(data.rows_read, 7);
}

#[test]
fn rows_without_an_answer_are_kept_with_a_reservation() {
    let problem = problem(json!({"messages": [{"role": "user", "content": "Hi"}]}));
    assert!(
        !problem.skipped && problem.message.contains("no assistant message"),
        "{}",
        problem.message
    );
    let empty =
        json!({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": ""}]}).to_string();
    let kept = read_bytes("x.jsonl", empty.as_bytes(), ReadOptions { keep_empty: true }).expect("readable");
    assert_eq!((kept.conversations.len(), kept.problems.len()), (1, 1));
    assert!(!kept.problems[0].skipped);
}

#[test]
fn a_stray_schema_is_used_and_named_once() {
    let text = "{\"prompt\": \"a\", \"completion\": \"b\"}\n".repeat(5) + &"{\"text\": \"c\"}\n".repeat(3);
    let data = read("x.jsonl", &text);
    assert_eq!(
        (data.schema, data.conversations.len(), data.problems.len()),
        (Schema::PromptCompletion, 8, 1)
    );
    let problem = &data.problems[0];
    assert_eq!((problem.row, problem.line, problem.skipped), (5, 6, false));
    assert!(problem.message.contains("2 more rows"), "{}", problem.message);
}

#[test]
fn json_arrays_are_read_element_by_element() {
    let row = |n: usize| json!({"prompt": format!("q [{{{n}"), "completion": "\"a\\", "deep": [[{"x": []}]]});
    let pretty = serde_json::to_string_pretty(&json!([row(0), row(1), row(2)])).expect("json");
    for name in ["x.json", "x.jsonl"] {
        for text in [json!([row(0), row(1), row(2)]).to_string(), pretty.clone()] {
            let data = read(name, &text);
            assert_eq!(
                (data.conversations.len(), data.problems.len()),
                (3, 0),
                "{:#?}",
                data.problems
            );
            assert_eq!(data.conversations[2].source.line, 3);
        }
    }
    let wrapped = read("x.json", &json!({"version": 1, "data": [row(0), row(1)]}).to_string());
    assert_eq!(wrapped.conversations.len(), 2);
    assert_eq!(
        read("x.json", &serde_json::to_string_pretty(&row(0)).expect("json"))
            .conversations
            .len(),
        1
    );
    assert_eq!(
        read("x.json", &format!("{}\n{}\n", row(0), row(1))).conversations.len(),
        2
    );
}

#[test]
fn a_broken_element_costs_only_itself() {
    let good = "  {\n    \"prompt\": \"q\",\n    \"completion\": \"a\"\n  }";
    for broken in [
        "  {\"prompt\": \"q\", \"completion\": }",
        "  {\n    \"prompt\": \"q,\n    \"completion\": \"a\"\n  }",
        "  {\n    \"prompt\": [1\n  }",
        "  7",
    ] {
        let data = read("x.json", &format!("[\n{good},\n{broken},\n{good},\n{good}\n]\n"));
        assert_eq!(
            (data.conversations.len(), data.problems.len()),
            (3, 1),
            "{broken}: {:#?}",
            data.problems
        );
        assert_eq!((data.problems[0].row, data.problems[0].line), (1, 2), "{broken}");
        assert!(
            data.problems[0].message.contains("x.json, element 2)"),
            "{}",
            data.problems[0].message
        );
    }
    let cut = read("x.json", &format!("[\n{good},\n{good},\n  {{\n    \"prompt\": \"q"));
    assert_eq!((cut.conversations.len(), cut.problems.len()), (2, 1));
}

#[test]
fn tables_have_a_header() {
    let data = read(
        "x.csv",
        "instruction,output\r\n\"Say \"\"hi\"\",\nplease\",Hi\nbad\nBye,Bye\n",
    );
    assert_eq!((data.schema, data.rows_read), (Schema::Alpaca, 3));
    assert_eq!(
        turns(&data.conversations[0]),
        [(User, "Say \"hi\",\nplease"), (Assistant, "Hi")]
    );
    assert_eq!(
        (
            data.problems.len(),
            data.problems[0].line,
            data.conversations[1].source.line
        ),
        (1, 4, 5)
    );
    assert_eq!(read("x.tsv", "prompt\tcompletion\na\tb").conversations.len(), 1);
}

#[test]
fn files_that_hold_nothing_say_what_to_do() {
    let empty = |name: &str, bytes: &[u8]| {
        read_bytes(name, bytes, ReadOptions::default())
            .expect_err("no rows")
            .to_string()
    };
    assert!(empty("x.jsonl", b"").contains("is empty"));
    assert!(empty("x.jsonl", b"\n\n  \n").contains("x.jsonl holds no usable rows"));
    assert!(empty("x.json", b"[]").contains("no usable rows"));
    assert!(empty("x.jsonl", b"\xFF\xFE{\0}\0").contains("UTF-8"));
    assert!(empty("x.parquet", b"PAR1").contains(".jsonl"));
    let missing = read_file(Path::new("/nonexistent/x.jsonl"))
        .expect_err("missing")
        .to_string();
    assert!(missing.contains("/nonexistent/x.jsonl"), "{missing}");
    assert!(matches!(read_file(&std::env::temp_dir()), Err(DataError::Io { .. })));
}

#[test]
fn the_hash_is_that_of_the_whole_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text, hash) in [
        (
            "a.jsonl",
            "{\"text\": \"abc\"}",
            "ed1f0b54ef42a5158c05bc3b3a01a2c3bb8a64ccac7ff62a6fa7d2ed2ea4b8f0",
        ),
        (
            "b.txt",
            "abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
    ] {
        let path: PathBuf = folder.path().join(name);
        std::fs::write(&path, text).expect("a written file");
        let data = read_file(&path).expect("readable");
        assert_eq!(data.sha256, sha256_file(&path).expect("readable"));
        if name == "b.txt" {
            assert_eq!(data.sha256, hash);
        }
    }
}

#[test]
fn random_bytes_never_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let seeds = [
        json!([{"messages": [{"role": "user", "content": "é"}, {"role": "assistant", "content": "b"}]}]).to_string(),
        "{\"conversations\": [{\"from\": \"human\", \"value\": \"a\"}]}\n{\"instruction\": \"a\", \"output\": \"b\"}"
            .to_owned(),
        "prompt,completion\n\"a\",\"b\"\n".to_owned(),
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    for round in 0..1500 {
        let mut bytes = match rng.random_range(0..4) {
            3 => (0..rng.random_range(0..200)).map(|_| rng.random()).collect(),
            index => seeds[index].clone().into_bytes(),
        };
        for _ in 0..rng.random_range(0..6) {
            if bytes.is_empty() {
                break;
            }
            let at = rng.random_range(0..bytes.len());
            match rng.random_range(0..3) {
                0 => bytes[at] = *b"{}[]\",:\\\n\xE9"[..].get(rng.random_range(0..10)).expect("ten bytes"),
                1 => bytes.truncate(at),
                _ => bytes[at] = rng.random(),
            }
        }
        let extension = ["jsonl", "json", "txt", "csv"][round % 4];
        let path = folder.path().join(format!("x.{extension}"));
        std::fs::write(&path, &bytes).expect("a written file");
        if let Ok(data) = read_file(&path) {
            let skipped = data.problems.iter().filter(|p| p.skipped).count();
            assert_eq!(data.rows_read, data.conversations.len() + skipped);
            assert!(data.conversations.iter().all(|c| !c.messages.is_empty()));
        }
    }
}

#[test]
fn a_hundred_thousand_rows_are_read_quickly() {
    let row = |n: usize| {
        json!({"messages": [{"role": "system", "content": "You are a helpful assistant that answers briefly."},
        {"role": "user", "content": format!("Question number {n}: {}", "what is it? ".repeat(10))},
        {"role": "assistant", "content": format!("Answer number {n}: {}", "it is this. ".repeat(10))}]})
    };
    let mut text = String::new();
    for n in 0..100_000 {
        text.push_str(&row(n).to_string());
        text.push('\n');
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("big.jsonl");
    std::fs::write(&path, text).expect("a written file");
    let start = std::time::Instant::now();
    let data = read_file(&path).expect("readable");
    let seconds = start.elapsed().as_secs_f64();
    println!("100,000 rows in {seconds:.2} s");
    assert_eq!((data.conversations.len(), data.problems.len()), (100_000, 0));
    // A loose bound against work that grows with the whole; speed itself is measured in benchmarks.
    assert!(seconds < 60.0, "took {seconds} s");
}

#[test]
fn the_samples_are_read_without_a_problem() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples");
    for (name, schema) in [
        ("manners", Schema::Messages),
        ("json-only", Schema::Alpaca),
        ("persona", Schema::ShareGpt),
    ] {
        let data = read_file(&folder.join(format!("{name}.jsonl"))).expect("readable");
        assert_eq!((data.schema, data.problems.as_slice()), (schema, &[][..]), "{name}");
        assert_eq!(data.conversations.len(), data.rows_read);
    }
}

#[test]
fn several_files_are_one_set_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let row = |text: &str| format!("{{\"prompt\": \"{text}?\", \"completion\": \"{text}\"}}\n");
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let first = write("a.jsonl", row("one") + "not a row\n" + &row("two"));
    let second = write("b.jsonl", row("three") + &row("four") + &row("five"));
    let mut set = burnish::data::read_file(&first).unwrap();
    let alone = set.sha256.clone();
    set.append(burnish::data::read_file(&second).unwrap());
    assert_eq!(set.files().collect::<Vec<_>>(), [&first, &second]);
    assert_eq!((set.rows_read, set.conversations.len()), (6, 5));
    assert_ne!(set.sha256, alone);
    // Row 2 of the first file is its second conversation; row 1 was skipped.
    assert_eq!(
        [(0, 0), (0, 1), (0, 2)].map(|(f, r)| set.index_of(f, r)),
        [Some(0), None, Some(1)]
    );
    assert_eq!(
        [(1, 0), (1, 2), (1, 3)].map(|(f, r)| set.index_of(f, r)),
        [Some(2), Some(4), None]
    );
    assert_eq!(set.file_of(&set.conversations[1]), 0);
    assert_eq!(set.file_of(&set.conversations[3]), 1);
}
