//! How much of the device's memory is in use: by the run that goes on, else by whoever had it when the devices were listed. Knows numbers,
//! asks no device.

use super::{DeviceFit, State};
use crate::protocol::DeviceInfo;

/// The memory of a device, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryInUse {
    pub used: u64,
    pub total: u64,
    /// What the device is called.
    pub device: String,
    /// The run that uses it; `None` = everything that did when it was asked.
    pub run: Option<String>,
}

impl MemoryInUse {
    /// Of the run's device while one goes on, else of the chosen one; `None` where nobody tells.
    pub fn of(state: &State) -> Option<Self> {
        if state.run.is_active() {
            return Self::of_run(state);
        }
        let device = state.chosen_device()?;
        let memory = device.memory?;
        Some(Self {
            used: memory.total.saturating_sub(memory.free),
            total: memory.total,
            device: device.label.clone(),
            run: None,
        })
    }

    fn of_run(state: &State) -> Option<Self> {
        let run = &state.run;
        let label = run.start.as_ref().map(|start| start.device.as_str())?;
        let used = run
            .curves
            .steps
            .last()
            .map(|step| step.memory)
            .filter(|used| *used > 0)?;
        let is_it = |device: &&DeviceInfo| device.label == label;
        let told = state.devices.iter().find(is_it).and_then(|device| device.memory);
        // What is known of the chosen device counts for the run where it is the same one.
        let chosen = state
            .chosen_device()
            .filter(is_it)
            .and_then(|_| DeviceFit::of(state).memory);
        Some(Self {
            used,
            total: told.map(|memory| memory.total).or(chosen)?,
            device: label.to_owned(),
            run: Some(run.name.clone()),
        })
    }
}
