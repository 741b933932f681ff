//! The whole state of the window, one part per subject. Knows what each part is called, not how it changes.

use std::path::{Path, PathBuf};

use super::audit::AuditState;
use super::chats::ChatsState;
use super::lesson::LessonState;
use super::preview::PreviewState;
use super::rate::RateState;
use super::runs::RunsState;
use super::{
    DataState, HubState, LiveState, ModelState, NavState, Plan, Problems, Question, QueueState, RecipeState, Room,
    RunPhase, RunState, Settings,
};
use crate::protocol::DeviceInfo;

/// Which project is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectPlace {
    /// The name in the breadcrumb.
    pub name: String,
    /// The folder; absolute, empty only before the start is over.
    pub dir: PathBuf,
}

/// Everything that the window shows.
#[derive(Default)]
pub struct State {
    /// Which room, and what lies over it.
    pub nav: NavState,
    /// Kept between starts.
    pub settings: Settings,
    /// The open project's name and folder.
    pub project: ProjectPlace,
    /// Base models that are known, and the selected one.
    pub model: ModelState,
    /// The hub: the short list and downloads.
    pub hub: HubState,
    /// The open file of examples.
    pub data: DataState,
    /// Template, mode, rendered row and its tokens.
    pub preview: PreviewState,
    /// What a model makes of the row in the Template room.
    pub lesson: LessonState,
    /// What is wrong with the supervision of the whole set.
    pub audit: AuditState,
    /// The recipe of the next run.
    pub recipe: RecipeState,
    /// The search for its learning rate.
    pub rate: RateState,
    /// The forecast of a run of the recipe; worked out anew after every change.
    pub plan: Option<Plan>,
    /// The run that goes on or was the last.
    pub run: RunState,
    /// All runs of the project.
    pub runs: RunsState,
    /// How the run's curves are looked at.
    pub live: LiveState,
    /// The runs that wait.
    pub queue: QueueState,
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

    /// The folder of the open project.
    pub fn project_dir(&self) -> &Path {
        &self.project.dir
    }

    /// What is wrong in a room, for its red dot; `None` when nothing is.
    pub fn problem_of(&self, room: Room) -> Option<String> {
        match room {
            Room::Model => self.hub.question.as_ref().map(|question| match question {
                Question::Token(question) => format!("{} needs a token", question.model),
                Question::File(question) => format!("{} holds several files: choose one", question.model),
            }),
            Room::Data => {
                let skipped = self.data.set.as_ref()?.problems.iter().filter(|p| p.skipped).count();
                (skipped > 0).then(|| format!("{} could not be read", super::words::count(skipped, "row")))
            }
            Room::Train => match &self.run.phase {
                RunPhase::Broken(message) => Some(message.clone()),
                _ => None,
            },
            Room::Template => {
                let trouble = self.preview.trouble.as_ref()?;
                Some(format!(
                    "The template cannot render row {}: {}",
                    self.data.selected + 1,
                    trouble.message
                ))
            }
            _ => None,
        }
    }

    /// What is known of the device that jobs are sent to; `None` until a worker has looked.
    pub fn chosen_device(&self) -> Option<&DeviceInfo> {
        let chosen = self.settings.device.as_deref();
        let is_it = |device: &&DeviceInfo| chosen.map_or(device.default, |name| device.name == name);
        self.devices.iter().find(is_it)
    }

    /// The device that jobs are sent to: the chosen one or `auto`.
    pub fn device(&self) -> String {
        self.settings.device.clone().unwrap_or_else(|| "auto".into())
    }
}
