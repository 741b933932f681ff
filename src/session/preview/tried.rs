//! Changes to a row's messages that are only tried out: what would be learned if it were written so. The file stays as it is;
//! every row's trial is kept while the data is open. Knows conversations, not templates.

use super::row;
use crate::data::{Conversation, Message};
use crate::session::State;

/// A change of one message.
#[derive(Clone, Debug, PartialEq)]
pub enum Trial {
    /// Other words.
    Text(String),
    /// The message's flag: learned, context, or as the mode has it.
    Learn(Option<bool>),
}

/// The trials of the open data.
#[derive(Clone, Debug, Default)]
pub struct Tried(Vec<Conversation>);

impl Tried {
    /// The tried version of a row.
    pub fn of(&self, row: &Conversation) -> Option<&Conversation> {
        self.0.iter().find(|c| c.source == row.source)
    }

    /// Keeps a version of a row; one that equals the row is none.
    fn keep(&mut self, row: &Conversation, version: Conversation) {
        self.0.retain(|c| c.source != row.source);
        if version.messages != row.messages {
            self.0.push(version);
        }
    }
}

/// Tries a change of a message of the shown row.
pub(super) fn attempt(state: &mut State, message: usize, trial: Trial) {
    let mut version = row(state).into_owned();
    let Some(said) = version.messages.get_mut(message) else {
        return;
    };
    change(said, trial);
    let original = original(state);
    state.preview.tried.keep(&original, version);
}

fn change(said: &mut Message, trial: Trial) {
    match trial {
        Trial::Text(text) => said.content = text,
        Trial::Learn(learn) => said.weight = learn.map(f32::from),
    }
}

/// Goes back to the row as the file has it.
pub(super) fn give_up(state: &mut State) {
    let original = original(state);
    state.preview.tried.keep(&original, original.clone());
}

/// The row as the file has it, or the example.
pub fn original(state: &State) -> Conversation {
    state.data.conversation().cloned().unwrap_or_else(super::example)
}
