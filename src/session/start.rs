//! The first state of a window: settings and project of the last time, and what is to be read for them.

use super::effects::Restored;
use super::problems::Way;
use super::{Command, Effect, Room, State, chats, hub, runs};

/// Puts what was kept into a fresh state; the effects read what it names.
pub fn start(restored: Restored) -> (State, Vec<Effect>) {
    let mut state = State {
        settings: restored.settings,
        ..State::default()
    };
    state.project.dir = restored.dir;
    state.nav.room = state.settings.room;
    for message in restored.problems {
        state
            .problems
            .report(message, vec![Way::new("Go on", Command::Go(Room::Model))]);
    }
    let mut effects = vec![Effect::ListSamples];
    effects.extend(restored.project.open(&mut state));
    effects.extend(chats::start(&mut state));
    effects.extend(hub::start(&mut state));
    if state.nav.room == Room::Runs {
        effects.extend(runs::entered(&mut state));
    }
    let id = state.next_job();
    effects.push(Effect::FindRun { id });
    (state, effects)
}
