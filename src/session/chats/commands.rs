//! What a user can do in the Chat room. Knows neither drawing nor workers.

use std::path::PathBuf;

use super::{
    Chat, ChatsEffect, Column, Edit, Focus, Inspected, Place, data_system, flow, folder, keep, look_for_runs,
    use_adapter,
};
use crate::protocol::Sampling;
use crate::session::{Dialog, Effect, State};

/// What can be done in the Chat room.
#[derive(Clone, Debug)]
pub enum ChatCommand {
    /// Begin a new chat.
    New,
    /// Show a chat.
    Open(u64),
    /// Give a chat a name.
    Rename { id: u64, name: String },
    /// Put a chat into the bin.
    Delete(u64),
    /// Bring back the chat that was deleted last.
    UndoDelete,
    /// What stands in the composer.
    Draft(String),
    /// What stands in the system prompt.
    System(String),
    /// How tokens are picked.
    Sampling(Sampling),
    /// Show or hide system prompt and sampling.
    ToggleSettings,
    /// Send what stands in the composer.
    Send,
    /// Send this text (an example question).
    Ask(String),
    /// End the answer that is being written.
    Stop,
    /// Answer the last message again.
    Regenerate,
    /// Answer again in one column only, after a failure.
    Retry { turn: usize, column: Column },
    /// Start editing a user message.
    Edit(usize),
    /// The edited text.
    EditText(String),
    /// Send the edited message as a new branch.
    EditSend,
    /// Leave the message as it was.
    EditCancel,
    /// Show another version of a message.
    ShowVersion(usize),
    /// Look at a token of an answer and its alternatives; one beyond the end is the last one.
    Inspect { place: Place, token: usize },
    /// Look at no token.
    CloseInspect,
    /// Read the list of the project's runs again.
    LookForRuns,
    /// Let this adapter answer beside the base, in the open chat.
    UseAdapter { path: PathBuf, base: Option<String> },
    /// Pick an adapter folder with the system's dialog.
    AdapterDialog,
    /// Chat with the base alone.
    CloseAdapter,
}

/// Carries out a command.
pub fn apply(state: &mut State, command: ChatCommand) -> Vec<Effect> {
    match command {
        ChatCommand::New => new_chat(state),
        ChatCommand::Open(id) => {
            state.chats.open = Some(id);
            state.chats.focus = Focus::default();
            Vec::new()
        }
        ChatCommand::Rename { id, name } => change(state, Some(id), |chat| {
            chat.renamed = !name.trim().is_empty();
            chat.name = name;
        }),
        ChatCommand::Delete(id) => delete(state, id),
        ChatCommand::UndoDelete => undo_delete(state),
        ChatCommand::Draft(text) => {
            let mut effects = ensure_open(state);
            effects.extend(change_open(state, |chat| chat.draft = text));
            effects
        }
        ChatCommand::System(text) => change_open(state, |chat| chat.system = text),
        ChatCommand::Sampling(sampling) => change_open(state, |chat| chat.sampling = within_range(sampling)),
        ChatCommand::ToggleSettings => {
            state.chats.show_settings = !state.chats.show_settings;
            Vec::new()
        }
        ChatCommand::Inspect { place, token } => {
            inspect(state, place, token);
            Vec::new()
        }
        ChatCommand::CloseInspect => {
            state.chats.focus.token = None;
            Vec::new()
        }
        ChatCommand::LookForRuns => look_for_runs(state),
        ChatCommand::UseAdapter { path, base } => use_adapter(state, path, base),
        ChatCommand::AdapterDialog => vec![Effect::Dialog(Dialog::AdapterFolder)],
        ChatCommand::CloseAdapter => {
            state.chats.adapter = None;
            state.chats.adapter_template = None;
            Vec::new()
        }
        ChatCommand::Stop => flow::stop(state),
        asking => ask(state, asking),
    }
}

/// The commands that lead to an answer, or prepare one.
fn ask(state: &mut State, command: ChatCommand) -> Vec<Effect> {
    match command {
        ChatCommand::Send => {
            let draft = state.chats.current().map(|c| c.draft.clone());
            let Some(text) = draft.filter(|d| !d.trim().is_empty()) else {
                return Vec::new();
            };
            let effects = send(state, text);
            if !effects.is_empty() {
                change_open(state, |chat| chat.draft.clear());
            }
            effects
        }
        ChatCommand::Ask(text) => {
            let mut effects = ensure_open(state);
            effects.extend(send(state, text));
            effects
        }
        ChatCommand::Regenerate => match state.chats.current().map(|c| (c.id, c.tip)) {
            Some((id, Some(turn))) if can_ask(state, id) => flow::ask(state, id, turn),
            _ => Vec::new(),
        },
        ChatCommand::Retry { turn, column } => match state.chats.open {
            Some(chat) if can_ask(state, chat) => flow::ask_column(state, Place { chat, turn, column }),
            _ => Vec::new(),
        },
        ChatCommand::Edit(turn) => {
            let chat = state.chats.current();
            let text = chat.and_then(|c| c.turns.get(turn)).map(|t| t.user.clone());
            state.chats.focus.edit = text.map(|text| Edit { turn, text });
            Vec::new()
        }
        ChatCommand::EditText(text) => {
            if let Some(edit) = &mut state.chats.focus.edit {
                edit.text = text;
            }
            Vec::new()
        }
        ChatCommand::EditSend => edit_send(state),
        ChatCommand::EditCancel => {
            state.chats.focus.edit = None;
            Vec::new()
        }
        ChatCommand::ShowVersion(turn) => change_open(state, |chat| chat.show(turn)),
        _ => Vec::new(),
    }
}

fn inspect(state: &mut State, place: Place, token: usize) {
    let turn = state.chats.chat(place.chat).and_then(|c| c.turns.get(place.turn));
    let last = turn
        .and_then(|t| t.reply(place.column))
        .and_then(|reply| reply.pieces.len().checked_sub(1));
    state.chats.focus.token = last.map(|last| Inspected {
        place,
        token: token.min(last),
    });
}

/// Is there a model to ask, and is this chat not waiting for an answer already?
fn can_ask(state: &State, chat: u64) -> bool {
    state.model.selected.is_some() && !state.chats.is_busy(chat)
}

fn send(state: &mut State, text: String) -> Vec<Effect> {
    let Some(id) = state.chats.open.filter(|id| can_ask(state, *id)) else {
        return Vec::new();
    };
    let Some(chat) = state.chats.chat_mut(id) else {
        return Vec::new();
    };
    let turn = chat.add(chat.tip, text.trim_end());
    flow::ask(state, id, turn)
}

fn edit_send(state: &mut State) -> Vec<Effect> {
    let Some(id) = state.chats.open.filter(|id| can_ask(state, *id)) else {
        return Vec::new();
    };
    let Some(edit) = state.chats.focus.edit.take_if(|e| !e.text.trim().is_empty()) else {
        return Vec::new();
    };
    let Some(chat) = state.chats.chat_mut(id) else {
        return Vec::new();
    };
    let parent = chat.turns.get(edit.turn).and_then(|t| t.parent);
    let turn = chat.add(parent, edit.text.trim_end());
    flow::ask(state, id, turn)
}

pub(super) fn new_chat(state: &mut State) -> Vec<Effect> {
    let sampling = state.chats.current().map(|c| c.sampling.clone());
    // An empty chat is already what "New chat" asks for.
    let empty = state.chats.chats.iter().find(|c| c.turns.is_empty());
    if let Some(id) = empty.map(|c| c.id) {
        state.chats.open = Some(id);
        return Vec::new();
    }
    let id = state.chats.chats.iter().map(|c| c.id).max().unwrap_or(0) + 1;
    let mut chat = Chat::new(id, data_system(state));
    if let Some(sampling) = sampling {
        chat.sampling = sampling;
    }
    state.chats.chats.push(chat);
    state.chats.open = Some(id);
    state.chats.focus.edit = None;
    keep(state, id)
}

/// Makes sure that there is a chat to type into. An empty one without a system prompt takes the data's.
pub(super) fn ensure_open(state: &mut State) -> Vec<Effect> {
    if state.chats.current().is_none() {
        return new_chat(state);
    }
    let system = data_system(state);
    let id = state.chats.open;
    match id.and_then(|id| state.chats.chat_mut(id)) {
        Some(chat) if chat.turns.is_empty() && chat.system.is_empty() && chat.draft.is_empty() => {
            chat.system = system;
        }
        _ => {}
    }
    Vec::new()
}

fn delete(state: &mut State, id: u64) -> Vec<Effect> {
    let Some(at) = state.chats.chats.iter().position(|c| c.id == id) else {
        return Vec::new();
    };
    let mut effects = Vec::new();
    if state.chats.is_busy(id) {
        effects.extend(flow::stop(state));
    }
    state.chats.keeping.deleted = Some(state.chats.chats.remove(at));
    if state.chats.open == Some(id) {
        state.chats.focus.edit = None;
        let next = at.min(state.chats.chats.len().saturating_sub(1));
        state.chats.open = state.chats.chats.get(next).map(|c| c.id);
    }
    let folder = folder(state);
    effects.push(Effect::Chats(ChatsEffect::Bin { folder, id }));
    effects
}

fn undo_delete(state: &mut State) -> Vec<Effect> {
    let Some(mut chat) = state.chats.keeping.deleted.take() else {
        return Vec::new();
    };
    chat.settle();
    if state.chats.chat(chat.id).is_some() {
        chat.id = state.chats.chats.iter().map(|c| c.id).max().unwrap_or(0) + 1;
    }
    let id = chat.id;
    state.chats.chats.push(chat);
    state.chats.chats.sort_by_key(|c| c.id);
    state.chats.open = Some(id);
    keep(state, id)
}

fn change_open(state: &mut State, how: impl FnOnce(&mut Chat)) -> Vec<Effect> {
    let id = state.chats.open;
    change(state, id, how)
}

fn change(state: &mut State, id: Option<u64>, how: impl FnOnce(&mut Chat)) -> Vec<Effect> {
    let Some(chat) = id.and_then(|id| state.chats.chat_mut(id)) else {
        return Vec::new();
    };
    how(chat);
    let id = chat.id;
    keep(state, id)
}

/// Values that a worker would refuse are moved to the nearest one that it takes.
fn within_range(sampling: Sampling) -> Sampling {
    let number = |x: f32, or: f32| if x.is_finite() { x } else { or };
    Sampling {
        temperature: number(sampling.temperature, 0.0).clamp(0.0, 5.0),
        top_p: number(sampling.top_p, 1.0).clamp(0.01, 1.0),
        min_p: number(sampling.min_p, 0.0).clamp(0.0, 1.0),
        repetition_penalty: number(sampling.repetition_penalty, 1.0).clamp(0.1, 5.0),
        max_tokens: sampling.max_tokens.clamp(1, 8192),
        ..sampling
    }
}
