//! How the curves of a run are looked at: linear or logarithmic, which curves, what part, which step. Knows no drawing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Command, DataCommand, Effect, Room, State, apply as apply_any};

/// A picture with axes of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chart {
    Loss,
    /// Losses over learning rates that were tried.
    Tried,
    Rate,
    Norm,
    Speed,
    Share,
    Memory,
    Entropy,
}

/// The part of the curves that was drawn a box around.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zoom {
    /// From and to, along the axis that all charts share.
    pub along: (f64, f64),
    /// From and to, in the chart of the box only.
    pub upright: (Chart, f64, f64),
}

/// How curves are looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Is the loss drawn on a logarithmic axis?
    pub logarithmic: bool,
    /// Names of curves that are switched off.
    pub hidden: BTreeSet<String>,
    /// `None` shows everything.
    pub zoom: Option<Zoom>,
}

impl Look {
    /// Is this curve drawn?
    pub fn shows(&self, name: &str) -> bool {
        !self.hidden.contains(name)
    }

    /// Switches a curve on or off.
    pub fn toggle(&mut self, name: String) {
        if !self.hidden.remove(&name) {
            self.hidden.insert(name);
        }
    }
}

/// What the Train room shows of the run.
#[derive(Clone, Debug, Default)]
pub struct LiveState {
    pub look: Look,
    /// The step whose figures and rows are shown.
    pub step: Option<usize>,
    /// A row to be shown once its file is read: file, row of the file, room.
    wanted: Option<(PathBuf, usize, Room)>,
}

/// What can be done with the curves.
#[derive(Clone, Debug)]
pub enum LiveCommand {
    /// Draw the loss on a logarithmic axis or a linear one.
    Logarithmic(bool),
    /// Switch a curve on or off.
    Toggle(String),
    /// Show this part; `None` shows everything.
    Zoom(Option<Zoom>),
    /// Show the figures and rows of a step; `None` closes them.
    Step(Option<usize>),
    /// Show a row that the run learned from, in the Data or the Template room.
    OpenRow {
        /// Number of the file in the run's recipe.
        file: usize,
        /// Row of the file, from 0.
        row: usize,
        room: Room,
    },
}

/// Carries out a command.
pub fn apply(state: &mut State, command: LiveCommand) -> Vec<Effect> {
    let live = &mut state.live;
    match command {
        LiveCommand::Logarithmic(on) => {
            live.look.logarithmic = on;
            // The box was drawn on the other axis.
            live.look.zoom = None;
        }
        LiveCommand::Toggle(name) => live.look.toggle(name),
        LiveCommand::Zoom(zoom) => live.look.zoom = zoom,
        LiveCommand::Step(step) => live.step = step,
        LiveCommand::OpenRow { file, row, room } => return open_row(state, (file, row), room),
    }
    Vec::new()
}

fn open_row(state: &mut State, (file, row): (usize, usize), room: Room) -> Vec<Effect> {
    let recipe = state.run.recipe.as_ref();
    let Some(path) = recipe.and_then(|r| r.data.files.get(file)).cloned() else {
        state
            .problems
            .report("The run's recipe does not say which file this row is from.", Vec::new());
        return Vec::new();
    };
    let is_open = state
        .data
        .set
        .as_ref()
        .is_some_and(|set| set.files().any(|file| *file == path));
    state.live.wanted = Some((path.clone(), row, room));
    if is_open {
        return file_read(state);
    }
    apply_any(state, Command::Data(DataCommand::Open(vec![path])))
}

/// A file was read: shows the row that was asked for, where it is one of this file.
pub(super) fn file_read(state: &mut State) -> Vec<Effect> {
    let Some(set) = state.data.set.clone() else {
        return Vec::new();
    };
    let reading = state.data.reading.is_some();
    // A file that could not be read is not waited for.
    let wanted = state
        .live
        .wanted
        .take_if(|(path, ..)| !reading || set.files().any(|file| file == path));
    let Some((path, row, room)) = wanted else {
        return Vec::new();
    };
    let Some(number) = set.files().position(|file| *file == path) else {
        return Vec::new();
    };
    let Some(index) = set.index_of(number, row) else {
        let file = path.display();
        let message = format!(
            "Row {} of {file} is not there any more: the file was changed since the run.",
            row + 1
        );
        state.problems.report(message, Vec::new());
        return Vec::new();
    };
    let mut effects = apply_any(state, Command::Data(DataCommand::Search(String::new())));
    effects.extend(apply_any(state, Command::Data(DataCommand::Select(index))));
    effects.extend(apply_any(state, Command::Go(room)));
    effects
}
