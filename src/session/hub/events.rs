//! What a download and the hub's effects bring back. Does no I/O.

use super::fit::Needs;
use super::{Download, FileQuestion, HubCommand, HubEffect, HubOutcome, Keep, Question, TokenQuestion, commands};
use crate::hub::curated;
use crate::protocol::{Event, Secret};
use crate::session::problems::Way;
use crate::session::{Command, Effect, State};

/// The hub's part of a fresh window.
pub fn start(state: &mut State) -> Vec<Effect> {
    state.hub.needs = curated::models().iter().map(|model| Needs::of(&model.config)).collect();
    vec![Effect::Hub(HubEffect::Look)]
}

/// Takes in an event of a download.
pub fn on_event(state: &mut State, id: u64, event: Event) -> Vec<Effect> {
    let Some(download) = state.hub.download.as_mut().filter(|d| d.id == id) else {
        return Vec::new();
    };
    match event {
        Event::Fetching {
            file,
            done,
            total,
            per_second,
            seconds_left,
        } => {
            *download = Download {
                file,
                done,
                total,
                per_second,
                seconds_left,
                id,
                model: std::mem::take(&mut download.model),
                cancelling: download.cancelling,
            };
            Vec::new()
        }
        Event::Fetched { model, .. } => fetched(state, model),
        Event::TokenNeeded { model, page, .. } => {
            let question = TokenQuestion {
                model,
                page,
                ..TokenQuestion::default()
            };
            state.hub.question = Some(Question::Token(question));
            Vec::new()
        }
        Event::FileChoice { model, files } => {
            state.hub.question = Some(Question::File(FileQuestion { model, files }));
            Vec::new()
        }
        Event::Warning { message } => {
            state.problems.report(message, Vec::new());
            Vec::new()
        }
        Event::Failed { message } => failed(state, message),
        Event::Done => {
            state.hub.download = None;
            commands::next(state)
        }
        _ => Vec::new(),
    }
}

fn fetched(state: &mut State, model: String) -> Vec<Effect> {
    state.problems.toast(format!("{model} is downloaded"));
    if !state.hub.cached.contains(&model) {
        state.hub.cached.push(model.clone());
    }
    // Whoever has picked a model already keeps it.
    if state.model.selected.is_some() {
        return vec![Effect::ListModel(model)];
    }
    state.model.reading.push(model.clone());
    vec![Effect::ReadModel(model)]
}

fn failed(state: &mut State, message: String) -> Vec<Effect> {
    let Some(download) = state.hub.download.take() else {
        return Vec::new();
    };
    match &mut state.hub.question {
        _ if download.cancelling => state
            .problems
            .toast(format!("Cancelled. What came of {} is kept", download.model)),
        Some(Question::Token(question)) if question.model == download.model => question.message = message,
        Some(Question::File(question)) if question.model == download.model => {}
        _ => {
            let again = Command::Hub(HubCommand::Fetch(download.model));
            state.problems.report(message, vec![Way::new("Try again", again)]);
        }
    }
    commands::next(state)
}

/// The worker is gone in the middle of a download.
pub fn on_gone(state: &mut State, message: String) -> Vec<Effect> {
    failed(state, message)
}

/// Takes in what an effect brought.
pub fn absorb(state: &mut State, outcome: HubOutcome) -> Vec<Effect> {
    match outcome {
        HubOutcome::Looked { cached, memory } => {
            state.hub.memory = memory;
            let new = cached
                .iter()
                .filter(|model| state.model.cards.iter().all(|card| card.path != **model));
            let effects = new.cloned().map(Effect::ListModel).collect();
            state.hub.cached = cached;
            effects
        }
        HubOutcome::Kept { token, place, result } => kept(state, token, place, result),
    }
}

fn kept(state: &mut State, token: Secret, place: Keep, result: Result<(), String>) -> Vec<Effect> {
    let Some(Question::Token(question)) = &mut state.hub.question else {
        return Vec::new();
    };
    question.keeping = false;
    match (result, place) {
        (Ok(()), _) => {
            let model = question.model.clone();
            state.hub.secret = Some(token);
            state.hub.question = None;
            commands::fetch(state, model)
        }
        (Err(message), Keep::Keyring) => {
            question.no_keyring = Some(message);
            Vec::new()
        }
        (Err(message), _) => {
            question.wrong = Some(message);
            Vec::new()
        }
    }
}
