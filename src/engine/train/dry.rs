//! The dry step: the largest micro-batch once forward and backward before the first step, so that a lack of memory shows at once and
//! not in the middle of the run. Changes no weight.

use super::setting::Setting;
use crate::batch::Packed;
use crate::engine::reserved::watched;
use crate::engine::{EngineError, Sink, devices, memory, stage};
use crate::protocol::Event;
use crate::recipe::{Load, ModelShape, Processor, Quant, memory as estimate};
use crate::train::Trainer;

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
    let processor = match devices::reserved(&setting.device) {
        Some(_) => Processor::Gpu,
        None => Processor::Cpu,
    };
    let load = load(&largest, processor);
    // A second one shows what accumulation keeps between them.
    let count = setting.recipe.batch.accumulation.min(2);
    let batches = vec![largest; count];
    if processor == Processor::Gpu {
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

fn load(batch: &Packed, processor: Processor) -> Load {
    Load {
        rows: batch.rows,
        len: batch.ids.len() / batch.rows.max(1),
        supervised: batch.supervised(),
        processor,
    }
}

/// Bytes of the weights, where a file's own blocks are kept.
fn kept_quantised(setting: &Setting, trainer: &mut Trainer) -> Option<u64> {
    let stored = trainer.model.stored();
    let blocks = stored.iter().any(|(layout, _)| layout.starts_with('Q'));
    (blocks && setting.recipe.method.quant != Quant::Q8).then(|| stored.iter().map(|(_, bytes)| bytes).sum())
}
