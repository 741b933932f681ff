//! The verbs of the terminal. Each runs the same jobs in the same worker processes as the window. With `--json` every result is one
//! JSON object on a line of stdout; text for people and progress go to stderr. Knows no tensors.

mod args;
mod audit;
mod bench;
mod chat;
mod console;
mod control;
mod devices;
mod failure;
mod fetch;
mod find_rate;
mod generate;
mod inspect;
mod interrupt;
mod jobs;
mod models;
mod runs;
mod score;
pub mod starter;
mod sweep;
mod train;
mod window;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Verb};
use console::Console;
use failure::Failure;
pub use window::OpenWindow;

/// Runs the program by its arguments: 0 done, 1 failed, 2 wrong usage or no display.
pub fn main(window: OpenWindow<'_>) -> ExitCode {
    // Clap prints help and wrong usage itself and ends with 0 or 2.
    let arguments = Arguments::parse();
    let console = Console::new(arguments.json);
    let result = match arguments.verb {
        None => window::open(window, arguments.project),
        Some(verb) => run(verb, &console),
    };
    console.clear();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console.say(failure.message());
            ExitCode::from(failure.code())
        }
    }
}

fn run(verb: Verb, console: &Console) -> Result<(), Failure> {
    match verb {
        Verb::Devices(args) => devices::run(&args, console),
        Verb::Models => models::run(console),
        Verb::Fetch(args) => fetch::run(&args, console),
        Verb::Inspect(args) => inspect::run(&args, console),
        Verb::Audit(args) => audit::run(&args, console),
        Verb::Train(args) => train::run(&args, console),
        Verb::FindRate(args) => find_rate::run(&args, console),
        Verb::Runs(args) => runs::run(&args, console),
        Verb::Control(args) => control::run(&args, console),
        Verb::Generate(args) => generate::run(&args, console),
        Verb::Score(args) => score::run(&args, console),
        Verb::Chat(args) => chat::run(&args, console),
        Verb::Bench(args) => bench::run(&args, console),
        Verb::Starter(args) => starter::run(&args, console),
    }
}
