//! The verbs of the terminal. Each runs the same jobs in the same worker processes as the window.

use std::process::ExitCode;

/// Runs the program by its arguments.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
