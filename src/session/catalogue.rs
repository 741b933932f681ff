//! Every command with its title and shortcut: the palette, menus and key handling read this one list.
//! Knows keys by name, not egui.

use super::audit::AuditCommand;
use super::chats::ChatCommand;
use super::rate::RateCommand;
use super::runs::RunsCommand;
use super::{
    Command, DataCommand, ModelCommand, QueueCommand, Room, RunPhase, ShellCommand, State, ThemeChoice, TrainCommand,
};

/// A key of a shortcut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A letter, digit or sign.
    Char(char),
    Enter,
    Escape,
}

/// Ctrl (or Cmd) and a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortcut {
    pub ctrl: bool,
    pub shift: bool,
    pub key: Key,
}

impl Shortcut {
    const fn ctrl(key: char) -> Option<Self> {
        Some(Self {
            ctrl: true,
            shift: false,
            key: Key::Char(key),
        })
    }

    /// As people write it: `Ctrl+K`.
    pub fn text(self) -> String {
        let mut text = String::new();
        if self.ctrl {
            text += if cfg!(target_os = "macos") { "Cmd+" } else { "Ctrl+" };
        }
        if self.shift {
            text += "Shift+";
        }
        match self.key {
            Key::Char(c) => text.extend(c.to_uppercase()),
            Key::Enter => text += "Enter",
            Key::Escape => text += "Esc",
        }
        text
    }
}

/// A command as the palette lists it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it does: a verb and its object; `...` when more input is asked for.
    pub title: String,
    pub shortcut: Option<Shortcut>,
    pub command: Command,
}

fn entry(title: impl Into<String>, shortcut: Option<Shortcut>, command: Command) -> Entry {
    Entry {
        title: title.into(),
        shortcut,
        command,
    }
}

/// All commands that make sense now, in the order of the palette.
pub fn catalogue(state: &State) -> Vec<Entry> {
    let mut list = next_step(state);
    list.extend(rooms());
    list.extend(opening());
    list.extend(running(state));
    list.extend(window());
    list
}

/// What Ctrl+Enter does in the open room.
fn next_step(state: &State) -> Vec<Entry> {
    let key = Some(Shortcut {
        ctrl: true,
        shift: false,
        key: Key::Enter,
    });
    match state.nav.room {
        Room::Train if !state.run.is_active() => vec![
            entry("Train", key, Command::Train(TrainCommand::Start)),
            entry("Find a learning rate", None, Command::Rate(RateCommand::Start)),
        ],
        Room::Runs => vec![entry(
            "Select all runs that are shown",
            None,
            Command::Runs(RunsCommand::PickAll),
        )],
        Room::Chat => vec![entry("Send message", key, Command::Chat(ChatCommand::Send))],
        _ => Vec::new(),
    }
}

fn rooms() -> Vec<Entry> {
    let open = Room::ALL
        .into_iter()
        .enumerate()
        .filter(|(_, room)| room.closed_because().is_none());
    open.map(|(i, room)| {
        let digit = char::from_digit(i as u32 + 1, 10).and_then(Shortcut::ctrl);
        entry(format!("Go to {}", room.name()), digit, Command::Go(room))
    })
    .collect()
}

fn opening() -> Vec<Entry> {
    vec![
        entry(
            "Open data file...",
            Shortcut::ctrl('o'),
            Command::Data(DataCommand::OpenDialog),
        ),
        entry("Open model folder...", None, Command::Model(ModelCommand::OpenDialog)),
        entry("Open GGUF model...", None, Command::Model(ModelCommand::OpenFileDialog)),
        entry(
            "Use the starter model",
            None,
            Command::Model(ModelCommand::Open("starter".into())),
        ),
        entry(
            "Look for devices again",
            None,
            Command::Model(ModelCommand::FindDevices),
        ),
        entry("Close the data file", None, Command::Data(DataCommand::Close)),
        entry("Audit all rows", None, Command::Audit(AuditCommand::Run)),
        entry(
            "Next row with a problem",
            None,
            Command::Audit(AuditCommand::NextProblem),
        ),
        entry("Next row", None, Command::Data(DataCommand::Step(1))),
        entry("Previous row", None, Command::Data(DataCommand::Step(-1))),
        entry(
            "Import trainer_state.json...",
            None,
            Command::Runs(RunsCommand::ImportDialog),
        ),
        entry("Add the recipe to the queue", None, Command::Queue(QueueCommand::Add)),
        entry("Try it with the starter and a sample", None, Command::TryIt),
    ]
}

fn running(state: &State) -> Vec<Entry> {
    let train = |title: &str, command| entry(title, None, Command::Train(command));
    match &state.run.phase {
        RunPhase::Training | RunPhase::Preparing => {
            vec![
                train("Pause training", TrainCommand::Pause),
                train("Pause training and free its memory", TrainCommand::Suspend),
                train("Save a checkpoint now", TrainCommand::SaveNow),
                train("Stop training and keep the result", TrainCommand::Stop),
            ]
        }
        RunPhase::Paused => {
            vec![
                train("Resume training", TrainCommand::Resume),
                train("Free the memory of the paused run", TrainCommand::Suspend),
                train("Stop training and keep the result", TrainCommand::Stop),
            ]
        }
        RunPhase::Finished => vec![
            train("Chat with the trained model", TrainCommand::ChatWithResult),
            train("Set up another run", TrainCommand::NewRun),
            train("Copy the run's numbers as CSV", TrainCommand::CopyCsv),
        ],
        RunPhase::Suspended => vec![train("Resume training", TrainCommand::ResumeFrom)],
        RunPhase::Broken(_) => vec![train("Resume from the last checkpoint", TrainCommand::ResumeFrom)],
        RunPhase::None | RunPhase::Stopping => vec![train("Reset the recipe to its defaults", TrainCommand::Defaults)],
    }
}

fn window() -> Vec<Entry> {
    let shell = |title: &str, shortcut, command| entry(title, shortcut, Command::Shell(command));
    vec![
        shell("Show all commands", Shortcut::ctrl('k'), ShellCommand::TogglePalette),
        shell("Show problems", None, ShellCommand::ToggleProblems),
        shell("Use the light theme", None, ShellCommand::Theme(ThemeChoice::Light)),
        shell("Use the dark theme", None, ShellCommand::Theme(ThemeChoice::Dark)),
        shell("Use the system's theme", None, ShellCommand::Theme(ThemeChoice::System)),
        shell("Larger text", Shortcut::ctrl('+'), ShellCommand::TextScale(1)),
        shell("Smaller text", Shortcut::ctrl('-'), ShellCommand::TextScale(-1)),
        shell("Normal text size", Shortcut::ctrl('0'), ShellCommand::TextScale(0)),
        shell("Close the window", Shortcut::ctrl('q'), ShellCommand::CloseAsked),
    ]
}

/// The shortcut of the entry with this title, for tooltips.
pub fn shortcut_of(state: &State, title: &str) -> Option<String> {
    catalogue(state)
        .into_iter()
        .find(|e| e.title == title)?
        .shortcut
        .map(Shortcut::text)
}
