//! The template, the supervision mode, and the selected row rendered and tokenised. Knows no drawing.

use super::{Effect, State};

/// What the Template room shows.
#[derive(Clone, Debug, Default)]
pub struct PreviewState {}

/// What can be done in the Template room.
#[derive(Clone, Debug)]
pub enum TemplateCommand {
    /// Use a built-in template by name (`chatml` ...).
    UseBuiltin(String),
}

/// Work of this part outside the state.
#[derive(Clone, Debug)]
pub enum PreviewEffect {}

/// What came back.
pub enum PreviewOutcome {}

/// Carries out a command.
pub fn apply(_state: &mut State, command: TemplateCommand) -> Vec<Effect> {
    match command {
        TemplateCommand::UseBuiltin(_name) => Vec::new(),
    }
}

/// Takes in what came back.
pub fn absorb(_state: &mut State, outcome: PreviewOutcome) -> Vec<Effect> {
    match outcome {}
}

/// Carries an effect out; called on a thread.
pub fn perform(effect: PreviewEffect, _home: &std::path::Path) -> PreviewOutcome {
    match effect {}
}

/// Another model was selected (`state.model.selected`).
pub fn model_changed(_state: &mut State) -> Vec<Effect> {
    Vec::new()
}

/// Another row was selected or the rows were read anew (`state.data`).
pub fn row_changed(_state: &mut State) -> Vec<Effect> {
    Vec::new()
}
