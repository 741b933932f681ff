//! The window: draws `session::State` and sends `Command`s. Knows no files, tensors or worker processes.
pub mod chat_room;
mod ctx;
pub mod template_room;
mod theme;

pub use ctx::Ctx;
pub use theme::{Scheme, Theme};
