//! What `apply` wants done outside, and what comes back from there. Data only; `effects` carries them out.

use std::path::PathBuf;

use super::chats::{ChatsEffect, ChatsOutcome};
use super::preview::{PreviewEffect, PreviewOutcome};
use super::runs::{RunsEffect, RunsOutcome};
use super::{HubEffect, HubOutcome, ModelCard, PictureOf, QueueEffect, QueueOutcome, ReadRows, SampleSet};
use crate::protocol::{Control, Event, Job};
use crate::recipe::Recipe;

/// Which worker process takes a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// Training; outlives the window.
    Train,
    /// Chat with base and tuned model; ends with the window.
    Chat,
    /// Audits of the data; ends with the window.
    Audit,
    /// Searches for a learning rate; ends when it has, so that its memory is free.
    Rate,
    /// Lists devices; ends when it has.
    Devices,
    /// Downloads models; ends with the window, and what came is kept.
    Hub,
}

/// A dialog of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// Pick a data file.
    DataFile,
    /// Pick a model folder.
    ModelFolder,
    /// Pick a `.gguf` file.
    ModelFile,
    /// Pick an adapter folder.
    AdapterFolder,
    /// Pick a .jinja file; answered by `TemplateCommand::OpenFile`.
    TemplateFile,
    /// Choose where to save a .jinja file; answered by `TemplateCommand::SaveAs`.
    SaveTemplate,
    /// Pick a trainer_state.json of another program.
    TrainerState,
    /// Pick files of general examples; answered by `TrainCommand::AddReplay`.
    ReplayFiles,
    /// Choose where to save a picture of charts; answered by `PictureCommand::SaveAs`.
    SavePicture(PictureOf),
}

/// Something to be done outside the state.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Carried out by `ui`: a system dialog on a thread, answered by `Command`s.
    Dialog(Dialog),
    /// Carried out by `ui`: put text on the clipboard.
    Copy(String),
    /// Carried out by `ui`: draw charts into a PNG file on a thread, answered by `PictureCommand::Saved`.
    SavePicture { of: PictureOf, path: PathBuf },
    /// Carried out by `ui`: end the window.
    CloseWindow,
    /// Find out what lies at paths, then `Outcome::Classified`.
    Classify(Vec<PathBuf>),
    /// Read the headers of a model folder or `.gguf` file, then `Outcome::Model`. `starter` is a path too.
    ReadModel(String),
    /// As `ReadModel`, but only lists the model (`Outcome::ModelListed`): nothing is selected, a failure is silent.
    ListModel(String),
    /// Read a data file, and more after it, and mark the held-out share, then `Outcome::Data` with the first one's path.
    ReadData {
        path: PathBuf,
        more: Vec<PathBuf>,
        percent: f64,
        seed: u64,
    },
    /// List the sample sets that come with the app, then `Outcome::Samples`.
    ListSamples,
    /// Write settings and project; `Outcome::Problem` only when that fails.
    Save,
    /// Give a job to a worker, starting one when there is none; its events come as `Outcome::Worker`.
    Job { slot: Slot, id: u64, job: Job },
    /// Make a run folder for `recipe`, then `Outcome::RunDir`, and give the training job to a worker.
    StartRun { id: u64, name: String, recipe: Box<Recipe> },
    /// Look for a run that still goes on (after the window was closed), then `Outcome::RunFound` or `Outcome::NoRun`.
    FindRun { id: u64 },
    /// Follow this run, which another process started, then `Outcome::RunFound`.
    FollowRun { id: u64, dir: PathBuf },
    /// Do something with the runs that wait, in the order of these effects, then `Outcome::Queue`.
    Queue(QueueEffect),
    /// Interrupt a worker.
    Control { slot: Slot, control: Control },
    /// The hub's own effects, carried out by `hub::perform` on a thread.
    Hub(HubEffect),
    /// The Template room's own effects, carried out by `preview::perform` on a thread.
    Preview(PreviewEffect),
    /// The Chat room's own effects, carried out by `chats::perform` on a thread.
    Chats(ChatsEffect),
    /// The Runs room's own effects, carried out by `runs::perform` on a thread.
    Runs(RunsEffect),
}

/// What lies at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// jsonl, json or txt.
    Data,
    /// A folder with config.json, or a `.gguf` file.
    Model,
    /// A folder with adapter_config.json; names the base that it says it belongs to.
    Adapter { base: Option<String> },
    /// A log of transformers' Trainer or TRL.
    TrainerState,
    /// Anything else: says why it cannot be opened.
    Unknown(String),
}

/// What came back.
pub enum Outcome {
    /// Answer to `Classify`.
    Classified(Vec<(PathBuf, PathKind)>),
    /// Answer to `ReadModel`: the card or a message.
    Model {
        path: String,
        result: Result<ModelCard, String>,
    },
    /// Answer to `ListModel`.
    ModelListed(ModelCard),
    /// Answer to `ReadData`: the rows or a message.
    Data {
        path: PathBuf,
        result: Result<ReadRows, String>,
    },
    /// The sample sets that come with the app.
    Samples(Vec<SampleSet>),
    /// The folder of a run was made.
    RunDir { id: u64, dir: PathBuf },
    /// A run that this window did not start: its events follow from the first on as `Worker` events of job `id`.
    RunFound { id: u64, dir: PathBuf, recipe: Box<Recipe> },
    /// Answer to `FindRun`: none goes on.
    NoRun,
    /// The runs that wait, as they are now.
    Queue(QueueOutcome),
    /// An event of a worker's job.
    Worker { slot: Slot, id: u64, event: Event },
    /// A worker ended by itself; the message says how, in plain words.
    WorkerGone { slot: Slot, message: String },
    /// An effect failed; the message is ready to be shown.
    Problem(String),
    /// For the hub's part of the Model room.
    Hub(HubOutcome),
    /// For the Template room.
    Preview(PreviewOutcome),
    /// For the Chat room.
    Chats(ChatsOutcome),
    /// For the Runs room.
    Runs(RunsOutcome),
}
