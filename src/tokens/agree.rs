//! Does the prompt that chat sends begin as the training row did? Knows the two texts, not what a user should do about them.
use super::{Encoded, PrepareError, Prompt, Tokenizer, prepare, prompt};
use crate::data::{Conversation, Role};
use crate::template::{Mode, RenderOptions, Rendered, Template, Why};

/// One answer of a row: what stood before it in training, and what chat sends to get it.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// Index of the assistant's message.
    pub message: usize,
    /// The prompt exactly as chat sends it, generation prompt included.
    pub prompt: Prompt,
    /// What stands before the answer in the training row.
    pub training: String,
    /// Where they part; `None` when the answer is learned after exactly what chat sends.
    pub difference: Option<Difference>,
}

/// Where prompt and training row part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The texts do, at this byte of both.
    Text(usize),
    /// The texts agree, but their tokens part at this index: a token of the training row reaches over the prompt's end.
    Tokens(usize),
}

/// Compares one answer of a conversation, by the index of its message. `None` where nothing stands before it or the template
/// does not show it.
///
/// # Errors
/// The template or the tokenizer failed, for the row or for the prompt.
pub fn agreement(
    template: &Template,
    conversation: &Conversation,
    message: usize,
    tokenizer: &Tokenizer,
    options: &RenderOptions,
) -> Result<Option<Agreement>, PrepareError> {
    let said = conversation.messages.get(message);
    if message == 0 || said.is_none_or(|m| m.role != Role::Assistant) {
        return Ok(None);
    }
    let options = RenderOptions {
        // Whatever the row's mode learns: the question is where the answer begins.
        mode: Mode::Assistant,
        add_generation_prompt: false,
        ..options.clone()
    };
    let (rendered, encoded) = prepare(template, conversation, tokenizer, &options)?;
    let Some(start) = answer_start(&rendered, message) else {
        return Ok(None);
    };
    let mut asked = conversation.clone();
    asked.messages.truncate(message);
    let prompt = prompt(template, &asked, tokenizer, &options)?;
    let training = rendered.text[..start].to_owned();
    Ok(Some(Agreement {
        message,
        difference: difference(&training, &prompt, &encoded),
        training,
        prompt,
    }))
}

/// Where what the assistant says in a message begins.
fn answer_start(rendered: &Rendered, message: usize) -> Option<usize> {
    let says = |why: Why| matches!(why, Why::AssistantContent | Why::EndOfTurn | Why::GenerationBlock);
    let mut own = rendered.spans.iter().filter(|s| s.message == Some(message));
    own.find(|s| says(s.why)).map(|s| s.start)
}

fn difference(training: &str, prompt: &Prompt, encoded: &Encoded) -> Option<Difference> {
    let same: usize = training
        .chars()
        .zip(prompt.text.chars())
        .take_while(|(a, b)| a == b)
        .map(|(c, _)| c.len_utf8())
        .sum();
    if same < training.len() || same < prompt.text.len() {
        return Some(Difference::Text(same));
    }
    let parted = prompt.ids.iter().zip(&encoded.ids).position(|(a, b)| a != b);
    parted.map(Difference::Tokens)
}
