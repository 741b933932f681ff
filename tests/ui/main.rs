//! The window driven by its accessibility labels: rooms, palette, drops, a run from recorded events, snapshots.

mod frame;
mod kit;
mod rooms;
mod run;
