//! The one path from a conversation to token ids, for preview, training, chat, scoring and serving alike. Knows templates
//! and tokenizers, not what is done with the ids.
use super::{Encoded, TokenError, Tokenizer};
use crate::data::Conversation;
use crate::template::{RenderOptions, Rendered, Template, TemplateError, render};

/// Why a conversation could not become ids.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The template failed or refused.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The tokenizer failed.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// A conversation ready for the model to go on from.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// The rendered text with the assistant's header at its end.
    pub text: String,
    /// Its ids.
    pub ids: Vec<u32>,
    /// The text that ends the answer (a stop string), where the template has one.
    pub end_of_turn: Option<String>,
    /// The id of that text where it is one token: generation stops at it.
    pub end_id: Option<u32>,
}

/// Renders and encodes one conversation. Variables of `options` win over the tokenizer's own.
pub fn prepare(
    template: &Template,
    conversation: &Conversation,
    tokenizer: &Tokenizer,
    options: &RenderOptions,
) -> Result<(Rendered, Encoded), PrepareError> {
    let rendered = render(template, conversation, &with_vars(options, tokenizer))?;
    let encoded = tokenizer.encode_rendered(&rendered)?;
    Ok((rendered, encoded))
}

/// The ids from which the model answers `conversation`: the same rendering as for training, with the generation prompt.
pub fn prompt(
    template: &Template,
    conversation: &Conversation,
    tokenizer: &Tokenizer,
    options: &RenderOptions,
) -> Result<Prompt, PrepareError> {
    let options = RenderOptions {
        add_generation_prompt: true,
        ..with_vars(options, tokenizer)
    };
    let rendered = render(template, conversation, &options)?;
    let (ids, _) = tokenizer.encode(&rendered.text)?;
    let end_of_turn = template.end_of_turn(&options.vars);
    let end_id = end_of_turn.as_deref().and_then(|text| tokenizer.id_of(text));
    Ok(Prompt {
        text: rendered.text,
        ids,
        end_of_turn,
        end_id,
    })
}

/// The options with the tokenizer's special tokens filled in where the caller set none.
fn with_vars(options: &RenderOptions, tokenizer: &Tokenizer) -> RenderOptions {
    let mut vars = tokenizer.vars();
    vars.extend(options.vars.clone());
    RenderOptions {
        vars,
        ..options.clone()
    }
}
