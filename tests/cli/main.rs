//! The program as a script sees it: verbs, exit codes, bad input, and training runs that are killed and go on.

mod audit;
mod bad_input;
mod bench;
mod chat;
mod crash;
mod desktop;
mod ends;
#[path = "../fetched/mod.rs"]
mod fetched;
mod find_rate;
mod gguf;
#[path = "../pure/gguf_kit.rs"]
mod gguf_kit;
mod history;
#[path = "../pure/history_kit.rs"]
mod history_kit;
mod hub;
#[path = "../hub_server/mod.rs"]
mod hub_server;
mod kit;
mod lost_device;
mod memory;
mod methods;
mod passes;
mod queue;
mod runs;
mod starter;
mod verbs;
