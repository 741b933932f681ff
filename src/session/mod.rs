//! What the window knows and what can be done: `State`, `Command`, `apply`. Knows neither egui nor tensors.
//!
//! `apply` (what the user wants) and `absorb` (what came back) change the state and return `Effect`s; they do no I/O.
//! `Effects` carries effects out on threads and in worker processes and hands back `Outcome`s.
mod apply;
pub mod audit;
mod bins;
mod catalogue;
pub mod chats;
mod command;
mod data;
mod effect;
pub mod effects;
mod hub;
mod lengths;
pub mod lesson;
mod live;
mod memory_in_use;
mod methods;
mod model;
mod nav;
mod pictures;
mod plan;
pub mod preview;
mod problems;
mod project;
mod queue;
pub mod rate;
mod recipe_form;
mod run;
pub mod runs;
mod settings;
mod start;
mod state;
pub mod words;

pub use apply::{absorb, apply};
pub use bins::Bins;
pub use catalogue::{Entry, Key, Shortcut, catalogue, shortcut_of};
pub use command::{Command, Room, ShellCommand};
pub use data::{Counts, DataCommand, DataState, ReadRows, RowShape, SampleSet};
pub use effect::{Dialog, Effect, Outcome, PathKind, Slot};
pub use hub::fit::{DeviceFit, Fits, Needs, Use};
pub use hub::{
    Download, FileQuestion, HubCommand, HubEffect, HubOutcome, HubState, Keep, Question, TokenQuestion, machine_memory,
};
pub use lengths::{RowLengths, can_count};
pub use live::{Chart, LiveCommand, LiveState, Look, Zoom};
pub use memory_in_use::MemoryInUse;
pub use methods::{Method, MethodCard};
pub use model::{ModelCard, ModelCommand, ModelState};
pub use nav::NavState;
pub use pictures::{PictureCommand, PictureOf};
pub use plan::Plan;
pub use problems::{Problem, Problems, Toast, Way};
pub use project::Project;
pub use queue::{
    Axis, Combination, QueueChange, QueueCommand, QueueEffect, QueueOutcome, QueueState, SweepForm, combinations,
    perform as change_queue,
};
pub use recipe_form::RecipeState;
pub use run::{
    Along, Curves, EvalPoint, LogLine, Measure, Pyramid, RunPhase, RunResult, RunStart, RunState, Sample, SkippedStep,
    Spike, Spikes, StepPoint, TrainCommand, missing,
};
pub use settings::{Settings, ThemeChoice};
pub use start::start;
pub use state::{ProjectPlace, State};
