//! Forward and backward pass of one micro-batch, in segments: embedding, blocks, output head. Knows no optimizer and no files.
//!
//! Each segment has a backward of its own. The head runs in pieces of the supervised positions, so that the logits of a whole batch are
//! never held (their gradient goes to the residual stream at once). With activation checkpointing (Chen et al. 2016, "Training
//! deep nets with sublinear memory cost") the blocks run once without a graph, only the stream between them is kept, and each is
//! computed again when the gradient reaches it.

use burn::tensor::{Device, Distribution, Gradients, Tensor};

use super::TrainError;
use super::params::{Param, Trained};
use crate::batch::Packed;
use crate::kernels::{Compute, rounded};
use crate::model::{Decoder, Inputs};
use crate::objective::{LOGIT_BYTES, Supervised, divergence, inputs};

/// Tensors of the size of a piece's logits that the KL penalty keeps beside them.
const KL_COPIES: usize = 6;

/// How a micro-batch is computed, and what is added to the objective.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Passes {
    /// Compute the blocks again in the backward pass instead of keeping what they computed.
    pub checkpointing: bool,
    /// Noise on the embeddings (NEFTune, Jain et al. 2023): its alpha; 0 = none.
    pub neftune: f64,
    /// Weight of the divergence from the base's predictions; 0 = none.
    pub kl: f64,
    /// Bytes of logits that are computed at a time.
    pub logit_bytes: usize,
    /// The type that trained values are rounded to where the model reads them; the optimizer's own stay in `f32`.
    pub values: Compute,
}

impl Passes {
    /// A trained value as the model reads it.
    pub(super) fn seen(&self, value: &Tensor<2>) -> Tensor<2> {
        rounded(value.clone(), self.values)
    }
}

impl Default for Passes {
    fn default() -> Self {
        Self {
            checkpointing: false,
            neftune: 0.0,
            kl: 0.0,
            logit_bytes: LOGIT_BYTES,
            values: Compute::F32,
        }
    }
}

/// Gradients and losses, summed over micro-batches.
#[derive(Default)]
pub(super) struct Gathered {
    /// In the order of the parameters; `None` where no gradient came.
    pub grads: Vec<Option<Tensor<2>>>,
    /// Sum of the parts of the cross-entropy.
    pub loss: f64,
    /// Sum of the parts of the divergence from the base.
    pub divergence: f64,
}

impl Gathered {
    pub fn new(count: usize) -> Self {
        Self {
            grads: vec![None; count],
            ..Self::default()
        }
    }

    fn add(&mut self, leaves: &[Tensor<2>], found: &mut Gradients) {
        for (sum, leaf) in self.grads.iter_mut().zip(leaves) {
            let Some(new) = leaf.grad_remove(found) else {
                continue;
            };
            // Laid out anew: fused additions of burn 0.22 misread a transposed tensor of one row.
            let [rows, columns] = new.dims();
            let new = new.reshape([rows * columns]).reshape([rows, columns]);
            *sum = Some(match sum.take() {
                Some(old) => old + new,
                None => new,
            });
        }
    }
}

/// One micro-batch on its way.
pub(super) struct MicroBatch<'a> {
    pub model: &'a mut Decoder,
    pub trained: &'a mut Trained,
    pub params: &'a [Param],
    /// The model without its adapter, where its predictions count.
    pub base: Option<&'a Decoder>,
    pub passes: Passes,
    pub device: &'a Device,
    /// Seeds everything random in it.
    pub seed: u64,
    /// Supervised tokens of the whole optimizer step.
    pub whole: usize,
    /// What the loss is multiplied by before its gradients are found.
    pub scale: f64,
}

/// A micro-batch on the device.
struct Seen {
    inputs: Inputs,
    /// Where the model's stream holds the supervised tokens.
    supervised: Supervised,
    /// The base's last hidden states of these tokens, where its predictions count.
    expected: Option<Tensor<2>>,
}

impl MicroBatch<'_> {
    /// Adds the losses of `batch`, and its gradients times the scale, to `into`.
    pub fn run(&mut self, batch: &Packed, into: &mut Gathered) -> Result<(), TrainError> {
        let supervised = Supervised::of(batch, self.model.config.vocab_size)?;
        if supervised.positions.is_empty() {
            return Ok(());
        }
        let expected = match self.base {
            Some(base) => {
                let hidden = base.hidden(&inputs(base, batch, self.device)?, None);
                Some(supervised.rows(&hidden, all(&supervised)))
            }
            None => None,
        };
        let inputs = inputs(self.model, batch, self.device)?;
        let seen = Seen {
            supervised: supervised.placed(&inputs),
            inputs,
            expected,
        };
        match self.passes.checkpointing {
            true => self.backward_by_blocks(&seen, into),
            false => self.backward_at_once(&seen, into),
        }
    }

    /// Puts new leaves into the model. Every graph needs its own: a leaf ends with the first backward pass that reaches it.
    fn leaves(&mut self) -> Result<Vec<Tensor<2>>, TrainError> {
        let leaves: Vec<Tensor<2>> = self.params.iter().map(|p| leaf(&self.passes.seen(&p.value))).collect();
        self.trained.place(self.model, self.params, &leaves, true)?;
        Ok(leaves)
    }

    /// Embedding with noise, as in the first segment.
    fn enter(&self, inputs: &Inputs) -> Tensor<2> {
        let x = self.model.enter(inputs);
        if self.passes.neftune == 0.0 {
            return x;
        }
        // uniform in +-alpha / sqrt(len * hidden)
        let [_, hidden] = x.dims();
        let most = self.passes.neftune / ((inputs.len * hidden) as f64).sqrt();
        self.device.seed(mixed(self.seed, u64::MAX));
        let noise = Tensor::<2>::random(x.dims(), Distribution::Uniform(-most, most), &x.device().inner());
        x + noise
    }

    /// A block; what it drops depends on its number alone, so that it drops the same when it is computed again.
    fn block(&self, index: usize, x: Tensor<2>, inputs: &Inputs) -> Tensor<2> {
        self.device.seed(mixed(self.seed, index as u64));
        self.model.run_block(index, x, inputs, None)
    }

    fn backward_at_once(&mut self, seen: &Seen, into: &mut Gathered) -> Result<(), TrainError> {
        let (inputs, supervised) = (&seen.inputs, &seen.supervised);
        let leaves = self.leaves()?;
        let mut x = self.enter(inputs);
        for index in 0..self.model.blocks.len() {
            x = self.block(index, x, inputs);
        }
        let grad = self.head(&x.clone().inner(), seen, into)?;
        into.add(&leaves, &mut pulled(supervised.rows(&x, all(supervised)), grad));
        Ok(())
    }

    /// The residual stream before each block and after the last, without a graph.
    fn forward_only(&mut self, inputs: &Inputs) -> Result<Vec<Tensor<2>>, TrainError> {
        let values: Vec<Tensor<2>> = self.params.iter().map(|p| self.passes.seen(&p.value)).collect();
        self.trained.place(self.model, self.params, &values, true)?;
        let mut streams = vec![self.enter(inputs)];
        for index in 0..self.model.blocks.len() {
            streams.push(self.block(index, streams[index].clone(), inputs));
        }
        Ok(streams)
    }

    fn backward_by_blocks(&mut self, seen: &Seen, into: &mut Gathered) -> Result<(), TrainError> {
        let (inputs, supervised) = (&seen.inputs, &seen.supervised);
        let mut streams = self.forward_only(inputs)?;
        let last = streams.pop();
        let Some(last) = last else { return Ok(()) };
        let mut grad = self.head(&last, seen, into)?;
        drop(last);
        let blocks = streams.len();
        while let Some(stream) = streams.pop() {
            let leaves = self.leaves()?;
            let x = leaf(&stream);
            drop(stream);
            let index = streams.len();
            let mut y = self.block(index, x.clone(), inputs);
            if index + 1 == blocks {
                y = supervised.rows(&y, all(supervised));
            }
            let mut found = pulled(y, grad);
            into.add(&leaves, &mut found);
            grad = x.grad_remove(&mut found).unwrap_or_else(|| x.inner().zeros_like());
        }
        let leaves = self.leaves()?;
        into.add(&leaves, &mut pulled(self.enter(inputs), grad));
        Ok(())
    }

    /// Losses of the supervised positions, piece by piece, and their gradient.
    ///
    /// # Shapes
    /// `stream`: `[rows * len, hidden]` -> `[supervised, hidden]`
    fn head(&mut self, stream: &Tensor<2>, seen: &Seen, into: &mut Gathered) -> Result<Tensor<2>, TrainError> {
        let supervised = &seen.supervised;
        let base = self.base.zip(seen.expected.as_ref());
        let bytes = match base {
            Some(_) => self.passes.logit_bytes / KL_COPIES,
            None => self.passes.logit_bytes,
        };
        let mut grads = vec![];
        for range in supervised.chunks(self.model.config.vocab_size, bytes) {
            let leaves = self.leaves()?;
            let rows = leaf(&supervised.rows(stream, range.clone()));
            let logits = self.model.logits(self.model.norm.forward(rows.clone()));
            let mut loss = supervised.losses(logits.clone(), range.clone()).sum() / self.whole as f64;
            let mut told = vec![loss.clone().inner()];
            if let Some((base, hidden)) = &base {
                let expected = base.logits((*hidden).clone().narrow(0, range.start, range.len()));
                let far = divergence(logits, Tensor::from_inner(expected)).sum() / self.whole as f64;
                told.push(far.clone().inner());
                loss = loss + far * self.passes.kl;
            }
            let mut found = (loss * self.scale).backward();
            into.add(&leaves, &mut found);
            let grad = rows.grad_remove(&mut found);
            grads.push(grad.unwrap_or_else(|| rows.inner().zeros_like()));
            // Reading waits for the device, so that its queue never holds more than one graph.
            let told = read(told)?;
            into.loss += told[0];
            into.divergence += told.get(1).copied().unwrap_or_default();
        }
        Ok(Tensor::cat(grads, 0))
    }
}

/// The values of one-element tensors; waits for the device.
///
/// # Errors
/// The device failed.
pub(super) fn read(parts: Vec<Tensor<1>>) -> Result<Vec<f64>, TrainError> {
    if parts.is_empty() {
        return Ok(vec![]);
    }
    let data = Tensor::cat(parts, 0).try_into_data();
    let data = data.map_err(|e| TrainError::Device(format!("{e:?}")))?.convert::<f32>();
    Ok(data.iter::<f32>().map(f64::from).collect())
}

fn all(supervised: &Supervised) -> std::ops::Range<usize> {
    0..supervised.positions.len()
}

fn leaf(value: &Tensor<2>) -> Tensor<2> {
    value.clone().autodiff().require_grad()
}

/// Gradients of everything in the graph of `y`, whose own is `grad`. The zero makes a graph where nothing else does.
fn pulled(y: Tensor<2>, grad: Tensor<2>) -> Gradients {
    let zero = leaf(&Tensor::zeros([1, 1], &grad.device()));
    ((y + zero) * grad).sum().backward()
}

/// A seed of its own for every part of a micro-batch.
fn mixed(seed: u64, part: u64) -> u64 {
    seed ^ part.wrapping_add(1).wrapping_mul(0xA076_1D64_78BD_642F)
}
