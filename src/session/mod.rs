//! What the window knows and what can be done: `State`, `Command`, `apply`. Knows neither egui nor tensors.
//!
//! `apply` (what the user wants) and `absorb` (what came back) change the state and return `Effect`s; they do no I/O.
//! `Effects` carries effects out on threads and in worker processes and hands back `Outcome`s.
mod apply;
pub mod chats;
mod command;
mod data;
mod effect;
mod model;
mod nav;
pub mod preview;
mod problems;
mod recipe_form;
mod run;
mod settings;
mod state;

pub use apply::{absorb, apply};
pub use command::{Command, Room, ShellCommand};
pub use data::{DataCommand, DataState};
pub use effect::{Dialog, Effect, Outcome, PathKind, Slot};
pub use model::{ModelCard, ModelCommand, ModelState};
pub use nav::NavState;
pub use problems::{Problem, Problems, Toast};
pub use recipe_form::RecipeState;
pub use run::{RunPhase, RunState, TrainCommand};
pub use settings::{Settings, ThemeChoice};
pub use state::State;
