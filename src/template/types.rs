//! What goes into rendering and what comes out: options, spans, errors. Knows nothing of Jinja.
use std::collections::BTreeMap;

use crate::data::Role;

/// Which text is supervised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Every assistant turn with the token that ends it.
    #[default]
    Assistant,
    /// The last assistant turn only.
    Last,
    /// Assistant turns, unless a message's `train`/`weight` flag says otherwise; other roles where their flag says so.
    Flags,
    /// What follows the last user message: the completion of a prompt.
    Completion,
    /// Everything (continued pretraining).
    All,
    /// Exactly the template's own `{% generation %}` blocks.
    Template,
}

/// Why a span is or is not learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Learned: what the assistant says.
    AssistantContent,
    /// Learned: the text that ends the turn.
    EndOfTurn,
    /// Learned: all text is.
    Everything,
    /// Learned: inside a `{% generation %}` block.
    GenerationBlock,
    /// Context: headers, separators and what else the template adds.
    TemplateText,
    /// Context: content of the system, the user or a tool.
    OtherRole,
    /// Context: an assistant turn before the last one, in mode `last`.
    NotLastTurn,
    /// Context: the message's own flag says so.
    FlaggedOff,
    /// Context: belongs to the prompt, in mode `completion`.
    Prompt,
}

/// A piece of the rendered text; spans are ordered, do not overlap and cover the whole text.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Span {
    /// First byte of the text.
    pub start: usize,
    /// Byte after the last one.
    pub end: usize,
    /// Whose message this belongs to; None for text outside every message.
    pub role: Option<Role>,
    /// Index of the message in the conversation.
    pub message: Option<usize>,
    /// Learned or context.
    pub supervised: bool,
    /// The reason for it.
    pub why: Why,
}

/// A conversation as the model will see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The whole text.
    pub text: String,
    /// Who says what in it, and what is learned.
    pub spans: Vec<Span>,
    /// Doubts that the user must see (ambiguous spans ...).
    pub problems: Vec<String>,
}

/// A chat template: its name and Jinja source.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Template {
    /// A built-in name, or the file it came from: what messages call it.
    pub name: String,
    /// Jinja source.
    pub source: String,
}

/// Special tokens and other variables that a template may read (bos_token, eos_token ...). The texts `true`, `false` and
/// `none` become those values, unless the variable's name ends in `_token`.
pub type Vars = BTreeMap<String, String>;

/// Why a template gave no text.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TemplateError {
    /// The template does not parse or run; `line` is from 1.
    #[error("Template {name}, line {line}: {message}")]
    Jinja {
        /// The template's name.
        name: String,
        /// Line of its source, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// The template itself refused the conversation (raise_exception).
    #[error("Template {name} refuses this conversation: {message}")]
    Refused {
        /// The template's name.
        name: String,
        /// The template's own words.
        message: String,
    },
    /// A hurried render did not end in time; without hurry it may.
    #[error("Template {name} takes longer than a window may wait.")]
    Late {
        /// The template's name.
        name: String,
    },
    /// No built-in template has this name.
    #[error("Unknown template \"{0}\". Built-in templates: chatml, llama3, gemma, plain.")]
    Unknown(String),
}

/// What `strftime_now` tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Clock {
    /// The time of this machine.
    #[default]
    System,
    /// A fixed local time: rendering is then reproducible.
    At(jiff::civil::DateTime),
}

/// How to render.
#[derive(Clone, Debug, Default)]
pub struct RenderOptions {
    /// Which text is supervised.
    pub mode: Mode,
    /// Variables of the template.
    pub vars: Vars,
    /// End with the header of an assistant turn, for the model to go on from.
    pub add_generation_prompt: bool,
    /// The template's clock.
    pub clock: Clock,
    /// Give up after a few milliseconds with [`TemplateError::Late`], for a window that must not wait.
    pub hurried: bool,
}
