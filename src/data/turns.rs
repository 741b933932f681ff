//! Shortening a conversation by whole turns. Does not measure: the caller counts tokens.

use super::conversation::{Conversation, Message, Role};

/// The conversation without its oldest turn: the first user message with everything up to the next user message (answers,
/// tool calls and results). System messages at the start stay. `None` where only one turn is left, or the last
/// assistant message would go; such a row cannot be shortened without cutting inside a message.
pub fn without_oldest_turn(conversation: &Conversation) -> Option<Conversation> {
    let messages = &conversation.messages;
    let start = messages
        .iter()
        .take_while(|message| message.role == Role::System)
        .count();
    let is_user = |index: &usize| messages[*index].role == Role::User;
    // Several user messages in a row are one turn.
    let next = (start + 1..messages.len()).find(|index| is_user(index) && !is_user(&(index - 1)))?;
    let learns = |part: &[Message]| part.iter().any(|message| message.role == Role::Assistant);
    if learns(messages) && !learns(&messages[next..]) {
        return None;
    }
    let mut shorter = conversation.clone();
    shorter.messages.drain(start..next);
    Some(shorter)
}
