//! A conversation as the variables that chat templates read. Knows transformers' names for them, not Jinja's syntax.
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use serde_json::Value as Json;

use super::marks::Marks;
use super::{RenderOptions, python, rewrite};
use crate::data::Message;

/// What a render is made of: messages (perhaps with marked contents), tools and options.
pub(super) struct Scene<'a> {
    pub messages: &'a [Message],
    pub tools: Option<&'a Json>,
    pub documents: Option<&'a Json>,
    pub options: &'a RenderOptions,
    /// Marks around contents and generation blocks; None for the plain text.
    pub marks: Option<Marks>,
    /// Ends with the assistant's header?
    pub prompt: bool,
}

impl Scene<'_> {
    /// All variables.
    pub fn context(&self) -> Value {
        let messages: Vec<Value> = self
            .messages
            .iter()
            .enumerate()
            .map(|(i, m)| self.message(i, m))
            .collect();
        let tools = self.tools.map_or(Value::from(()), value);
        let (open, close) = self.marks.map_or_else(Default::default, |m| m.block());
        let fixed = [
            ("messages", Value::from(messages)),
            ("tools", tools),
            ("documents", self.documents.map_or(Value::from(()), value)),
            ("add_generation_prompt", Value::from(self.prompt)),
            ("strftime_now", python::strftime_now(self.options.clock)),
            (rewrite::OPEN_VAR, Value::from(open)),
            (rewrite::CLOSE_VAR, Value::from(close)),
        ];
        let vars = self
            .options
            .vars
            .iter()
            .map(|(name, text)| (name.as_str(), variable(name, text)));
        Value::from_pairs(fixed.into_iter().chain(vars))
    }

    /// Bytes of all contents: what the size of the output is measured by.
    pub fn bytes(&self) -> usize {
        self.messages
            .iter()
            .map(|m| m.content.len() + m.reasoning.as_ref().map_or(0, String::len))
            .sum()
    }

    /// One message as a dictionary. Reasoning goes by the names that transformers gives it.
    fn message(&self, index: usize, message: &Message) -> Value {
        let content = match &self.marks {
            Some(marks) => marks.content(index, message),
            None => message.content.clone(),
        };
        let mut pairs = vec![
            ("role", Value::from(message.role.as_str())),
            ("content", Value::from(content)),
        ];
        if let Some(reasoning) = &message.reasoning {
            pairs.extend(["reasoning_content", "thinking"].map(|key| (key, Value::from(reasoning))));
            if message.named_reasoning {
                pairs.push(("reasoning", Value::from(reasoning)));
            }
        }
        if let Some(calls) = &message.tool_calls {
            pairs.push(("tool_calls", value(calls)));
        }
        if let Some(name) = &message.name {
            pairs.push(("name", Value::from(name)));
        }
        if let Some(id) = &message.tool_call_id {
            pairs.push(("tool_call_id", Value::from(id)));
        }
        Value::from_object(Dict(pairs))
    }
}

/// A message as the dictionary that templates see: few keys, so that looking through them is faster than hashing.
#[derive(Debug)]
struct Dict(Vec<(&'static str, Value)>);

impl Object for Dict {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let found = self.0.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.iter().map(|(name, _)| Value::from(*name)).collect())
    }
}

/// A variable's value: text, but for the words that stand for other values.
fn variable(name: &str, text: &str) -> Value {
    match text {
        _ if name.ends_with("_token") => Value::from(text),
        "true" => Value::from(true),
        "false" => Value::from(false),
        "none" => Value::from(()),
        _ => Value::from(text),
    }
}

/// JSON as a template value, order of keys kept.
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(b) => Value::from(*b),
        Json::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(i), _) => Value::from(i),
            (None, Some(u)) => Value::from(u),
            (None, None) => Value::from(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(s) => Value::from(s),
        Json::Array(list) => list.iter().map(value).collect(),
        Json::Object(map) => Value::from_pairs(map.iter().map(|(k, v)| (k.as_str(), value(v)))),
    }
}
