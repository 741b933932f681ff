//! Burnish: turns a base language model into an assistant. The rooms of the house; see ARCHITECTURE.md for who may know whom.

pub mod adapter;
pub mod audit;
pub mod batch;
pub mod cli;
pub mod data;
pub mod engine;
pub mod formats;
pub mod hub;
pub mod infer;
pub mod kernels;
pub mod model;
pub mod objective;
pub mod protocol;
pub mod recipe;
pub mod session;
pub mod template;
pub mod tokens;
pub mod train;
pub mod ui;
pub mod worker;
pub mod world;
