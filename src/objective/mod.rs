//! What training minimises and evaluation measures: masked next-token cross-entropy, and how far predictions are from the base's.
//! Knows `model` and `batch`, not optimizers.

use std::ops::Range;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::batch::Packed;
use crate::kernels::masked_cross_entropy;
use crate::model::{Decoder, Inputs, ModelError};

/// Bytes of logits that are computed at a time: a long batch of a model with a large vocabulary never holds all of them.
pub const LOGIT_BYTES: usize = 64 << 20;

/// The supervised positions of a micro-batch, in row-major order, and what each should predict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supervised {
    /// Positions in the flattened batch.
    pub positions: Vec<i32>,
    /// The ids to predict there.
    pub targets: Vec<i32>,
}

impl Supervised {
    /// The supervised positions of a batch.
    ///
    /// # Errors
    /// A target is outside the vocabulary.
    pub fn of(batch: &Packed, vocab: usize) -> Result<Self, ModelError> {
        let chosen = (0..batch.mask.len()).filter(|i| batch.mask[*i]);
        let mut all = Self::default();
        for position in chosen {
            let id = batch.targets[position];
            if id as usize >= vocab {
                return Err(ModelError::IdOutside { id, position, vocab });
            }
            all.positions.push(position as i32);
            all.targets.push(id as i32);
        }
        Ok(all)
    }

    /// The same tokens where the residual stream holds them, which may have virtual ones in front of each row.
    pub fn placed(&self, inputs: &Inputs) -> Self {
        let place = |position: &i32| inputs.place(*position as usize) as i32;
        Self {
            positions: self.positions.iter().map(place).collect(),
            targets: self.targets.clone(),
        }
    }

    /// Ranges of so many positions that their logits take `bytes` at most (one at least).
    pub fn chunks(&self, vocab: usize, bytes: usize) -> impl Iterator<Item = Range<usize>> {
        let (count, size) = (self.positions.len(), (bytes / (4 * vocab.max(1))).max(1));
        (0..count).step_by(size).map(move |from| from..(from + size).min(count))
    }

    /// The rows of a residual stream at a range of the positions.
    ///
    /// # Shapes
    /// `stream`: `[rows * len, hidden]` -> `[range, hidden]`
    pub fn rows(&self, stream: &Tensor<2>, range: Range<usize>) -> Tensor<2> {
        stream
            .clone()
            .select(0, integers(&self.positions[range], &stream.device()))
    }

    /// Losses of a range of the positions, given the scores there.
    ///
    /// # Shapes
    /// `logits`: `[range, vocab]` -> `[range]`, in nats
    pub fn losses(&self, logits: Tensor<2>, range: Range<usize>) -> Tensor<1> {
        let device = logits.device();
        let weights = Tensor::<1>::ones([range.len()], &device);
        masked_cross_entropy(logits, integers(&self.targets[range], &device), weights)
    }
}

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
    let measured = measure(model, batch, device, &mut |supervised, logits, range| {
        supervised.losses(logits, range)
    })?;
    Ok((!measured.is_empty()).then(|| Tensor::cat(measured, 0)))
}

/// What held-out rows tell: losses and entropies of the supervised tokens, in row-major order. `None` as [`token_losses`].
///
/// # Shapes
/// -> twice `[supervised]`, in nats
///
/// # Errors
/// An id is outside the vocabulary.
pub fn losses_and_entropies(
    model: &Decoder,
    batch: &Packed,
    device: &Device,
) -> Result<Option<(Tensor<1>, Tensor<1>)>, ModelError> {
    let mut entropies = vec![];
    let losses = measure(model, batch, device, &mut |supervised, logits, range| {
        entropies.push(entropy(logits.clone()));
        supervised.losses(logits, range)
    })?;
    Ok((!losses.is_empty()).then(|| (Tensor::cat(losses, 0), Tensor::cat(entropies, 0))))
}

/// Runs a batch and hands the logits of its supervised positions out in pieces.
fn measure(
    model: &Decoder,
    batch: &Packed,
    device: &Device,
    take: &mut dyn FnMut(&Supervised, Tensor<2>, Range<usize>) -> Tensor<1>,
) -> Result<Vec<Tensor<1>>, ModelError> {
    let vocab = model.config.vocab_size;
    let supervised = Supervised::of(batch, vocab)?;
    if supervised.positions.is_empty() {
        return Ok(vec![]);
    }
    let hidden = model.hidden(&inputs(model, batch, device)?, None);
    let chunks = supervised.chunks(vocab, LOGIT_BYTES);
    Ok(chunks
        .map(|range| {
            let logits = model.logits(supervised.rows(&hidden, range.clone()));
            take(&supervised, logits, range)
        })
        .collect())
}

/// A micro-batch on a device.
///
/// # Errors
/// An id is outside the vocabulary, or a position outside a context that cannot be left.
pub fn inputs(model: &Decoder, batch: &Packed, device: &Device) -> Result<Inputs, ModelError> {
    Inputs::packed(model, &batch.ids, &batch.positions, &batch.segments, batch.rows, device)
}

/// Entropy of each prediction, in nats: `-sum p log p`.
///
/// # Shapes
/// `[n, vocab]` -> `[n]`
pub fn entropy(logits: Tensor<2>) -> Tensor<1> {
    let log = log_softmax(logits, 1);
    let [n, _] = log.dims();
    (log.clone().exp() * log).sum_dim(1).reshape([n]).neg()
}

/// Divergence of each prediction from the base's, in nats: `sum p (log p - log q)` with p of `logits` and q of `base`
/// (Kullback and Leibler 1951).
///
/// # Shapes
/// twice `[n, vocab]` -> `[n]`
pub fn divergence(logits: Tensor<2>, base: Tensor<2>) -> Tensor<1> {
    let (log, other) = (log_softmax(logits, 1), log_softmax(base, 1));
    let [n, _] = log.dims();
    (log.clone().exp() * (log - other)).sum_dim(1).reshape([n])
}

fn integers(values: &[i32], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}
