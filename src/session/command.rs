//! What a user can want, as one closed enum: buttons, menus, shortcuts and the palette all send these.

use std::path::PathBuf;

use super::audit::AuditCommand;
use super::chats::ChatCommand;
use super::lesson::LessonCommand;
use super::preview::TemplateCommand;
use super::rate::RateCommand;
use super::runs::RunsCommand;
use super::{
    DataCommand, Dialog, HubCommand, LiveCommand, ModelCommand, PictureCommand, QueueCommand, ThemeChoice, TrainCommand,
};

/// A place in the window, in the order of the rail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Room {
    #[default]
    Model,
    Data,
    Template,
    Train,
    Chat,
    Compare,
    Runs,
    Export,
}

impl Room {
    /// All rooms in the order of the rail.
    pub const ALL: [Room; 8] = [
        Room::Model,
        Room::Data,
        Room::Template,
        Room::Train,
        Room::Chat,
        Room::Compare,
        Room::Runs,
        Room::Export,
    ];

    /// The word on the rail.
    pub fn name(self) -> &'static str {
        match self {
            Room::Model => "Model",
            Room::Data => "Data",
            Room::Template => "Template",
            Room::Train => "Train",
            Room::Chat => "Chat",
            Room::Compare => "Compare",
            Room::Runs => "Runs",
            Room::Export => "Export",
        }
    }

    /// Why the room cannot be entered in this version; `None` when it can.
    pub fn closed_because(self) -> Option<&'static str> {
        match self {
            Room::Compare => Some("Comparing two models over a whole suite comes in a later version."),
            Room::Export => Some("Exporting comes in a later version. The adapter is in the run's final folder."),
            _ => None,
        }
    }
}

/// Everything that a user can ask for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Enter a room.
    Go(Room),
    /// The frame around the rooms.
    Shell(ShellCommand),
    /// Open whatever lies at these paths: data files, a model folder or `.gguf` file, an adapter folder.
    Open(Vec<PathBuf>),
    /// The whole journey with the starter and a sample in one click.
    TryIt,
    Model(ModelCommand),
    Hub(HubCommand),
    Data(DataCommand),
    Template(TemplateCommand),
    /// What a loaded model makes of the row in the Template room.
    Lesson(LessonCommand),
    /// The audit of the whole data set.
    Audit(AuditCommand),
    Train(TrainCommand),
    /// The search for a learning rate.
    Rate(RateCommand),
    /// How the curves of the run are looked at.
    Live(LiveCommand),
    /// Pictures of charts.
    Picture(PictureCommand),
    /// The history of runs.
    Runs(RunsCommand),
    /// The runs that wait.
    Queue(QueueCommand),
    Chat(ChatCommand),
}

/// What concerns the window itself.
#[derive(Clone, Debug)]
pub enum ShellCommand {
    /// Show or hide the command palette.
    TogglePalette,
    /// The palette's search text.
    PaletteText(String),
    /// Mark this entry of the palette.
    PaletteAt(usize),
    /// A problem was noticed; it stays in the list.
    SeenProblem(u64),
    /// Show or hide the list of problems.
    ToggleProblems,
    /// Take one problem off the list.
    DismissProblem(u64),
    /// Empty the list of problems.
    ClearProblems,
    /// Use this theme.
    Theme(ThemeChoice),
    /// A side panel was made so wide, in points.
    PanelWidth(&'static str, f32),
    /// Larger or smaller text: -1, 0 (back to normal), +1.
    TextScale(i8),
    /// The system could not show this dialog: ask for the path.
    NoDialog(Dialog),
    /// What stands in the field for that path.
    TypedPath(String),
    /// Open the path that was typed.
    TypedPathDone,
    /// Close what lies on top (palette, list, question).
    Escape,
    /// The window's close button.
    CloseAsked,
    /// The answer to "Keep training in the background?": `true` keeps it.
    CloseAnswer { keep: bool },
}
