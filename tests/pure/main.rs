//! Tests of the burn-free rooms.
mod tokens;
mod tokens_fixture;
