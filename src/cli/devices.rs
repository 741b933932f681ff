//! `burnish devices`: what can compute here.

use super::{args::DevicesArgs, console::Console, failure::Failure, jobs};
use crate::protocol::{DeviceInfo, Event, Job};
use crate::session::words;

/// Lists the devices; with `--check` a wrong result is a failure.
///
/// # Errors
/// The worker failed, or a device calculates wrongly.
pub fn run(args: &DevicesArgs, console: &Console) -> Result<(), Failure> {
    let mut devices = vec![];
    jobs::run_once(Job::Devices { check: args.check }, console, &mut |event| {
        if let Event::Devices { devices: found } = event {
            devices = found;
        }
    })?;
    console.clear();
    for device in &devices {
        console.result(device, &line(device));
    }
    let broken = |d: &DeviceInfo| d.check.as_ref().is_some_and(|c| !c.starts_with("ok"));
    if devices.iter().any(broken) {
        return Err(Failure::Failed("At least one device failed the check.".into()));
    }
    Ok(())
}

fn line(device: &DeviceInfo) -> String {
    let mark = if device.default { "*" } else { " " };
    let mut line = format!("{mark} {:<10} {} ({})", device.name, device.label, device.kind);
    match device.memory {
        Some(memory) => line += &format!(", {} of memory", words::bytes(memory.total)),
        None => line += ", memory unknown",
    }
    if !device.half.is_empty() {
        line += &format!(", computes in f32 and {}", device.half.join(" and "));
    }
    if device.max_binding > 0 {
        line += &format!(", largest binding {} MiB", device.max_binding >> 20);
    }
    if let Some(check) = &device.check {
        line += &format!("\n             {check}");
    }
    line
}
