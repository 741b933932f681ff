//! One row of any schema to messages. Does not know files or lines.

use serde_json::{Map, Value};

use super::conversation::{Kind, Message, Role};
use super::messages::{WEIGHTS, read_messages, read_text, read_weight};
use super::problem::{Fault, described};
use super::schema::{COMPLETION, INPUT, OUTPUT, PROMPT, Schema, detect, key_of};

/// A row's content before it has a place.
pub(super) struct Draft {
    pub schema: Schema,
    pub kind: Kind,
    pub messages: Vec<Message>,
    pub tools: Option<Value>,
    pub documents: Option<Value>,
}

/// Reads a row; doubts that leave it readable go to `notes`.
pub(super) fn read_row(value: Value, notes: &mut Vec<Fault>) -> Result<Draft, Fault> {
    let Value::Object(mut row) = value else {
        let what = format!(
            "the row is {}, but an object is needed. Edit the row or skip it.",
            described(&value)
        );
        return Err(Fault::new(what));
    };
    let schema = detect(&row)?;
    let tools = read_list(&mut row, "tools", "a list of tool definitions")?;
    let documents = read_list(&mut row, "documents", "a list of documents")?;
    let weight = match schema {
        Schema::Alpaca | Schema::PromptCompletion | Schema::Preference => row_weight(&row)?,
        Schema::Messages | Schema::ShareGpt | Schema::Text => None,
    };
    let (kind, mut messages) = match schema {
        Schema::Messages | Schema::ShareGpt => (Kind::Chat, chat(&mut row, schema, notes)?),
        Schema::Alpaca => (Kind::Chat, alpaca(&mut row, notes)?),
        Schema::PromptCompletion => (Kind::Completion, prompt_completion(&mut row, notes)?),
        Schema::Preference => (Kind::Completion, preference(&mut row, notes)?),
        Schema::Text => (Kind::Text, text(&mut row, notes)?),
    };
    // A flag of the whole row belongs to its answer.
    if let Some(last) = messages.last_mut().filter(|last| last.role == Role::Assistant) {
        last.weight = last.weight.or(weight);
    }
    if messages.iter().all(|message| message.role != Role::Assistant) {
        let what = "has no assistant message, so nothing is learned from it. Add the answer or remove the row.";
        notes.push(Fault::field(answer_field(schema), what));
    }
    Ok(Draft {
        schema,
        kind,
        messages,
        tools,
        documents,
    })
}

/// `train` or `weight` beside the fields of a row of one answer. A column of that name that holds something else is another matter.
fn row_weight(row: &Map<String, Value>) -> Result<Option<f32>, Fault> {
    let flags = |value: &Value| matches!(value, Value::Bool(_) | Value::Number(_));
    let has = |key: &&&str| row.get(**key).is_some_and(flags);
    match WEIGHTS.iter().find(has) {
        Some(key) => read_weight(row, key, key),
        None => Ok(None),
    }
}

/// The field that holds the answers, for faults about them.
fn answer_field(schema: Schema) -> &'static str {
    match schema {
        Schema::Messages => "messages",
        Schema::ShareGpt => "conversations",
        Schema::Alpaca => "output",
        Schema::PromptCompletion => "completion",
        Schema::Preference => "chosen",
        Schema::Text => "text",
    }
}

/// An assistant message of plain text, with a note where it is empty.
fn answer(text: String, field: &str, notes: &mut Vec<Fault>) -> Message {
    if text.trim().is_empty() {
        notes.push(Fault::empty_answer(field));
    }
    Message::new(Role::Assistant, text)
}

fn chat(row: &mut Map<String, Value>, schema: Schema, notes: &mut Vec<Fault>) -> Result<Vec<Message>, Fault> {
    let key = key_of(row, schema.needed()[0]).unwrap_or("messages");
    let mut messages = read_messages(row.remove(key).unwrap_or_default(), key, notes)?;
    if messages.iter().all(|message| message.role != Role::System) {
        prepend_system(row, &mut messages)?;
    }
    Ok(messages)
}

/// Puts the row's own `system` (or `system_prompt`) text, where it has one, before the messages.
fn prepend_system(row: &mut Map<String, Value>, messages: &mut Vec<Message>) -> Result<(), Fault> {
    let Some(key) = key_of(row, &["system", "system_prompt"]) else {
        return Ok(());
    };
    let system = optional_text(row, key)?;
    if !system.trim().is_empty() {
        messages.insert(0, Message::new(Role::System, system));
    }
    Ok(())
}

/// The text of a field that may be missing or null.
fn optional_text(row: &mut Map<String, Value>, key: &str) -> Result<String, Fault> {
    match row.remove(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(value) => read_text(value, key),
    }
}

/// Instruction and input are joined by a line break, as LLaMA-Factory does; `history` holds [question, answer] pairs.
fn alpaca(row: &mut Map<String, Value>, notes: &mut Vec<Fault>) -> Result<Vec<Message>, Fault> {
    let instruction = optional_text(row, "instruction")?;
    let input = key_of(row, INPUT).map_or(Ok(String::new()), |key| optional_text(row, key))?;
    let output_key = key_of(row, OUTPUT).unwrap_or("output");
    let output = optional_text(row, output_key)?;
    let question = match (instruction.trim().is_empty(), input.trim().is_empty()) {
        (true, true) => return Err(Fault::field("instruction", "is empty. Skip it or edit the row.")),
        (true, false) => input,
        (false, true) => instruction,
        (false, false) => format!("{instruction}\n{input}"),
    };
    let mut messages = history(row.remove("history").unwrap_or_default())?;
    messages.push(Message::new(Role::User, question));
    messages.push(answer(output, output_key, notes));
    prepend_system(row, &mut messages)?;
    Ok(messages)
}

fn history(value: Value) -> Result<Vec<Message>, Fault> {
    let pairs = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(pairs) => pairs,
        other => {
            return Err(Fault::wrong_type(
                "history",
                &other,
                "a list of [question, answer] pairs",
            ));
        }
    };
    let mut messages = Vec::with_capacity(pairs.len() * 2 + 3);
    for (index, pair) in pairs.into_iter().enumerate() {
        let field = format!("history[{index}]");
        match pair {
            Value::Array(pair) if pair.len() == 2 => {
                for (role, text) in [Role::User, Role::Assistant].into_iter().zip(pair) {
                    messages.push(Message::new(role, read_text(text, &field)?));
                }
            }
            other => return Err(Fault::wrong_type(&field, &other, "a [question, answer] pair")),
        }
    }
    Ok(messages)
}

/// Text as one message of `role`, or a list of messages as it is.
fn text_or_messages(value: Value, field: &str, role: Role, notes: &mut Vec<Fault>) -> Result<Vec<Message>, Fault> {
    match value {
        Value::String(text) if role == Role::Assistant => Ok(vec![answer(text, field, notes)]),
        Value::String(text) => Ok(vec![Message::new(role, text)]),
        list @ Value::Array(_) => read_messages(list, field, notes),
        message @ Value::Object(_) => read_messages(Value::Array(vec![message]), field, notes),
        other => Err(Fault::wrong_type(field, &other, "text or a list of messages")),
    }
}

fn prompt_completion(row: &mut Map<String, Value>, notes: &mut Vec<Fault>) -> Result<Vec<Message>, Fault> {
    let (prompt, completion) = (key_of(row, PROMPT), key_of(row, COMPLETION));
    let (prompt, completion) = (prompt.unwrap_or("prompt"), completion.unwrap_or("completion"));
    let mut messages = text_or_messages(row.remove(prompt).unwrap_or_default(), prompt, Role::User, notes)?;
    if messages.iter().all(|message| message.role != Role::System) {
        prepend_system(row, &mut messages)?;
    }
    let answer = row.remove(completion).unwrap_or_default();
    messages.extend(text_or_messages(answer, completion, Role::Assistant, notes)?);
    Ok(messages)
}

/// The chosen answer after the prompt; where `chosen` holds the whole conversation, that alone.
fn preference(row: &mut Map<String, Value>, notes: &mut Vec<Fault>) -> Result<Vec<Message>, Fault> {
    let chosen = text_or_messages(
        row.remove("chosen").unwrap_or_default(),
        "chosen",
        Role::Assistant,
        notes,
    )?;
    let whole = chosen.iter().any(|message| message.role == Role::User);
    let mut messages = match (whole, key_of(row, PROMPT)) {
        (true, _) => Vec::new(),
        (false, Some(key)) => text_or_messages(row.remove(key).unwrap_or_default(), key, Role::User, notes)?,
        (false, None) => {
            return Err(Fault::field(
                "prompt",
                "is missing, which \"chosen\" answers. Add it or skip the row.",
            ));
        }
    };
    messages.extend(chosen);
    if messages.iter().all(|message| message.role != Role::System) {
        prepend_system(row, &mut messages)?;
    }
    Ok(messages)
}

fn text(row: &mut Map<String, Value>, notes: &mut Vec<Fault>) -> Result<Vec<Message>, Fault> {
    let text = match row.remove("text").unwrap_or_default() {
        Value::String(text) => text,
        other => return Err(Fault::wrong_type("text", &other, "text")),
    };
    Ok(vec![answer(text, "text", notes)])
}

/// Tool definitions or documents: a list, or JSON text that spells one.
fn read_list(row: &mut Map<String, Value>, key: &str, wanted: &str) -> Result<Option<Value>, Fault> {
    let value = match row.remove(key) {
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        other => other.unwrap_or_default(),
    };
    match value {
        Value::Null => Ok(None),
        Value::Array(list) if list.is_empty() => Ok(None),
        list @ Value::Array(_) => Ok(Some(list)),
        other => Err(Fault::wrong_type(key, &other, wanted)),
    }
}
