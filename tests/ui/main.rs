//! The window driven by its accessibility labels: rooms, palette, drops, a run from recorded events, snapshots.

mod chat_room;
mod frame;
#[path = "../pure/history_kit.rs"]
mod history_kit;
mod hub;
#[path = "../hub_server/mod.rs"]
mod hub_server;
mod journey;
mod kit;
mod live;
mod markdown;
mod portrait;
mod rate;
mod rooms;
mod run;
mod runs_room;
mod smoke;
mod stage;
mod template_room;
mod template_tools;
mod train_form;
