//! The run that goes on or was the last, built from its events alone. Knows no files.

use super::{Effect, State};
use crate::protocol::Event;

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RunPhase {
    /// There is none.
    #[default]
    None,
    /// The worker starts, loads and tokenises.
    Preparing,
    /// Steps are made.
    Training,
    /// Held before the next step.
    Paused,
    /// Over; the result is at `RunState::result`.
    Finished,
    /// The worker failed or was ended from outside.
    Broken(String),
}

/// A run as its events tell it.
#[derive(Clone, Debug, Default)]
pub struct RunState {
    pub phase: RunPhase,
    /// Name of the run.
    pub name: String,
    /// The adapter or model that came out.
    pub result: Option<std::path::PathBuf>,
}

impl RunState {
    /// Does a worker work on it?
    pub fn is_active(&self) -> bool {
        matches!(self.phase, RunPhase::Preparing | RunPhase::Training | RunPhase::Paused)
    }
}

/// What can be done in the Train room.
#[derive(Clone, Debug)]
pub enum TrainCommand {
    /// Start a run by the recipe.
    Start,
    Pause,
    Resume,
    /// Stop after this step and keep the result.
    Stop,
}

/// Carries out a command.
pub fn apply(_state: &mut State, _command: TrainCommand) -> Vec<Effect> {
    Vec::new()
}

/// Takes in an event of the training worker.
pub fn on_event(_state: &mut State, _id: u64, _event: Event) -> Vec<Effect> {
    Vec::new()
}

/// The training worker ended by itself.
pub fn on_gone(state: &mut State, message: String) -> Vec<Effect> {
    state.run.phase = RunPhase::Broken(message);
    Vec::new()
}
