//! Shortening a conversation by whole turns. Does not measure: the caller counts tokens.

use super::conversation::{Conversation, Message, Role};

/// The conversation without its oldest turn: the first user message with everything up to the next user message (answers,
/// tool calls and results). System messages at the start stay. `None` where only one turn is left, or the last
/// assistant message would go; such a row cannot be shortened without cutting inside a message.
pub fn without_oldest_turn(conversation: &Conversation) -> Option<Conversation> {
    let messages = &conversation.messages;
    let (start, next) = oldest_turn(messages)?;
    let learns = |part: &[Message]| part.iter().any(|message| message.role == Role::Assistant);
    if learns(messages) && !learns(&messages[next..]) {
        return None;
    }
    Some(without(conversation, start, next))
}

/// As [`without_oldest_turn`] for a conversation that is to be answered: only its last turn must stay.
pub fn prompt_without_oldest_turn(conversation: &Conversation) -> Option<Conversation> {
    let (start, next) = oldest_turn(&conversation.messages)?;
    Some(without(conversation, start, next))
}

/// Where the oldest turn begins and the next one does, if there is a next one.
fn oldest_turn(messages: &[Message]) -> Option<(usize, usize)> {
    let start = messages
        .iter()
        .take_while(|message| message.role == Role::System)
        .count();
    let is_user = |index: &usize| messages[*index].role == Role::User;
    // Several user messages in a row are one turn.
    let next = (start + 1..messages.len()).find(|index| is_user(index) && !is_user(&(index - 1)))?;
    Some((start, next))
}

fn without(conversation: &Conversation, start: usize, next: usize) -> Conversation {
    let mut shorter = conversation.clone();
    shorter.messages.drain(start..next);
    shorter
}
