//! From "send" to the finished answers: which column is asked when, and where each event of the worker goes.
//! One job at a time, so that Stop ends everything that was asked for.

use super::{Column, Flight, Place, Reply, ReplyStatus, keep};
use crate::protocol::{Control, Event, Job, ModelRef, Prompt, StopReason};
use crate::session::{Effect, Slot, State};

/// Likeliest tokens that are kept for each token of an answer.
const ALTERNATIVES: usize = 5;

/// Asks all columns that answer for a turn of a chat.
pub(super) fn ask(state: &mut State, chat: u64, turn: usize) -> Vec<Effect> {
    for column in state.chats.columns() {
        enqueue(
            state,
            Place {
                chat,
                turn,
                column: *column,
            },
        );
    }
    let mut effects = pump(state);
    effects.extend(keep(state, chat));
    effects
}

/// Asks one column anew.
pub(super) fn ask_column(state: &mut State, place: Place) -> Vec<Effect> {
    enqueue(state, place);
    let mut effects = pump(state);
    effects.extend(keep(state, place.chat));
    effects
}

fn enqueue(state: &mut State, place: Place) {
    let by = match place.column {
        Column::Base => base_name(state),
        Column::Tuned => state.chats.adapter_name().unwrap_or_default(),
    };
    let Some(chat) = state.chats.chat_mut(place.chat) else {
        return;
    };
    let first_seed = chat.sampling.seed;
    let Some(turn) = chat.turns.get_mut(place.turn) else {
        return;
    };
    let reply = turn.reply_mut(place.column);
    // Asking again must be able to give something else: the next seed.
    let seed = match reply.as_ref() {
        Some(old) if old.seed >= first_seed => old.seed.saturating_add(1),
        _ => first_seed,
    };
    *reply = Some(Reply::waiting(by, seed));
    state.chats.focus.token.take_if(|t| t.place == place);
    state.chats.queue.push_back(place);
}

fn base_name(state: &State) -> String {
    match (state.model.card(), &state.model.selected) {
        (Some(card), _) => card.name.clone(),
        (None, Some(path)) => path.clone(),
        (None, None) => "base".into(),
    }
}

/// Sends the next job when the worker is free.
fn pump(state: &mut State) -> Vec<Effect> {
    while state.chats.flight.is_none() {
        let Some(place) = state.chats.queue.pop_front() else {
            break;
        };
        let Some(job) = job(state, place) else {
            continue;
        };
        let id = state.next_job();
        state.chats.flight = Some(Flight {
            job: id,
            place,
            stage: None,
            stopping: false,
        });
        return vec![Effect::Job {
            slot: Slot::Chat,
            id,
            job,
        }];
    }
    Vec::new()
}

fn job(state: &State, place: Place) -> Option<Job> {
    let chat = state.chats.chat(place.chat)?;
    let seed = chat.turns.get(place.turn)?.reply(place.column)?.seed;
    let mut sampling = chat.sampling.clone();
    sampling.seed = seed;
    Some(Job::Generate {
        model: model_ref(state, place.column)?,
        prompt: Prompt::Messages(chat.messages(place.turn, place.column)),
        sampling,
        logits_top: 0,
        alternatives: ALTERNATIVES,
    })
}

/// The weights and template of a column. Both columns use the same template: the adapter's where it brought one,
/// else the project's.
fn model_ref(state: &State, column: Column) -> Option<ModelRef> {
    let adapters = state.chats.adapter_template.as_ref();
    Some(ModelRef {
        model: state.model.selected.clone()?,
        adapter: match column {
            Column::Base => None,
            Column::Tuned => Some(state.chats.adapter.clone()?),
        },
        template: adapters
            .map(|path| path.display().to_string())
            .or_else(|| state.recipe.recipe.template.asked()),
        device: state.device(),
    })
}

/// An event of the chat worker's job `id`.
pub fn on_event(state: &mut State, id: u64, event: Event) -> Vec<Effect> {
    let Some(flight) = state.chats.flight.as_mut().filter(|f| f.job == id) else {
        return Vec::new();
    };
    let place = flight.place;
    match event {
        Event::Stage { stage, done, total } => {
            let part = (total > 0).then(|| done as f32 / total as f32);
            flight.stage = Some((stage, part));
            Vec::new()
        }
        Event::Prompted { reading } => {
            if let Some(reply) = reply(state, place) {
                reply.reading = reading;
            }
            Vec::new()
        }
        Event::Token {
            id,
            text,
            probability,
            alternatives,
        } => {
            flight.stage = None;
            if let Some(reply) = reply(state, place) {
                reply.status = ReplyStatus::Streaming;
                reply.push(&text, id, probability, alternatives);
            }
            Vec::new()
        }
        event @ Event::Generated { .. } => generated(state, place, event),
        Event::Failed { message } => finish(state, place, ReplyStatus::Failed(message)),
        Event::Done => finish(
            state,
            place,
            ReplyStatus::Failed("The worker ended the job without an answer.".into()),
        ),
        _ => Vec::new(),
    }
}

fn generated(state: &mut State, place: Place, event: Event) -> Vec<Effect> {
    let Event::Generated {
        ids,
        text,
        stop,
        tokens_per_second,
        first_token_seconds,
        ended,
        reading,
        ..
    } = event
    else {
        return Vec::new();
    };
    if let Some(reply) = reply(state, place) {
        reply.complete(text);
        reply.tokens = ids.len();
        reply.tokens_per_second = tokens_per_second;
        reply.first_token_seconds = first_token_seconds;
        reply.ended = ended;
        reply.reading = reading;
    }
    finish(state, place, ReplyStatus::Ended(stop))
}

/// The chat worker ended by itself.
pub fn on_gone(state: &mut State, message: String) -> Vec<Effect> {
    // A worker that was idle is simply started again by the next question.
    let Some(flight) = state.chats.flight.take() else {
        return Vec::new();
    };
    let waiting: Vec<Place> = state.chats.queue.drain(..).collect();
    let mut effects = Vec::new();
    for place in std::iter::once(flight.place).chain(waiting) {
        if let Some(reply) = reply(state, place) {
            reply.status = ReplyStatus::Failed(message.clone());
        }
        effects.extend(keep(state, place.chat));
    }
    effects
}

/// Ends the answer that is being written and forgets those that wait.
pub(super) fn stop(state: &mut State) -> Vec<Effect> {
    let waiting: Vec<Place> = state.chats.queue.drain(..).collect();
    for place in waiting {
        if let Some(reply) = reply(state, place) {
            reply.status = ReplyStatus::Ended(StopReason::Cancelled);
        }
    }
    match state.chats.flight.as_mut() {
        Some(flight) if !flight.stopping => {
            flight.stopping = true;
            vec![Effect::Control {
                slot: Slot::Chat,
                control: Control::Stop,
            }]
        }
        _ => Vec::new(),
    }
}

fn reply(state: &mut State, place: Place) -> Option<&mut Reply> {
    let turn = state.chats.chat_mut(place.chat)?.turns.get_mut(place.turn)?;
    turn.reply_mut(place.column).as_mut()
}

fn finish(state: &mut State, place: Place, status: ReplyStatus) -> Vec<Effect> {
    state.chats.flight = None;
    if let Some(reply) = reply(state, place) {
        reply.status = status;
    }
    let mut effects = pump(state);
    effects.extend(keep(state, place.chat));
    effects
}
