//! The program: a worker when its parent started it as one, else the command line, which gets the window handed in. Knows nothing else.

use std::process::ExitCode;

use burnish::{cli, ui, worker};

fn main() -> ExitCode {
    // Before anything else is loaded: a worker must take its stdout first.
    if std::env::args_os().nth(1).is_some_and(|a| a == worker::WORKER_ARGUMENT) {
        return worker::child_main();
    }
    cli::main(&|project| ui::run(project).map_err(|error| error.to_string()))
}
