//! The window: draws `session::State` and sends `Command`s. Knows no files, tensors or worker processes.
mod app;
pub mod charts;
pub mod chat_room;
mod ctx;
pub mod data_room;
pub mod fonts;
mod frame;
pub mod icons;
pub mod kit;
pub mod markdown;
pub mod model_room;
pub mod portrait;
pub mod runs_room;
mod shell;
pub mod style;
pub mod template_room;
mod theme;
mod tour;
pub mod train_room;

pub use app::{UiError, run};
pub use ctx::Ctx;
pub use shell::Shell;
pub use theme::{Hex, Roles, Scheme, Series, Status, Theme};
