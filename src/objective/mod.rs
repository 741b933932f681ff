//! What training minimises and evaluation measures: masked next-token cross-entropy. Knows `model` and `batch`, not optimizers.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::batch::Packed;
use crate::kernels::masked_cross_entropy;
use crate::model::{Decoder, Inputs, ModelError};

/// Losses of the supervised tokens of a micro-batch, in row-major order.
///
/// Only supervised positions reach the output head, so that the largest matrix of small models is not computed for
/// context. `None` when nothing in the batch is supervised.
///
/// # Shapes
/// -> `[supervised]`, the loss of each target in nats
///
/// # Errors
/// An id is outside the vocabulary.
pub fn token_losses(model: &Decoder, batch: &Packed, device: &Device) -> Result<Option<Tensor<1>>, ModelError> {
    let chosen: Vec<i32> = (0..batch.mask.len())
        .filter(|i| batch.mask[*i])
        .map(|i| i as i32)
        .collect();
    if chosen.is_empty() {
        return Ok(None);
    }
    let targets: Vec<i32> = chosen.iter().map(|i| batch.targets[*i as usize] as i32).collect();
    check_targets(batch, model.config.vocab_size)?;
    let inputs = Inputs::packed(
        &model.config,
        &batch.ids,
        &batch.positions,
        &batch.segments,
        batch.rows,
        device,
    )?;
    let count = chosen.len();
    let hidden = model.hidden(&inputs, None);
    let hidden = hidden.select(0, Tensor::<1, Int>::from_data(TensorData::new(chosen, [count]), device));
    let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [count]), device);
    let weights = Tensor::<1>::ones([count], device);
    Ok(Some(masked_cross_entropy(model.logits(hidden), targets, weights)))
}

fn check_targets(batch: &Packed, vocab: usize) -> Result<(), ModelError> {
    let outside = |(i, id): (usize, &u32)| batch.mask[i] && *id as usize >= vocab;
    match batch.targets.iter().enumerate().find(|(i, id)| outside((*i, id))) {
        Some((position, id)) => Err(ModelError::IdOutside {
            id: *id,
            position,
            vocab,
        }),
        None => Ok(()),
    }
}
