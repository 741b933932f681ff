//! One message of a file, in the spellings of OpenAI and ShareGPT, to [`Message`]. Does not know whole rows.

use serde_json::{Map, Value, json};

use super::conversation::{Message, Role};
use super::problem::{Fault, described, quoted};

/// Reads a list of messages; `field` is its name in faults. Doubts that leave the row usable go to `notes`.
pub(super) fn read_messages(value: Value, field: &str, notes: &mut Vec<Fault>) -> Result<Vec<Message>, Fault> {
    let Value::Array(list) = value else {
        return Err(Fault::wrong_type(field, &value, "a list of messages"));
    };
    if list.is_empty() {
        return Err(Fault::field(field, "is empty. Skip it or edit the row."));
    }
    list.into_iter()
        .enumerate()
        .map(|(index, item)| read_message(item, &format!("{field}[{index}]"), notes))
        .collect()
}

fn read_message(value: Value, field: &str, notes: &mut Vec<Fault>) -> Result<Message, Fault> {
    let Value::Object(mut item) = value else {
        return Err(Fault::wrong_type(
            field,
            &value,
            "a message (an object with \"role\" and \"content\")",
        ));
    };
    let (role, is_call) = read_role(&item, field)?;
    let mut message = Message::new(role, "");
    let key = ["content", "value", "text"]
        .into_iter()
        .find(|key| item.contains_key(*key))
        .unwrap_or("content");
    let content_field = format!("{field}.{key}");
    let content = item.remove(key);
    message.tool_calls = read_tool_calls(&mut item, field, notes)?;
    if is_call {
        message.tool_calls = Some(call_from_content(content, &content_field)?);
    } else {
        message.content = match content {
            None | Some(Value::Null) if role == Role::Assistant => String::new(),
            None => return Err(Fault::field(&content_field, "is missing. Edit the row or skip it.")),
            Some(content) => read_text(content, &content_field)?,
        };
    }
    if role == Role::Assistant && message.tool_calls.is_none() && message.content.trim().is_empty() {
        notes.push(Fault::empty_answer(&content_field));
    }
    for key in ["reasoning_content", "thinking", "reasoning"] {
        match item.remove(key) {
            None | Some(Value::Null) => {}
            Some(value) => {
                let text = read_text(value, &format!("{field}.{key}"))?;
                message.named_reasoning |= key == "reasoning";
                // The first name that is there counts, as in transformers.
                message.reasoning.get_or_insert(text);
            }
        }
    }
    message.name = read_optional_text(&mut item, "name", field)?;
    message.tool_call_id = read_optional_text(&mut item, "tool_call_id", field)?;
    for key in WEIGHTS {
        if message.weight.is_none() {
            message.weight = read_weight(&item, key, &format!("{field}.{key}"))?;
        }
    }
    Ok(message)
}

/// The role and whether the message is a ShareGPT `function_call`.
fn read_role(item: &Map<String, Value>, field: &str) -> Result<(Role, bool), Fault> {
    let key = if item.contains_key("role") || !item.contains_key("from") {
        "role"
    } else {
        "from"
    };
    let field = format!("{field}.{key}");
    let name = match item.get(key) {
        Some(Value::String(name)) => name,
        None => return Err(Fault::field(&field, "is missing. Use system, user, assistant or tool.")),
        Some(other) => return Err(Fault::wrong_type(&field, other, "the name of a role")),
    };
    let role = match name.trim().to_ascii_lowercase().as_str() {
        "system" | "developer" => Role::System,
        "user" | "human" | "prompter" => Role::User,
        "assistant" | "gpt" | "model" | "bot" | "chatgpt" | "bing" | "bard" | "function_call" => Role::Assistant,
        "tool" | "function" | "observation" | "function_response" | "ipython" => Role::Tool,
        _ => {
            let what = format!(
                "is {}, which is no role. Use system, user, assistant or tool.",
                quoted(name)
            );
            return Err(Fault::field(&field, what));
        }
    };
    Ok((role, name == "function_call"))
}

/// Text, or a list of text parts as OpenAI's chat format has them, joined.
pub(super) fn read_text(value: Value, field: &str) -> Result<String, Fault> {
    let parts = match value {
        Value::String(text) => return Ok(text),
        Value::Array(parts) => parts,
        other => return Err(Fault::wrong_type(field, &other, "text")),
    };
    let mut joined = String::new();
    for (index, part) in parts.into_iter().enumerate() {
        match &part {
            Value::String(text) => joined.push_str(text),
            Value::Object(part) => match part.get("text") {
                Some(Value::String(text)) => joined.push_str(text),
                _ => {
                    let kind = part.get("type").map_or("no type".into(), described);
                    let what = format!("is a part of type {kind}; only text can be learned. Edit the row or skip it.");
                    return Err(Fault::field(&format!("{field}[{index}]"), what));
                }
            },
            other => return Err(Fault::wrong_type(&format!("{field}[{index}]"), other, "a text part")),
        }
    }
    Ok(joined)
}

fn read_optional_text(item: &mut Map<String, Value>, key: &str, field: &str) -> Result<Option<String>, Fault> {
    match item.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Fault::wrong_type(&format!("{field}.{key}"), &other, "text")),
    }
}

/// The keys of a message's flag, the strongest first.
pub(super) const WEIGHTS: [&str; 3] = ["train", "training", "weight"];

/// The flag under `key`, called `field` in faults: true or false, or a number from 0.
pub(super) fn read_weight(item: &Map<String, Value>, key: &str, field: &str) -> Result<Option<f32>, Fault> {
    match item.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(if *flag { 1.0 } else { 0.0 })),
        Some(Value::Number(number)) => {
            let weight = number.as_f64().unwrap_or(f64::NAN);
            if !(0.0..=1e6).contains(&weight) {
                let what = format!("is {number}; use 0 (not learned) or 1 (learned).");
                return Err(Fault::field(field, what));
            }
            Ok(Some(weight as f32))
        }
        Some(other) => Err(Fault::wrong_type(field, other, "true, false, 0 or 1")),
    }
}

/// `tool_calls`, or the older single `function_call`, as a list with `arguments` parsed.
fn read_tool_calls(item: &mut Map<String, Value>, field: &str, notes: &mut Vec<Fault>) -> Result<Option<Value>, Fault> {
    let mut calls = match (item.remove("tool_calls"), item.remove("function_call")) {
        (None | Some(Value::Null), None | Some(Value::Null)) => return Ok(None),
        (Some(Value::Array(calls)), _) if calls.is_empty() => return Ok(None),
        (Some(Value::Array(calls)), _) => calls,
        (None | Some(Value::Null), Some(call)) => vec![json!({ "type": "function", "function": call })],
        (Some(other), _) => {
            return Err(Fault::wrong_type(
                &format!("{field}.tool_calls"),
                &other,
                "a list of calls",
            ));
        }
    };
    for (index, call) in calls.iter_mut().enumerate() {
        let field = format!("{field}.tool_calls[{index}]");
        let Value::Object(call) = call else {
            return Err(Fault::wrong_type(&field, call, "a call (an object)"));
        };
        let arguments = match call.get_mut("function") {
            Some(Value::Object(function)) => function.get_mut("arguments"),
            _ => call.get_mut("arguments"),
        };
        if let Some(arguments) = arguments {
            parse_arguments(arguments, &field, notes);
        }
    }
    Ok(Some(Value::Array(calls)))
}

/// Replaces a JSON string by the value that it spells; text that is not JSON stays, with a note.
fn parse_arguments(arguments: &mut Value, field: &str, notes: &mut Vec<Fault>) {
    let Value::String(text) = &*arguments else { return };
    if text.trim().is_empty() {
        *arguments = json!({});
    } else if let Ok(parsed @ Value::Object(_)) = serde_json::from_str(text) {
        *arguments = parsed;
    } else {
        let what = format!("is {}, which is not a JSON object; it is used as text.", quoted(text));
        notes.push(Fault::field(&format!("{field}.arguments"), what));
    }
}

/// A ShareGPT `function_call` message: its content spells one call or a list of them.
fn call_from_content(content: Option<Value>, field: &str) -> Result<Value, Fault> {
    let parsed = match content {
        Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        other => other.unwrap_or(Value::Null),
    };
    let wrap = |call: Value| json!({ "type": "function", "function": call });
    match parsed {
        Value::Array(calls) if calls.iter().all(Value::is_object) && !calls.is_empty() => {
            Ok(calls.into_iter().map(wrap).collect())
        }
        call @ Value::Object(_) => Ok(Value::Array(vec![wrap(call)])),
        other => Err(Fault::wrong_type(
            field,
            &other,
            "a call as JSON (\"name\" and \"arguments\")",
        )),
    }
}
