//! Pictures of charts that the user keeps: which, and where. Knows no drawing.

use std::path::PathBuf;

use super::{Dialog, Effect, State};

/// Which charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureOf {
    /// All of the run that goes on or was the last.
    Run,
    /// The losses of the selected runs.
    Runs,
    /// The losses over learning rates.
    Rates,
}

impl PictureOf {
    /// What a picture is called at first.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Run => "run.png",
            Self::Runs => "runs.png",
            Self::Rates => "learning-rates.png",
        }
    }
}

/// What can be done with pictures.
#[derive(Clone, Debug)]
pub enum PictureCommand {
    /// Ask where to save one.
    Ask(PictureOf),
    /// Save one there.
    SaveAs(PictureOf, PathBuf),
    /// One was saved, or could not be; the message is ready to be shown.
    Saved(Result<PathBuf, String>),
}

/// Carries out a command.
pub fn apply(state: &mut State, command: PictureCommand) -> Vec<Effect> {
    match command {
        PictureCommand::Ask(of) => return vec![Effect::Dialog(Dialog::SavePicture(of))],
        PictureCommand::SaveAs(of, mut path) => {
            if path
                .extension()
                .is_none_or(|ending| !ending.eq_ignore_ascii_case("png"))
            {
                path.as_mut_os_string().push(".png");
            }
            return vec![Effect::SavePicture { of, path }];
        }
        PictureCommand::Saved(Ok(path)) => state
            .problems
            .toast(format!("Saved the picture as {}.", path.display())),
        PictureCommand::Saved(Err(message)) => state.problems.report(message, Vec::new()),
    }
    Vec::new()
}
