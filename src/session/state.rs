//! The whole state of the window, one part per subject. Knows what each part is called, not how it changes.

use super::chats::ChatsState;
use super::preview::PreviewState;
use super::{DataState, ModelState, NavState, Problems, RecipeState, RunState, Settings};
use crate::protocol::DeviceInfo;

/// Everything that the window shows.
#[derive(Default)]
pub struct State {
    /// Which room, and what lies over it.
    pub nav: NavState,
    /// Kept between starts.
    pub settings: Settings,
    /// The name of the open project.
    pub project_name: String,
    /// Base models that are known, and the selected one.
    pub model: ModelState,
    /// The open file of examples.
    pub data: DataState,
    /// Template, mode, rendered row and its tokens.
    pub preview: PreviewState,
    /// The recipe of the next run.
    pub recipe: RecipeState,
    /// The run that goes on or was the last.
    pub run: RunState,
    /// Named conversations with base and tuned model.
    pub chats: ChatsState,
    /// Devices that a worker reported; empty until then.
    pub devices: Vec<DeviceInfo>,
    /// What went wrong, and what just succeeded.
    pub problems: Problems,
    /// The last job id that was given out.
    pub last_job: u64,
}

impl State {
    /// A fresh id for a job.
    pub fn next_job(&mut self) -> u64 {
        self.last_job += 1;
        self.last_job
    }

    /// The device that jobs are sent to: the chosen one or `auto`.
    pub fn device(&self) -> String {
        self.settings.device.clone().unwrap_or_else(|| "auto".into())
    }
}
