//! The one schema after reading: a conversation of messages. Knows nothing of files' own schemas,
//! templates or tokens.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Who speaks a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions that stand before the conversation.
    System,
    /// The person.
    User,
    /// The model: what is learned by default.
    Assistant,
    /// The result of a tool call.
    Tool,
}

impl Role {
    /// The lower-case name that chat templates compare with.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        }
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The text; may be empty when there are tool calls.
    #[serde(default)]
    pub content: String,
    /// Reasoning text (`reasoning_content`, `thinking` or `reasoning` in the file).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// Did the file call it `reasoning`? Templates see that name only then, as in transformers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub named_reasoning: bool,
    /// Tool calls as the file had them, `arguments` parsed to an object where it was a JSON string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<serde_json::Value>,
    /// Optional speaker or tool name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// In a tool message: the `id` of the call that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The per-message flag of mode `flags`: `train` (bool) or `weight` (0 = not learned).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f32>,
}

impl Message {
    /// A plain message without extras.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
            reasoning: None,
            named_reasoning: false,
            tool_calls: None,
            name: None,
            tool_call_id: None,
            weight: None,
        }
    }
}

/// What kind of row a conversation came from; decides the default supervision and whether a template applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Messages of several roles, rendered by a chat template.
    Chat,
    /// A prompt and its completion (user, assistant): rendered by the template too.
    Completion,
    /// Raw text in one assistant message: no template, every token learned (continued pretraining).
    Text,
}

/// Where a conversation was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The file as the user named it.
    pub file: Arc<PathBuf>,
    /// Line in the file, from 1 (for JSON arrays: the element number, from 1).
    pub line: usize,
    /// Row number among all rows of the file, from 0, broken rows counted.
    pub row: usize,
}

/// Which part of the run uses a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Learned from.
    #[default]
    Train,
    /// Held out for the eval loss.
    Eval,
}

/// One training example before rendering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The turns in order; never empty.
    pub messages: Vec<Message>,
    /// Tool definitions for the template, when the row has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<serde_json::Value>,
    /// Documents that the answers rest on (a list of objects, usually `title` and `text`), when the row has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<serde_json::Value>,
    /// What kind of row this was.
    pub kind: Kind,
    /// Where it was read.
    pub source: Source,
    /// Train or eval.
    #[serde(default)]
    pub split: Split,
}

impl Conversation {
    /// A chat that no file holds: what is typed, or an example.
    pub fn unfiled(messages: Vec<Message>) -> Self {
        Self {
            messages,
            tools: None,
            documents: None,
            kind: Kind::Chat,
            source: Source {
                file: Arc::new(PathBuf::new()),
                line: 0,
                row: 0,
            },
            split: Split::Train,
        }
    }
}
