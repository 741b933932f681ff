//! Commands to the Chat room's state and events of its model, for the tests of chats.

use burnish::protocol::{ChatMessage, Event, Job, Prompt, Reading, StopReason};
use burnish::session::chats::{self, ChatCommand, Column};
use burnish::session::{Command, Effect, State, apply};
use std::path::Path;

pub fn state(tuned: bool) -> State {
    let mut state = State::default();
    state.model.selected = Some("starter".into());
    if tuned {
        state.chats.adapter = Some("runs/2026-11-21-143012-pirate/final".into());
    }
    state
}

pub fn chat(state: &mut State, command: ChatCommand) -> Vec<Effect> {
    apply(state, Command::Chat(command))
}

pub fn ask(state: &mut State, text: &str) -> Vec<Effect> {
    chat(state, ChatCommand::Draft(text.into()));
    chat(state, ChatCommand::Send)
}

/// The one job among the effects.
pub fn job(effects: &[Effect]) -> (u64, &Job) {
    let jobs: Vec<_> = effects
        .iter()
        .filter_map(|e| match e {
            Effect::Job { id, job, .. } => Some((*id, job)),
            _ => None,
        })
        .collect();
    assert_eq!(jobs.len(), 1, "exactly one job: {effects:?}");
    jobs[0]
}

pub fn has_job(effects: &[Effect]) -> bool {
    effects.iter().any(|e| matches!(e, Effect::Job { .. }))
}

pub fn messages(job: &Job) -> Vec<(&str, &str)> {
    let Job::Generate {
        prompt: Prompt::Messages(messages),
        ..
    } = job
    else {
        panic!("not a chat job: {job:?}");
    };
    messages
        .iter()
        .map(|ChatMessage { role, content }| (role.as_str(), content.as_str()))
        .collect()
}

pub fn adapter(job: &Job) -> Option<&Path> {
    let Job::Generate { model, .. } = job else {
        panic!("not a chat job: {job:?}");
    };
    model.adapter.as_deref()
}

pub fn token(text: &str) -> Event {
    Event::Token {
        id: 1,
        text: text.into(),
        probability: None,
        alternatives: vec![],
    }
}

pub fn generated(text: &str, stop: StopReason) -> Event {
    Event::Generated {
        prompt_ids: vec![1],
        ids: vec![5, 6],
        text: text.into(),
        stop,
        tokens_per_second: 40.0,
        first_token_seconds: 0.25,
        ended: None,
        reading: Reading::default(),
        top: Vec::new(),
    }
}

/// Answers the job that runs, and returns what follows.
pub fn answer(state: &mut State, text: &str) -> Vec<Effect> {
    let id = state.chats.flight.as_ref().expect("a job runs").job;
    chats::on_event(state, id, token(text));
    chats::on_event(state, id, generated(text, StopReason::EndOfTurn))
}

pub fn texts(state: &State, column: Column) -> Vec<String> {
    let chat = state.chats.current().expect("a chat is open");
    let reply = |turn: usize| chat.turns[turn].reply(column).map_or(String::new(), |r| r.text.clone());
    chat.path().into_iter().map(reply).collect()
}
