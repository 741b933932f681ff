//! Reading files of every schema and container, with every kind of broken row.

use std::path::{Path, PathBuf};

use burnish::data::{
    Conversation, DataError, DataSet, Kind, ReadOptions, Role, RowProblem, Schema, read_file, read_file_with,
    sha256_file,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// Reads `bytes` as a file of the given name.
fn read_bytes(name: &str, bytes: &[u8], options: ReadOptions) -> Result<DataSet, DataError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a written file");
    read_file_with(&path, options)
}

fn read(name: &str, text: &str) -> DataSet {
    read_bytes(name, text.as_bytes(), ReadOptions::default()).expect("a readable file")
}

/// The only conversation of a one-row file, without problems.
fn one(row: Value) -> (Schema, Conversation) {
    let data = read("one.jsonl", &row.to_string());
    assert_eq!(data.problems, [], "{row}");
    assert_eq!(data.conversations.len(), 1, "{row}");
    (data.schema, data.conversations[0].clone())
}

/// The only problem of a one-row file.
fn problem(row: Value) -> RowProblem {
    let data = read("one.jsonl", &row.to_string());
    assert_eq!(data.problems.len(), 1, "{row}: {:#?}", data.problems);
    assert_eq!(data.problems[0].skipped, data.conversations.is_empty(), "{row}");
    data.problems[0].clone()
}

fn turns(conversation: &Conversation) -> Vec<(Role, &str)> {
    conversation
        .messages
        .iter()
        .map(|m| (m.role, m.content.as_str()))
        .collect()
}

use Role::{Assistant, System, Tool, User};

#[test]
fn every_schema_becomes_the_same_conversation() {
    let expected = [(System, "Be brief."), (User, "2+2?"), (Assistant, "4")];
    let pair = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}]);
    let rows = [
        (
            Schema::Messages,
            Kind::Chat,
            json!({"messages": [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]}),
        ),
        (
            Schema::Messages,
            Kind::Chat,
            json!({"messages": [
            {"role": "developer", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "2+"}, {"type": "text", "text": "2?"}]},
            {"role": "assistant", "content": "4"}], "prompt": "2+2?"}),
        ),
        (
            Schema::ShareGpt,
            Kind::Chat,
            json!({"conversations": [
            {"from": "system", "value": "Be brief."}, {"from": "human", "value": "2+2?"}, {"from": "gpt", "value": "4"}]}),
        ),
        (
            Schema::ShareGpt,
            Kind::Chat,
            json!({"system": "Be brief.", "conversations": [
            {"from": "user", "value": "2+2?"}, {"from": "chatgpt", "value": "4"}]}),
        ),
        (
            Schema::Alpaca,
            Kind::Chat,
            json!({"system": "Be brief.", "instruction": "2+2?", "input": "", "output": "4"}),
        ),
        (
            Schema::PromptCompletion,
            Kind::Completion,
            json!({"system": "Be brief.", "prompt": "2+2?", "completion": "4"}),
        ),
        (
            Schema::PromptCompletion,
            Kind::Completion,
            json!({"prompt": pair, "completion": [{"role": "assistant", "content": "4"}]}),
        ),
        (
            Schema::Preference,
            Kind::Completion,
            json!({"prompt": pair, "chosen": "4", "rejected": "5"}),
        ),
        (
            Schema::Preference,
            Kind::Completion,
            json!({"prompt": "2+2?", "chosen": [pair[0], pair[1], {"role": "assistant", "content": "4"}],
            "rejected": [pair[1], {"role": "assistant", "content": "5"}]}),
        ),
    ];
    for (schema, kind, row) in rows {
        let (found, conversation) = one(row.clone());
        assert_eq!((found, conversation.kind), (schema, kind), "{row}");
        assert_eq!(turns(&conversation), expected, "{row}");
    }
}

#[test]
fn alpaca_joins_the_input_and_keeps_the_history() {
    let (_, conversation) =
        one(json!({"instruction": "Add.", "input": "2 and 2", "output": "4", "history": [["Hi", "Hello"]]}));
    assert_eq!(
        turns(&conversation),
        [
            (User, "Hi"),
            (Assistant, "Hello"),
            (User, "Add.\n2 and 2"),
            (Assistant, "4")
        ]
    );
}

#[test]
fn text_is_one_learned_message() {
    let (schema, conversation) = one(json!({"text": "Once upon a time", "url": "x"}));
    assert_eq!((schema, conversation.kind), (Schema::Text, Kind::Text));
    assert_eq!(turns(&conversation), [(Assistant, "Once upon a time")]);
    let data = read("book.txt", "\u{feff}One.\r\nTwo.\r\n\r\n\n  Three. \n");
    assert_eq!(data.problems, []);
    let found: Vec<_> = data
        .conversations
        .iter()
        .map(|c| (c.source.line, c.messages[0].content.as_str()))
        .collect();
    assert_eq!(found, [(1, "One.\nTwo."), (5, "  Three.")]);
}

#[test]
fn tools_reasoning_and_flags_are_kept() {
    let (_, conversation) = one(json!({"tools": "[{\"type\": \"function\"}]", "messages": [
        {"role": "user", "content": "Weather?", "weight": 0},
        {"role": "assistant", "content": null, "reasoning_content": "I need a tool.", "train": false, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "get", "arguments": "{\"city\": \"Oslo\"}"}}]},
        {"role": "tool", "tool_call_id": "c1", "name": "get", "content": "21"},
        {"role": "assistant", "content": "21 °C.", "thinking": "Done.", "weight": 1}]}));
    let messages = &conversation.messages;
    assert_eq!(conversation.tools, Some(json!([{"type": "function"}])));
    assert_eq!(
        messages[1].tool_calls.as_ref().expect("calls")[0]["function"]["arguments"],
        json!({"city": "Oslo"})
    );
    assert_eq!(messages[1].reasoning.as_deref(), Some("I need a tool."));
    assert_eq!(messages[3].reasoning.as_deref(), Some("Done."));
    let weights: Vec<_> = messages.iter().map(|m| m.weight).collect();
    assert_eq!(weights, [Some(0.0), Some(0.0), None, Some(1.0)]);
    assert_eq!(
        (
            messages[2].role,
            messages[2].name.as_deref(),
            messages[2].tool_call_id.as_deref()
        ),
        (Tool, Some("get"), Some("c1"))
    );
}

#[test]
fn a_sharegpt_function_call_is_a_tool_call() {
    let (_, conversation) = one(json!({"conversations": [
        {"from": "human", "value": "Weather?"},
        {"from": "function_call", "value": "{\"name\": \"get\", \"arguments\": {\"city\": \"Oslo\"}}"},
        {"from": "observation", "value": "21"}, {"from": "gpt", "value": "21 °C."}]}));
    let roles: Vec<_> = conversation.messages.iter().map(|m| m.role).collect();
    assert_eq!(roles, [User, Assistant, Tool, Assistant]);
    let calls = conversation.messages[1].tool_calls.as_ref().expect("calls");
    assert_eq!(
        calls[0]["function"],
        json!({"name": "get", "arguments": {"city": "Oslo"}})
    );
}

#[test]
fn a_bad_row_names_row_field_value_and_line() {
    let user = json!({"role": "user", "content": "Hi"});
    let cases = [
        (json!({"messages": []}), Some("messages"), "is empty"),
        (json!({"messages": "Hi"}), Some("messages"), "\"Hi\""),
        (json!({"messages": [7]}), Some("messages[0]"), "the number 7"),
        (
            json!({"messages": [user, {"role": "asistant", "content": "x"}]}),
            Some("messages[1].role"),
            "\"asistant\"",
        ),
        (
            json!({"messages": [user, {"content": "x"}]}),
            Some("messages[1].role"),
            "missing",
        ),
        (
            json!({"messages": [user, {"role": 3, "content": "x"}]}),
            Some("messages[1].role"),
            "the number 3",
        ),
        (
            json!({"messages": [user, {"role": "assistant", "content": 4}]}),
            Some("messages[1].content"),
            "the number 4",
        ),
        (
            json!({"messages": [user, {"role": "assistant", "content": " "}]}),
            Some("messages[1].content"),
            "empty",
        ),
        (
            json!({"messages": [user, {"role": "assistant", "content": null}]}),
            Some("messages[1].content"),
            "empty",
        ),
        (
            json!({"messages": [{"role": "user", "content": null}]}),
            Some("messages[0].content"),
            "null",
        ),
        (
            json!({"messages": [{"role": "user"}]}),
            Some("messages[0].content"),
            "missing",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}),
            Some("messages[0].content[0]"),
            "image_url",
        ),
        (
            json!({"messages": [user, {"role": "assistant", "content": "x", "weight": -1}]}),
            Some("messages[1].weight"),
            "-1",
        ),
        (
            json!({"messages": [user, {"role": "assistant", "content": "x", "train": "yes"}]}),
            Some("messages[1].train"),
            "\"yes\"",
        ),
        (
            json!({"messages": [user, {"role": "assistant", "content": "x", "tool_calls": 1}]}),
            Some("messages[1].tool_calls"),
            "number 1",
        ),
        (
            json!({"messages": [user, {"role": "assistant", "content": "x"}], "tools": 1}),
            Some("tools"),
            "number 1",
        ),
        (
            json!({"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": ""}]}),
            Some("conversations[1].value"),
            "empty",
        ),
        (
            json!({"conversations": [{"from": "alien", "value": "x"}]}),
            Some("conversations[0].from"),
            "alien",
        ),
        (json!({"instruction": "x"}), Some("output"), "missing"),
        (json!({"instruction": "x", "output": ""}), Some("output"), "empty"),
        (json!({"instruction": "", "output": "x"}), Some("instruction"), "empty"),
        (
            json!({"instruction": "x", "output": ["y", 3]}),
            Some("output[1]"),
            "number 3",
        ),
        (
            json!({"instruction": "x", "output": "y", "history": [["a"]]}),
            Some("history[0]"),
            "a list of 1",
        ),
        (json!({"prompt": "x"}), Some("completion"), "missing"),
        (json!({"prompt": 1, "completion": "x"}), Some("prompt"), "number 1"),
        (json!({"prompt": "x", "completion": ""}), Some("completion"), "empty"),
        (json!({"chosen": "x", "rejected": "y"}), Some("prompt"), "missing"),
        (json!({"text": ""}), Some("text"), "empty"),
        (json!({"text": 1}), Some("text"), "number 1"),
        (json!({"foo": 1}), None, "\"foo\""),
        (json!({}), None, "empty"),
        (json!(["x"]), None, ""),
        (json!(17), None, "the number 17"),
    ];
    for (row, field, part) in cases {
        if row.is_array() {
            continue;
        }
        let problem = problem(row.clone());
        assert!(problem.skipped, "{row}");
        assert_eq!(problem.field.as_deref(), field, "{row}: {}", problem.message);
        assert!(problem.message.contains(part), "{row}: {}", problem.message);
        assert!(
            problem.message.starts_with("Row 0: ") && problem.message.ends_with("one.jsonl, line 1)"),
            "{}",
            problem.message
        );
    }
}

#[test]
fn the_message_is_the_sentence_of_the_manual() {
    let good =
        json!({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ahoy"}]}).to_string();
    let mut text = format!("{good}\n").repeat(17);
    text.push_str("{\"messages\": []}\n");
    let data = read("pirates.jsonl", &text);
    let folder = data.path.parent().expect("a folder").display().to_string();
    let message = data.problems[0].message.replace(&format!("{folder}/"), "");
    assert_eq!(
        message,
        "Row 17: \"messages\" is empty. Skip it or edit the row. (pirates.jsonl, line 18)"
    );
    assert_eq!(
        (data.rows_read, data.conversations.len(), data.problems.len()),
        (18, 17, 1)
    );
}

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
