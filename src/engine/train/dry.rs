//! The dry step: the largest micro-batch once forward and backward before the first step, so that a lack of memory shows at once and
//! not in the middle of the run. Changes no weight.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use burn::tensor::Device;

use super::setting::Setting;
use crate::batch::Packed;
use crate::engine::{EngineError, Sink, devices, memory, stage};
use crate::protocol::Event;
use crate::recipe::{Load, ModelShape, Quant, memory as estimate};
use crate::train::Trainer;

/// Time between two looks at what a GPU has set aside.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Tries the largest micro-batch, if there is one, and tells what it took. `idle` is what the process held before the model was loaded, in bytes.
///
/// # Errors
/// The device failed.
pub(super) fn dry_step(
    setting: &Setting,
    trainer: &mut Trainer,
    largest: Option<Packed>,
    idle: u64,
    sink: Sink<'_>,
) -> Result<(), EngineError> {
    let Some(largest) = largest else {
        return Ok(());
    };
    stage(sink, "Trying the largest batch", 0, 1);
    let load = load(&largest);
    // A second one shows what accumulation keeps between them.
    let count = setting.recipe.batch.accumulation.min(2);
    let batches = vec![largest; count];
    if devices::reserved(&setting.device).is_some() {
        // Kernels are tuned the first time, on copies of what they will work on.
        trainer.gradients(&batches)?;
        setting.device.memory_cleanup();
    }
    let (tried, reserved) = watched(&setting.device, || trainer.gradients(&batches));
    tried?;
    let shape = ModelShape {
        stored: kept_quantised(setting, trainer),
        ..ModelShape::from(&trainer.model.config)
    };
    sink(Event::Memory {
        estimated: estimate(&setting.recipe, &shape, load).total(),
        measured: reserved.unwrap_or_else(|| memory::peak_memory().saturating_sub(idle)),
        budget: setting.device_memory.unwrap_or(0),
        rows: load.rows,
        len: load.len,
    });
    Ok(())
}

/// Does the work, and tells the most that a GPU had set aside meanwhile: it gives pages back as soon as they are empty. `None` for the CPU,
/// whose system keeps count.
fn watched<T>(device: &Device, work: impl FnOnce() -> T) -> (T, Option<u64>) {
    if devices::reserved(device).is_none() {
        return (work(), None);
    }
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                most = most.max(devices::reserved(device).unwrap_or(0));
                std::thread::sleep(LOOK_AGAIN);
            }
            most
        });
        // Ends the watch even if the device panics.
        let watch = Over(&over);
        let done = work();
        drop(watch);
        let now = devices::reserved(device);
        // A watcher that failed has seen nothing.
        let most = watcher.join().ok().max(now);
        (done, most)
    })
}

/// Tells a watcher to end when it is dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn load(batch: &Packed) -> Load {
    Load {
        rows: batch.rows,
        len: batch.ids.len() / batch.rows.max(1),
        supervised: batch.supervised(),
    }
}

/// Bytes of the weights, where a file's own blocks are kept.
fn kept_quantised(setting: &Setting, trainer: &mut Trainer) -> Option<u64> {
    let stored = trainer.model.stored();
    let blocks = stored.iter().any(|(layout, _)| layout.starts_with('Q'));
    (blocks && setting.recipe.method.quant != Quant::Q8).then(|| stored.iter().map(|(_, bytes)| bytes).sum())
}
