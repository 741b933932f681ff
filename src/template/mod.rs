//! Conversations rendered to text with spans, by Jinja templates as transformers runs them.
//! Knows nothing of tokens or tensors.
use std::collections::BTreeMap;

use crate::data::{Conversation, Role};

/// Which text is supervised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    Assistant,
    Last,
    Flags,
    Completion,
    All,
    Template,
}

/// Why a span is or is not learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    AssistantContent,
    EndOfTurn,
    Everything,
    GenerationBlock,
    TemplateText,
    OtherRole,
    NotLastTurn,
    FlaggedOff,
    Prompt,
}

/// A piece of the rendered text; spans are ordered, do not overlap and cover the whole text.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Span {
    /// Byte range of the text.
    pub start: usize,
    pub end: usize,
    /// Whose message this belongs to; None for text outside every message.
    pub role: Option<Role>,
    /// Index of the message in the conversation.
    pub message: Option<usize>,
    /// Learned or context.
    pub supervised: bool,
    pub why: Why,
}

/// A conversation as the model will see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    pub text: String,
    pub spans: Vec<Span>,
    /// Doubts that the user must see (ambiguous spans ...).
    pub problems: Vec<String>,
}

/// A chat template: its name and Jinja source.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Template {
    pub name: String,
    pub source: String,
}

/// Special tokens and other variables that a template may read (bos_token, eos_token ...).
pub type Vars = BTreeMap<String, String>;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TemplateError {
    /// The template does not parse or run; `line` is from 1.
    #[error("Template {name}, line {line}: {message}")]
    Jinja { name: String, line: usize, message: String },
    /// The template itself refused the conversation (raise_exception).
    #[error("Template {name} refuses this conversation: {message}")]
    Refused { name: String, message: String },
    #[error("Unknown template \"{0}\". Built-in templates: chatml, llama3, gemma, plain.")]
    Unknown(String),
}

/// How to render.
#[derive(Clone, Debug, Default)]
pub struct RenderOptions {
    pub mode: Mode,
    pub vars: Vars,
    pub add_generation_prompt: bool,
}

impl Template {
    /// `chatml`, `llama3`, `gemma` or `plain`.
    pub fn builtin(_name: &str) -> Option<Template> {
        todo!()
    }
    /// Built-in names in the order of menus.
    pub fn builtin_names() -> &'static [&'static str] {
        &["chatml", "llama3", "gemma", "plain"]
    }
    /// Text that ends an assistant turn under this template (stop string), where it can be told.
    pub fn end_of_turn(&self, _vars: &Vars) -> Option<String> {
        todo!()
    }
}

/// Renders one conversation.
pub fn render(
    _template: &Template,
    _conversation: &Conversation,
    _options: &RenderOptions,
) -> Result<Rendered, TemplateError> {
    todo!()
}
