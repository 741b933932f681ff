//! Rows of every schema, and every kind of broken row.

use burnish::data::{Kind, Role, Schema};
use serde_json::json;

use super::data_kit::{one, problem, read, turns};

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
fn documents_and_the_name_of_the_reasoning_are_kept() {
    let (_, conversation) = one(json!({"documents": [{"title": "A", "text": "x"}], "messages": [
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": "So.", "reasoning": "Because."},
    ]}));
    assert_eq!(conversation.documents, Some(json!([{"title": "A", "text": "x"}])));
    assert_eq!(conversation.messages[1].reasoning.as_deref(), Some("Because."));
    assert!(conversation.messages[1].named_reasoning);
}
