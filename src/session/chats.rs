//! Named conversations with the base and the tuned model. Knows no drawing.

use std::path::PathBuf;

use super::{Effect, State};
use crate::protocol::Event;

/// What the Chat room shows.
#[derive(Clone, Debug, Default)]
pub struct ChatsState {
    /// The adapter that answers in the tuned column.
    pub adapter: Option<PathBuf>,
}

/// What can be done in the Chat room.
#[derive(Clone, Debug)]
pub enum ChatCommand {
    /// Send what stands in the composer.
    Send,
}

/// Work of this part outside the state.
#[derive(Clone, Debug)]
pub enum ChatsEffect {}

/// What came back.
pub enum ChatsOutcome {}

/// Carries out a command.
pub fn apply(_state: &mut State, command: ChatCommand) -> Vec<Effect> {
    match command {
        ChatCommand::Send => Vec::new(),
    }
}

/// Takes in what came back.
pub fn absorb(_state: &mut State, outcome: ChatsOutcome) -> Vec<Effect> {
    match outcome {}
}

/// Carries an effect out; called on a thread.
pub fn perform(effect: ChatsEffect, _home: &std::path::Path) -> ChatsOutcome {
    match effect {}
}

/// An event of the chat worker's job `id`.
pub fn on_event(_state: &mut State, _id: u64, _event: Event) -> Vec<Effect> {
    Vec::new()
}

/// The chat worker ended by itself.
pub fn on_gone(state: &mut State, message: String) -> Vec<Effect> {
    state.problems.report(message, Vec::new());
    Vec::new()
}

/// Chat with an adapter folder: after a run ("Chat with NAME") or when one was dropped on the window.
/// `base` is the model that the adapter names.
pub fn open_adapter(state: &mut State, path: PathBuf, _base: Option<String>) -> Vec<Effect> {
    state.chats.adapter = Some(path);
    state.nav.room = super::Room::Chat;
    Vec::new()
}
