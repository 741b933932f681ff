//! From what was asked to the ids that a model goes on from, and to what ends its answer. Knows templates and tokenizers, not models.

use super::generate::Asked;
use super::{EngineError, Loaded, Sink};
use crate::data::{Conversation, Message, Role};
use crate::protocol::{ChatMessage, Event, Prompt};
use crate::template::RenderOptions;
use crate::tokens::{self, PromptError, Tokenizer};

/// What the model continues, and what ends it.
#[derive(Debug, Default)]
pub struct Start {
    /// The prompt's ids.
    pub ids: Vec<u32>,
    /// Ids that end the answer.
    pub stop_ids: Vec<u32>,
    /// Of these, the one that the template puts at the end of a turn.
    pub turn_id: Option<u32>,
    /// The text that the template puts there, where it is not one token.
    pub turn_text: Option<String>,
    /// Oldest turns that were left out, and their messages.
    pub dropped: (usize, usize),
}

/// Prepares the prompt.
///
/// # Errors
/// The template or tokenizer cannot be used, or the prompt does not fit the model's context.
pub fn start(loaded: &mut Loaded, asked: &Asked<'_>, sink: Sink<'_>) -> Result<Start, EngineError> {
    match asked.prompt {
        Prompt::Ids(ids) => Ok(Start {
            ids: ids.clone(),
            // A tokenizer adds text and the ids that end a text; without one there are only ids.
            stop_ids: loaded.tokenizer().map(|t| t.eos_ids().to_vec()).unwrap_or_default(),
            ..Start::default()
        }),
        Prompt::Raw(text) => {
            let tokenizer = loaded.tokenizer()?;
            Ok(Start {
                ids: tokenizer.encode_alone(text)?,
                stop_ids: tokenizer.eos_ids().to_vec(),
                ..Start::default()
            })
        }
        Prompt::Messages(messages) => chat_start(loaded, asked, messages, sink),
    }
}

fn chat_start(
    loaded: &mut Loaded,
    asked: &Asked<'_>,
    messages: &[ChatMessage],
    sink: Sink<'_>,
) -> Result<Start, EngineError> {
    let conversation = conversation(messages)?;
    let model = asked.model;
    loaded.attach(model.adapter.as_deref())?;
    let context = loaded.answering(model.adapter.as_deref()).0.context();
    let tokenizer = loaded.tokenizer()?;
    let chosen = tokens::choose(model.template.as_deref(), model.adapter.as_deref(), tokenizer)?;
    if let Some(message) = chosen.note {
        sink(Event::Warning { message });
    }
    // An answer wants room too, but never more than a quarter of what the model can hold.
    let room = asked.sampling.max_tokens.min(context / 4);
    let options = RenderOptions::default();
    let fitted = tokens::fit_prompt(&chosen.template, &conversation, tokenizer, &options, (context, room));
    let fitted = fitted.map_err(|error| match error {
        PromptError::Prepare(error) => EngineError::Prepare(error),
        PromptError::TooLong { tokens } => EngineError::PromptTooLong { tokens, context },
    })?;
    let prompt = fitted.prompt;
    Ok(Start {
        ids: prompt.ids,
        stop_ids: stop_ids(tokenizer, prompt.end_id),
        turn_id: prompt.end_id,
        // Where one token ends the turn, its text cannot come in another way.
        turn_text: prompt.end_of_turn.filter(|_| prompt.end_id.is_none()),
        dropped: (fitted.dropped_turns, fitted.dropped_messages),
    })
}

fn stop_ids(tokenizer: &Tokenizer, end: Option<u32>) -> Vec<u32> {
    let mut ids = tokenizer.eos_ids().to_vec();
    ids.extend(end.filter(|id| !ids.contains(id)));
    ids
}

/// Messages of a chat as a conversation.
///
/// # Errors
/// A role that does not exist.
pub fn conversation(messages: &[ChatMessage]) -> Result<Conversation, EngineError> {
    let one = |m: &ChatMessage| Ok(Message::new(role(&m.role)?, m.content.clone()));
    let messages = messages.iter().map(one).collect::<Result<_, EngineError>>()?;
    Ok(Conversation::unfiled(messages))
}

fn role(name: &str) -> Result<Role, EngineError> {
    [Role::System, Role::User, Role::Assistant, Role::Tool]
        .into_iter()
        .find(|r| r.as_str() == name)
        .ok_or_else(|| EngineError::Role(name.into()))
}
