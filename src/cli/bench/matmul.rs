//! `burnish bench matmul`: what is printed.

use super::super::args::BenchMatmulArgs;
use super::super::{console::Console, failure::Failure, jobs};
use crate::protocol::{Event, Job, MatmulTimes};

/// Times products of square matrices.
///
/// # Errors
/// The job failed.
pub fn run(args: &BenchMatmulArgs, console: &Console) -> Result<(), Failure> {
    let job = Job::BenchMatmul {
        device: args.device.clone(),
        size: args.size,
        runs: args.runs,
    };
    jobs::run_once(job, console, &mut |event| {
        if let Event::MatmulTimed(times) = event {
            console.result(&times, &in_words(&times));
        }
    })
}

fn in_words(times: &MatmulTimes) -> String {
    let MatmulTimes {
        device,
        label,
        threads,
        size,
        ways,
        missing,
    } = times;
    let mut lines = vec![format!(
        "{size} x {size} x {size} on {device} ({label}, {threads} threads)"
    )];
    lines.extend(ways.iter().map(|way| {
        let (name, speed, gap) = (&way.name, way.teraflops, way.gap);
        format!("{name}: {speed:.4} TFLOP/s, at most {gap:.1e} of the largest entry from plain sums")
    }));
    lines.extend(missing.iter().cloned());
    lines.join("\n")
}
