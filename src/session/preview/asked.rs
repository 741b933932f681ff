//! The prompt that chat would send for an answer of the shown row, held against what stands before that answer in training.
//! Knows no drawing.

use super::PreviewState;
use crate::data::{Conversation, Role};
use crate::template::{RenderOptions, Template};
use crate::tokens::{Agreement, Tokenizer, agreement};

/// What is known of one answer's prompt.
pub type Asked = Result<Agreement, String>;

/// Messages of a conversation that are answers with something before them.
pub fn answers(conversation: &Conversation) -> impl DoubleEndedIterator<Item = usize> + '_ {
    let messages = conversation.messages.iter().enumerate().skip(1);
    messages.filter(|(_, m)| m.role == Role::Assistant).map(|(i, _)| i)
}

/// The prompt of the chosen answer, else of the last one; `None` where there is no answer or no tokenizer yet.
pub(super) fn ask(preview: &PreviewState, conversation: &Conversation, hurried: bool) -> Option<Asked> {
    let (template, tokenizer) = (preview.editor.template()?, preview.tokenizer.as_ref()?);
    ask_for(&template, tokenizer, conversation, preview.look.answer, hurried)
}

/// The same of its parts, for a thread.
pub(super) fn ask_for(
    template: &Template,
    tokenizer: &Tokenizer,
    conversation: &Conversation,
    answer: Option<usize>,
    hurried: bool,
) -> Option<Asked> {
    let chosen = answer.filter(|i| answers(conversation).any(|a| a == *i));
    let message = chosen.or_else(|| answers(conversation).next_back())?;
    let options = RenderOptions {
        hurried,
        ..RenderOptions::default()
    };
    let found = agreement(template, conversation, message, tokenizer, &options);
    match found {
        Ok(found) => found.map(Ok),
        Err(error) => Some(Err(error.to_string())),
    }
}
