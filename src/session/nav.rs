//! Which room is open and what lies over it. Knows nothing of the rooms' contents.

use super::{Effect, Room, ShellCommand, State};
use crate::protocol::Control;
use crate::session::Slot;

/// Where the user is.
#[derive(Clone, Debug, Default)]
pub struct NavState {
    /// The open room.
    pub room: Room,
    /// Is the command palette open?
    pub palette: bool,
    /// What was typed into the palette.
    pub palette_text: String,
    /// Which entry of the palette is marked.
    pub palette_at: usize,
    /// Is the list of problems open?
    pub problems: bool,
    /// Is "Keep training in the background?" being asked?
    pub asking_to_close: bool,
}

/// Enters a room unless this version has it closed.
pub fn go(state: &mut State, room: Room) -> Vec<Effect> {
    if room.closed_because().is_some() {
        return Vec::new();
    }
    state.nav.room = room;
    state.nav.palette = false;
    state.settings.room = room;
    vec![Effect::Save]
}

/// Carries out a command of the frame.
pub fn apply(state: &mut State, command: ShellCommand) -> Vec<Effect> {
    let nav = &mut state.nav;
    match command {
        ShellCommand::TogglePalette => {
            nav.palette = !nav.palette;
            nav.palette_text.clear();
            nav.palette_at = 0;
        }
        ShellCommand::PaletteText(text) => (nav.palette_text, nav.palette_at) = (text, 0),
        ShellCommand::PaletteAt(at) => nav.palette_at = at,
        ShellCommand::ToggleProblems => {
            nav.problems = !nav.problems;
            state.problems.see_all();
        }
        ShellCommand::SeenProblem(id) => state.problems.see(id),
        ShellCommand::DismissProblem(id) => state.problems.dismiss(id),
        ShellCommand::ClearProblems => state.problems.clear(),
        ShellCommand::Theme(choice) => {
            state.settings.theme = choice;
            return vec![Effect::Save];
        }
        ShellCommand::PanelWidth(name, width) => {
            state.settings.panels.insert(name.into(), width);
            return vec![Effect::Save];
        }
        ShellCommand::TextScale(by) => {
            state.settings.scale_text(by);
            return vec![Effect::Save];
        }
        ShellCommand::Escape => (nav.palette, nav.problems, nav.asking_to_close) = (false, false, false),
        ShellCommand::CloseAsked if state.run.is_active() => nav.asking_to_close = true,
        ShellCommand::CloseAsked => return vec![Effect::Save, Effect::CloseWindow],
        ShellCommand::CloseAnswer { keep: true } => return vec![Effect::Save, Effect::CloseWindow],
        ShellCommand::CloseAnswer { keep: false } => {
            let stop = Effect::Control {
                slot: Slot::Train,
                control: Control::Stop,
            };
            return vec![stop, Effect::Save, Effect::CloseWindow];
        }
    }
    Vec::new()
}
