//! `burnish bench`: how fast a model reads and writes.

use serde_json::Value;

use super::args::{BenchArgs, BenchWhat};
use super::{console::Console, failure::Failure, jobs};
use crate::protocol::{BenchKind, Event, Job};

/// Tokens of a prompt, unless told otherwise.
const PREFILL: usize = 512;
/// Tokens to write, unless told otherwise.
const DECODE: usize = 64;

/// Prints the median of the runs, and with `--json` every run.
///
/// # Errors
/// The job failed.
pub fn run(args: &BenchArgs, console: &Console) -> Result<(), Failure> {
    let (what, usual) = match args.what {
        BenchWhat::Prefill => (BenchKind::Prefill, PREFILL),
        BenchWhat::Decode => (BenchKind::Decode, DECODE),
    };
    let job = Job::Bench {
        model: args.model.model_ref(),
        what,
        tokens: args.tokens.unwrap_or(usual),
        runs: args.runs,
    };
    jobs::run_once(job, console, &mut |event| show(&event, console))?;
    Ok(())
}

fn show(event: &Event, console: &Console) {
    let Event::Timed {
        what,
        device,
        threads,
        tokens,
        tokens_per_second,
        peak_memory,
        ..
    } = event
    else {
        return;
    };
    let what = match what {
        BenchKind::Prefill => "read",
        BenchKind::Decode => "written",
    };
    let text = format!(
        "{tokens} tokens {what} on {device} ({threads} threads): {tokens_per_second:.1} tokens/s, at most {} MiB of memory",
        peak_memory >> 20
    );
    if let Ok(Value::Object(mut object)) = serde_json::to_value(event) {
        object.shift_remove("event");
        console.result(&object, &text);
    }
}
