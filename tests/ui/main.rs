//! The window driven by its accessibility labels: rooms, palette, drops, a run from recorded events, snapshots.

mod chat_room;
mod frame;
mod hub;
#[path = "../hub_server/mod.rs"]
mod hub_server;
mod journey;
mod kit;
mod live;
mod markdown;
mod rooms;
mod run;
mod smoke;
mod stage;
mod template_room;
mod template_tools;
