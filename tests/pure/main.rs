//! Tests of the burn-free rooms and of the source itself: no tensors, no device, no window.

mod allocations;
mod batch;
mod bundle;
mod chats;
mod config;
mod data;
mod data_files;
mod data_kit;
#[path = "../fetched/mod.rs"]
mod fetched;
mod formats;
mod gguf_bad;
mod gguf_kit;
mod gguf_models;
mod gguf_vocab;
mod headers_mutated;
mod hub;
mod hub_names;
#[path = "../hub_server/mod.rs"]
mod hub_server;
mod hygiene;
mod layering;
mod licences;
mod preview;
mod protocol;
mod recipe;
mod session;
mod shaders;
mod source;
mod split;
mod starter;
mod template_engine;
mod template_golden;
mod template_spans;
mod theme;
mod tokens;
mod tokens_fixture;
mod tokens_golden;
mod tokens_prepare;
mod tokens_stream;
mod weights_bad;
mod world;
mod world_judge;
