//! Commands and outcomes to the part of the state that they concern. Does no I/O.

use std::path::PathBuf;

use super::problems::Way;
use super::words;
use super::{Command, Effect, Outcome, PathKind, Room, Slot, State};
use super::{
    audit, chats, data, hub, lesson, live, model, nav, pictures, plan, preview, queue, rate, recipe_form, run, runs,
};
use crate::protocol::Event;

/// Does what the user wants, as far as the state goes; the rest is in the effects.
pub fn apply(state: &mut State, command: Command) -> Vec<Effect> {
    let mut effects = carry_out(state, command);
    effects.extend(preview::follow(state));
    effects.extend(lesson::follow(state));
    state.plan = plan::plan(state);
    effects
}

fn carry_out(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Go(room) => nav::go(state, room),
        Command::Shell(command) => nav::apply(state, command),
        Command::Open(paths) => vec![Effect::Classify(paths)],
        Command::TryIt => recipe_form::try_it(state),
        Command::Model(command) => model::apply(state, command),
        Command::Hub(command) => hub::apply(state, command),
        Command::Data(command) => data::apply(state, command),
        Command::Template(command) => preview::apply(state, command),
        Command::Lesson(command) => lesson::apply(state, command),
        Command::Audit(command) => audit::apply(state, command),
        Command::Train(command) => run::apply(state, command),
        Command::Rate(command) => rate::apply(state, command),
        Command::Live(command) => live::apply(state, command),
        Command::Picture(command) => pictures::apply(state, command),
        Command::Runs(command) => runs::apply(state, command),
        Command::Queue(command) => queue::apply(state, command),
        Command::Chat(command) => chats::apply(state, command),
    }
}

/// Takes in what came back from an effect or a worker.
pub fn absorb(state: &mut State, outcome: Outcome) -> Vec<Effect> {
    // Events of a run come in hundreds and change no forecast but by the pace, which counts once the run is over.
    let is_event = matches!(outcome, Outcome::Worker { .. });
    let mut effects = take_in(state, outcome);
    effects.extend(preview::follow(state));
    effects.extend(lesson::follow(state));
    if !is_event || !state.run.is_active() {
        state.plan = plan::plan(state);
    }
    effects
}

fn take_in(state: &mut State, outcome: Outcome) -> Vec<Effect> {
    match outcome {
        Outcome::Classified(found) => classified(state, found),
        Outcome::Model { path, result } => model::absorb(state, path, result),
        Outcome::ModelListed(card) => model::listed(state, card),
        Outcome::Data { path, result } => {
            let mut effects = data::absorb(state, path, result);
            effects.extend(live::file_read(state));
            effects
        }
        Outcome::Samples(samples) => {
            state.data.samples = samples;
            Vec::new()
        }
        Outcome::RunDir { id, dir } => run::dir_made(state, id, dir),
        Outcome::RunFound { id, dir, recipe } => run::found(state, id, dir, recipe),
        Outcome::NoRun => queue::turn(state),
        Outcome::Queue(outcome) => queue::absorb(state, outcome),
        Outcome::Worker {
            slot: Slot::Train,
            id,
            event,
        } => {
            let shown = runs::on_train_event(state, &event);
            let mut effects = run::on_event(state, id, event);
            effects.extend(shown);
            effects
        }
        Outcome::Worker {
            slot: Slot::Chat,
            event: Event::Loaded { model, stored, .. },
            ..
        } => {
            state.model.loaded = Some((model, words::stored(&stored)));
            Vec::new()
        }
        Outcome::Worker {
            slot: Slot::Chat,
            id,
            event,
        } if lesson::is_mine(state, id) => lesson::on_event(state, event),
        Outcome::Worker {
            slot: Slot::Chat,
            id,
            event,
        } => chats::on_event(state, id, event),
        Outcome::Worker {
            slot: Slot::Audit,
            id,
            event,
        } => audit::on_event(state, id, event),
        Outcome::Worker {
            slot: Slot::Rate,
            id,
            event,
        } => rate::on_event(state, id, event),
        Outcome::Worker {
            slot: Slot::Devices,
            event,
            ..
        } => model::on_devices(state, event),
        Outcome::Worker {
            slot: Slot::Hub,
            id,
            event,
        } => hub::on_event(state, id, event),
        Outcome::WorkerGone {
            slot: Slot::Hub,
            message,
        } => hub::on_gone(state, message),
        Outcome::WorkerGone {
            slot: Slot::Audit,
            message,
        } => audit::on_gone(state, message),
        Outcome::WorkerGone {
            slot: Slot::Rate,
            message,
        } => rate::on_gone(state, message),
        Outcome::WorkerGone {
            slot: Slot::Train,
            message,
        } => run::on_gone(state, message),
        Outcome::WorkerGone {
            slot: Slot::Chat,
            message,
        } => {
            let mut effects = chats::on_gone(state, message.clone());
            effects.extend(lesson::on_gone(state, message));
            effects
        }
        Outcome::WorkerGone {
            slot: Slot::Devices, ..
        } if !state.devices.is_empty() => Vec::new(),
        Outcome::WorkerGone {
            slot: Slot::Devices,
            message,
        }
        | Outcome::Problem(message) => {
            state.problems.report(message, Vec::new());
            Vec::new()
        }
        Outcome::Hub(outcome) => hub::absorb(state, outcome),
        Outcome::Preview(outcome) => preview::absorb(state, outcome),
        Outcome::Chats(outcome) => chats::absorb(state, outcome),
        Outcome::Runs(outcome) => runs::absorb(state, outcome),
    }
}

/// Data files that come together are one set of rows; anything else opens by itself.
fn classified(state: &mut State, found: Vec<(PathBuf, PathKind)>) -> Vec<Effect> {
    let (mut effects, mut data) = (Vec::new(), Vec::new());
    for (path, kind) in found {
        effects.extend(match kind {
            PathKind::Data => {
                data.push(path);
                Vec::new()
            }
            PathKind::Model => model::apply(state, super::ModelCommand::Open(path.display().to_string())),
            PathKind::TrainerState => runs::apply(state, runs::RunsCommand::Import(path)),
            PathKind::Adapter { base } => chats::open_adapter(state, path, base),
            PathKind::Unknown(message) => {
                let way = Way::new("Open data", Command::Go(Room::Data));
                state.problems.report(message, vec![way]);
                Vec::new()
            }
        });
    }
    if !data.is_empty() {
        effects.extend(data::apply(state, super::DataCommand::Open(data)));
    }
    effects
}
