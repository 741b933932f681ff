//! The window: draws `session::State` and sends `Command`s. Knows no files, tensors or worker processes.
pub mod chat_room;
mod ctx;
pub mod fonts;
pub mod icons;
pub mod kit;
pub mod style;
pub mod template_room;
mod theme;

pub use ctx::Ctx;
pub use theme::{Hex, Roles, Scheme, Series, Status, Theme};
