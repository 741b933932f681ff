//! `burnish bench`: how fast a model reads, writes and trains, and how fast rows are prepared.

mod matmul;
mod train;

use serde_json::Value;

use super::args::{BenchArgs, BenchDataArgs, BenchModelArgs, BenchWhat};
use super::{audit, console::Console, failure::Failure, jobs};
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
    match &args.what {
        BenchWhat::Prefill(args) => model(args, BenchKind::Prefill, PREFILL, console),
        BenchWhat::Decode(args) => model(args, BenchKind::Decode, DECODE, console),
        BenchWhat::Data(args) => data(args, console),
        BenchWhat::Train(args) => train::run(args, console),
        BenchWhat::Matmul(args) => matmul::run(args, console),
    }
}

/// Times a model.
fn model(args: &BenchModelArgs, what: BenchKind, usual: usize, console: &Console) -> Result<(), Failure> {
    let job = Job::Bench {
        model: args.model.model_ref(),
        what,
        tokens: args.tokens.unwrap_or(usual),
        runs: args.runs,
    };
    jobs::run_once(job, console, &mut |event| show(&event, console))?;
    Ok(())
}

/// Times the preparation of rows.
fn data(args: &BenchDataArgs, console: &Console) -> Result<(), Failure> {
    let recipe = audit::recipe_for(
        &args.model.model,
        &args.rows,
        args.model.template.as_deref(),
        args.max_length,
    )?;
    let job = Job::BenchData {
        recipe: Box::new(recipe),
        runs: args.runs,
    };
    jobs::run_once(job, console, &mut |event| {
        let Event::DataTimed(times) = event else { return };
        let best = |seconds: &[f64]| seconds.iter().copied().reduce(f64::min);
        let line = |what: &str, seconds: &[f64]| {
            best(seconds).map(|seconds| {
                let (rows, tokens) = (times.rows as f64 / seconds, times.tokens as f64 / seconds);
                format!("{what}: {seconds:.2} s, {rows:.0} rows/s, {tokens:.0} tokens/s\n")
            })
        };
        let text = format!(
            "{} rows, {} tokens, {} threads, at most {} MiB of memory\n{}{}",
            times.rows,
            times.tokens,
            times.threads,
            times.peak_memory >> 20,
            line("Made anew", &times.anew).unwrap_or_default(),
            line("Kept from before", &times.kept).unwrap_or_default()
        );
        console.result(&times, text.trim_end());
    })
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
