//! What the user wants of the hub. Does no I/O.

use super::{Download, HubCommand, HubEffect, Keep, Question};
use crate::formats::hub_cache::HubRef;
use crate::hub::token;
use crate::protocol::{Control, Job, Secret};
use crate::session::{Effect, Slot, State};

/// Carries out a command.
pub fn apply(state: &mut State, command: HubCommand) -> Vec<Effect> {
    match command {
        HubCommand::Text(text) => {
            (state.hub.text, state.hub.notice) = (text, None);
            Vec::new()
        }
        HubCommand::FetchTyped => fetch_typed(state),
        HubCommand::Fetch(model) => {
            state.hub.question = None;
            fetch(state, model)
        }
        HubCommand::Cancel(model) => cancel(state, &model),
        HubCommand::TokenText(text) => {
            if let Some(Question::Token(question)) = &mut state.hub.question {
                (question.text, question.wrong) = (text, None);
            }
            Vec::new()
        }
        HubCommand::KeepToken(place) => keep(state, place),
        HubCommand::Dismiss => {
            state.hub.question = None;
            Vec::new()
        }
    }
}

fn fetch_typed(state: &mut State) -> Vec<Effect> {
    let typed = state.hub.text.clone();
    match HubRef::parse(without_address(&typed)) {
        Some(found) => {
            (state.hub.text, state.hub.notice) = (String::new(), None);
            fetch(state, found.text())
        }
        None => {
            let shown = typed.trim();
            state.hub.notice = Some(format!(
                "\"{shown}\" is not the name of a model. Write OWNER/NAME, then @REVISION or /FILE.gguf where wanted."
            ));
            Vec::new()
        }
    }
}

/// What people paste from the browser's address line is a name, too.
fn without_address(typed: &str) -> &str {
    let typed = typed.trim().trim_end_matches('/');
    let path = typed.strip_prefix("https://").and_then(|rest| rest.split_once('/'));
    let path = path.map_or(typed, |(_, path)| path);
    path.trim_end_matches("/tree/main")
}

/// Starts a download, or puts it after the one that goes on.
pub fn fetch(state: &mut State, model: String) -> Vec<Effect> {
    let hub = &mut state.hub;
    let known = hub.download.as_ref().is_some_and(|d| d.model == model) || hub.waiting.contains(&model);
    if known {
        return Vec::new();
    }
    if hub.download.is_some() {
        hub.waiting.push(model);
        return Vec::new();
    }
    begin(state, model)
}

/// Starts the next one that waits.
pub fn next(state: &mut State) -> Vec<Effect> {
    if state.hub.waiting.is_empty() || state.hub.download.is_some() {
        return Vec::new();
    }
    let model = state.hub.waiting.remove(0);
    begin(state, model)
}

fn begin(state: &mut State, model: String) -> Vec<Effect> {
    let id = state.next_job();
    state.hub.download = Some(Download {
        id,
        model: model.clone(),
        ..Download::default()
    });
    let token = state.hub.secret.clone();
    vec![Effect::Job {
        slot: Slot::Hub,
        id,
        job: Job::Fetch { model, token },
    }]
}

fn cancel(state: &mut State, model: &str) -> Vec<Effect> {
    state.hub.waiting.retain(|waiting| waiting != model);
    let Some(download) = state.hub.download.as_mut().filter(|d| d.model == model) else {
        return Vec::new();
    };
    download.cancelling = true;
    vec![Effect::Control {
        slot: Slot::Hub,
        control: Control::Stop,
    }]
}

fn keep(state: &mut State, place: Keep) -> Vec<Effect> {
    let Some(Question::Token(question)) = &mut state.hub.question else {
        return Vec::new();
    };
    match token::clean(&question.text) {
        Ok(token) => {
            question.keeping = true;
            let token = Secret(token);
            vec![Effect::Hub(HubEffect::Keep { token, place })]
        }
        Err(error) => {
            question.wrong = Some(error.to_string());
            Vec::new()
        }
    }
}
