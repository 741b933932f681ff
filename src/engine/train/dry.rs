//! The dry step: the largest micro-batch once forward and backward before the first step, so that a lack of memory shows at once and
//! not in the middle of the run. Changes no weight.

use super::setting::Setting;
use crate::batch::Packed;
use crate::engine::{EngineError, Sink, devices, memory, stage};
use crate::protocol::Event;
use crate::recipe::{Load, ModelShape, Quant, memory as estimate};
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
    let load = load(&largest);
    // A second one shows what accumulation keeps between them.
    let count = setting.recipe.batch.accumulation.min(2);
    trainer.gradients(&vec![largest; count])?;
    let shape = ModelShape {
        stored: kept_quantised(setting, trainer),
        ..ModelShape::from(&trainer.model.config)
    };
    sink(Event::Memory {
        estimated: estimate(&setting.recipe, &shape, load).total(),
        measured: match devices::reserved(&setting.device) {
            Some(bytes) => bytes,
            None => memory::peak_memory().saturating_sub(idle),
        },
        budget: setting.device_memory.unwrap_or(0),
        rows: load.rows,
        len: load.len,
    });
    Ok(())
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
