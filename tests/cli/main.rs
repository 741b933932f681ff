//! The program as a script sees it: verbs, exit codes, bad input, and training runs that are killed and go on.

mod bad_input;
mod bench;
mod chat;
mod ends;
mod kit;
mod runs;
mod starter;
mod verbs;
