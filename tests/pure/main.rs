//! Tests of the burn-free rooms and of the source itself: no tensors, no device, no window.

mod batch;
mod hygiene;
mod layering;
mod licences;
mod shaders;
mod source;
mod tokens;
mod tokens_fixture;
mod world;
mod world_judge;
