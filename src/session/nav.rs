//! Which room is open and what lies over it. Knows nothing of the rooms' contents.

use std::path::PathBuf;

use super::{Command, Dialog, Effect, PictureCommand, Room, ShellCommand, State, TrainCommand};
use crate::protocol::Control;
use crate::session::Slot;
use crate::session::preview::TemplateCommand;
use crate::session::{QueueChange, queue, runs};

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
    /// A path that is typed, because the system could not show this dialog.
    pub typed_path: Option<(Dialog, String)>,
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
    let mut effects = vec![Effect::Save];
    if room == Room::Runs {
        effects.extend(runs::entered(state));
    }
    effects
}

/// Opens the path that was typed, as the dialog would have.
fn open_typed(state: &mut State) -> Vec<Effect> {
    let Some((dialog, text)) = state.nav.typed_path.take() else {
        return Vec::new();
    };
    let path = PathBuf::from(text.trim());
    let command = match dialog {
        Dialog::TemplateFile => Command::Template(TemplateCommand::OpenFile(path)),
        Dialog::SaveTemplate => Command::Template(TemplateCommand::SaveAs(path)),
        Dialog::ReplayFiles => Command::Train(TrainCommand::AddReplay(vec![path])),
        Dialog::SavePicture(of) => Command::Picture(PictureCommand::SaveAs(of, path)),
        Dialog::TrainerState => Command::Runs(runs::RunsCommand::Import(path)),
        _ => Command::Open(vec![path]),
    };
    super::apply(state, command)
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
        ShellCommand::NoDialog(dialog) => nav.typed_path = Some((dialog, String::new())),
        ShellCommand::TypedPath(text) => nav.typed_path.iter_mut().for_each(|typed| typed.1.clone_from(&text)),
        ShellCommand::TypedPathDone => return open_typed(state),
        ShellCommand::Escape => {
            (nav.palette, nav.problems, nav.asking_to_close) = (false, false, false);
            nav.typed_path = None;
        }
        ShellCommand::CloseAsked if state.run.is_active() => nav.asking_to_close = true,
        ShellCommand::CloseAsked => return vec![Effect::Save, Effect::CloseWindow],
        ShellCommand::CloseAnswer { keep: true } => return vec![Effect::Save, Effect::CloseWindow],
        ShellCommand::CloseAnswer { keep: false } => {
            let stop = Effect::Control {
                slot: Slot::Train,
                control: Control::Stop,
            };
            // Who wants no training in the background does not want the next run either.
            let hold = queue::effect(state, QueueChange::Hold);
            return vec![hold, stop, Effect::Save, Effect::CloseWindow];
        }
    }
    Vec::new()
}
