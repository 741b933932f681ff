//! `burnish control`: pause, resume, save, suspend or stop a run that goes on, from another terminal or a script.

use super::{
    args::{ControlArgs, ControlWhat},
    console::Console,
    failure::Failure,
    train,
};
use crate::protocol::Control;
use crate::worker::control_run;

/// Sends the order to the run.
///
/// # Errors
/// No worker is at work in the folder.
pub fn run(args: &ControlArgs, console: &Console) -> Result<(), Failure> {
    let (control, done) = match args.what {
        ControlWhat::Pause => (
            Control::Pause,
            "It holds before its next step, with everything in memory.",
        ),
        ControlWhat::Resume => (Control::Resume, "It goes on."),
        ControlWhat::Save => (Control::Save, "It writes a checkpoint before its next step."),
        ControlWhat::Suspend => (
            Control::Suspend,
            "It writes a checkpoint and ends; `burnish train --resume` goes on from there.",
        ),
        ControlWhat::Stop => (Control::Stop, "It ends after this step and keeps the result."),
        ControlWhat::Smooth => (
            Control::Smooth { on: true },
            "It leaves the device to other programs now and then.",
        ),
        ControlWhat::Fast => (Control::Smooth { on: false }, "It uses all of the device."),
    };
    control_run(&train::absolute(&args.run), control).map_err(Failure::Failed)?;
    console.say(done);
    Ok(())
}
