//! The program: a worker when its parent started it as one, else the command line, which gets the window handed in. Knows nothing else.

use std::process::ExitCode;

use burnish::{cli, ui, worker};

fn main() -> ExitCode {
    // Before anything else is loaded: a worker must take its stdout first.
    let first = std::env::args_os().nth(1).unwrap_or_default();
    if first == worker::WORKER_ARGUMENT {
        return worker::child_main();
    }
    if first == worker::SUPERVISOR_ARGUMENT {
        return worker::supervisor_main();
    }
    cli::main(&|project| ui::run(project).map_err(|error| error.to_string()))
}
