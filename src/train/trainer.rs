//! One optimizer step: forward, loss over all micro-batches, backward, clip, update. Knows nothing of files or epochs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor};

use super::TrainError;
use super::backward::{Gathered, MicroBatch, Passes, read};
use super::optim::{Norms, Optimizer, OptimizerConfig, clip_factor, norms};
use super::params::{Param, Trained};
use super::scaling::LossScale;
use super::schedule::LrSchedule;
use crate::batch::Packed;
use crate::kernels::{Compute, rounded};
use crate::model::Decoder;
use crate::objective::losses_and_entropies;

/// The least and the most that the device is left alone after a micro-batch, where the desktop is to stay smooth: a frame or two of
/// the screen at least.
const SHORTEST_REST: Duration = Duration::from_millis(5);
const LONGEST_REST: Duration = Duration::from_millis(100);

/// What a trainer needs besides batches.
#[derive(Clone, Debug)]
pub struct TrainerSetup {
    /// The optimizer's constants.
    pub optimizer: OptimizerConfig,
    /// The learning rate over the run.
    pub schedule: LrSchedule,
    /// Largest global gradient norm; 0 = no clipping.
    pub clip: f64,
    /// Seeds dropout and noise, per step.
    pub seed: u64,
    /// How micro-batches are computed.
    pub passes: Passes,
}

/// What one optimizer step did.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// Step number, from 1.
    pub step: usize,
    /// Mean loss per supervised token, in nats.
    pub loss: f64,
    /// Learning rate used.
    pub lr: f64,
    /// Global gradient norm before clipping.
    pub grad_norm: f64,
    /// Gradient norms of each group of trained tensors.
    pub groups: Vec<(&'static str, f64)>,
    /// Mean divergence from the base's predictions, in nats, where the objective counts it.
    pub divergence: Option<f64>,
    /// Tokens that are not padding.
    pub tokens: usize,
    /// Supervised tokens.
    pub supervised_tokens: usize,
    /// What the loss was multiplied by, where products are in half precision.
    pub loss_scale: Option<f64>,
    /// Wall-clock time of the step.
    pub seconds: f64,
}

/// The loss on held-out rows.
#[derive(Clone, Debug, PartialEq)]
pub struct EvalReport {
    /// Mean loss per supervised token, in nats; 0 when nothing is supervised.
    pub loss: f64,
    /// Rows evaluated.
    pub rows: usize,
    /// Supervised tokens.
    pub supervised_tokens: usize,
    /// Mean entropy of the predictions at supervised tokens, in nats.
    pub entropy: f64,
    /// Wall-clock time.
    pub seconds: f64,
}

/// A model in training.
pub struct Trainer {
    /// The model; between steps it holds the current values without gradient tracking.
    pub model: Decoder,
    /// What is trained.
    pub trained: Trained,
    /// Current values of the trained tensors.
    pub params: Vec<Param>,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Is the device to be left to other programs for a moment after each micro-batch?
    pub smooth: Arc<AtomicBool>,
    setup: TrainerSetup,
    /// The model without its adapter, sharing its memory, where its predictions count.
    base: Option<Decoder>,
    device: Device,
    /// Steps of the run behind it, skipped ones included.
    cursor: usize,
    /// Where products are in half precision.
    scale: Option<LossScale>,
}

/// Means over the micro-batches of one step.
struct Summed {
    grads: Vec<Tensor<2>>,
    loss: f64,
    divergence: Option<f64>,
}

impl Trainer {
    /// A trainer at step 0.
    ///
    /// # Errors
    /// The adapter does not fit the model.
    pub fn new(mut model: Decoder, mut trained: Trained, setup: TrainerSetup) -> Result<Self, TrainError> {
        let device = model.device();
        let params = trained.params(&mut model);
        let values: Vec<Tensor<2>> = params.iter().map(|p| setup.passes.seen(&p.value)).collect();
        let base = (setup.passes.kl > 0.0).then(|| trained.without(&model)).flatten();
        trained.place(&mut model, &params, &values, false)?;
        let optimizer = Optimizer::new(setup.optimizer, &params);
        Ok(Self {
            trained,
            params,
            optimizer,
            smooth: Arc::default(),
            setup,
            base,
            scale: (model.compute == Compute::F16).then(LossScale::default),
            model,
            device,
            cursor: 0,
        })
    }

    /// Steps of the run that are behind it: updates of the optimizer and steps that were skipped.
    pub fn steps(&self) -> usize {
        self.cursor
    }

    /// Leaves out a step that [`Self::step`] refused: its rows are passed over, weights and optimizer stay.
    ///
    /// # Errors
    /// The adapter does not fit the model.
    pub fn skip(&mut self) -> Result<(), TrainError> {
        self.cursor += 1;
        self.rest()
    }

    /// Are all trained values finite? Reads back from the device.
    pub fn is_finite(&self) -> bool {
        let values: Vec<Tensor<2>> = self.params.iter().map(|p| p.value.clone()).collect();
        norms(&self.params, &values).is_ok_and(|n| n.all.is_finite())
    }

    /// Number of trained values.
    pub fn trainable(&self) -> u64 {
        self.params
            .iter()
            .map(|p| p.value.dims().iter().product::<usize>() as u64)
            .sum()
    }

    /// One optimizer step over the given micro-batches. The loss is summed over supervised tokens and divided by their
    /// number over all micro-batches, so that accumulation does not change the result.
    ///
    /// # Errors
    /// A loss or gradient that is not finite (the weights are left as they were), an id outside the vocabulary, or a
    /// failing device.
    pub fn step(&mut self, micro_batches: &[Packed]) -> Result<StepReport, TrainError> {
        self.step_at(micro_batches, self.setup.schedule.at(self.steps()))
    }

    /// As [`Self::step`], with this learning rate whatever the schedule says.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn step_at(&mut self, micro_batches: &[Packed], lr: f64) -> Result<StepReport, TrainError> {
        let start = Instant::now();
        let supervised: usize = micro_batches.iter().map(Packed::supervised).sum();
        let (gathered, found) = self.gather_finite(micro_batches, supervised)?;
        let Norms { all: grad_norm, groups } = found;
        if !gathered.loss.is_finite() || !grad_norm.is_finite() {
            let rows = micro_batches.iter().flat_map(|b| b.sources.clone()).collect();
            return Err(TrainError::NotFinite {
                step: self.steps() + 1,
                loss: gathered.loss,
                grad_norm,
                rows,
            });
        }
        let loss_scale = self.scale.map(|scale| scale.factor);
        if let Some(scale) = &mut self.scale {
            scale.passed();
        }
        let scale = clip_factor(grad_norm, self.setup.clip) / loss_scale.unwrap_or(1.0);
        self.optimizer.update(&mut self.params, gathered.grads, scale, lr);
        self.cursor += 1;
        self.rest()?;
        Ok(StepReport {
            step: self.steps(),
            loss: gathered.loss,
            lr,
            grad_norm,
            groups,
            divergence: gathered.divergence,
            tokens: micro_batches.iter().map(Packed::tokens).sum(),
            supervised_tokens: supervised,
            loss_scale,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// Gradients of the mean loss over the micro-batches, and that loss, without changing any weight.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn gradients(&mut self, micro_batches: &[Packed]) -> Result<(f64, Vec<Tensor<2>>), TrainError> {
        let supervised: usize = micro_batches.iter().map(Packed::supervised).sum();
        let (gathered, _) = self.gather_finite(micro_batches, supervised)?;
        self.rest()?;
        let grads = gathered.grads.into_iter();
        let grads = match self.scale {
            Some(scale) => grads.map(|grad| grad / scale.factor).collect(),
            None => grads.collect(),
        };
        Ok((gathered.loss, grads))
    }

    /// Gradients times the loss scale, and their true norms. Where the scale made them overflow, it is halved and they are found again.
    fn gather_finite(&mut self, micro_batches: &[Packed], supervised: usize) -> Result<(Summed, Norms), TrainError> {
        loop {
            let gathered = self.gather(micro_batches, supervised)?;
            let norms = norms(&self.params, &gathered.grads)?;
            let Some(scale) = &mut self.scale else {
                return Ok((gathered, norms));
            };
            let norms = norms.divided(scale.factor);
            // A loss is told as it is: if it is not finite, its scale is not the reason.
            if norms.all.is_finite() || !gathered.loss.is_finite() || !scale.overflowed() {
                return Ok((gathered, norms));
            }
        }
    }

    fn gather(&mut self, micro_batches: &[Packed], supervised: usize) -> Result<Summed, TrainError> {
        let mut gathered = Gathered::new(self.params.len());
        for (micro, batch) in micro_batches.iter().enumerate() {
            let began = Instant::now();
            let mut pass = MicroBatch {
                model: &mut self.model,
                trained: &mut self.trained,
                params: &self.params,
                base: self.base.as_ref(),
                passes: self.setup.passes,
                device: &self.device,
                seed: micro_batch_seed(self.setup.seed, self.cursor, micro),
                whole: supervised,
                scale: self.scale.map_or(1.0, |scale| scale.factor),
            };
            pass.run(batch, &mut gathered)?;
            self.breathe(began);
        }
        let grads = gathered.grads.into_iter().zip(&self.params);
        Ok(Summed {
            grads: grads.map(|(g, p)| g.unwrap_or_else(|| p.value.zeros_like())).collect(),
            loss: gathered.loss,
            divergence: self.base.as_ref().map(|_| gathered.divergence),
        })
    }

    /// Leaves the device to other programs for a quarter of the time that a micro-batch took, where that is wanted.
    fn breathe(&self, began: Instant) {
        if self.smooth.load(Ordering::Relaxed) {
            std::thread::sleep((began.elapsed() / 4).clamp(SHORTEST_REST, LONGEST_REST));
        }
    }

    /// Leaves the model with the current values and no gradient tracking, ready for evaluation and chat.
    pub(super) fn rest(&mut self) -> Result<(), TrainError> {
        self.rest_in(self.setup.passes.values)
    }

    /// Puts the optimizer's own values into the model, which may be finer than what it reads otherwise.
    pub(super) fn rest_unrounded(&mut self) -> Result<(), TrainError> {
        self.rest_in(Compute::F32)
    }

    fn rest_in(&mut self, compute: Compute) -> Result<(), TrainError> {
        let values = self.params.iter().map(|p| rounded(p.value.clone(), compute));
        let values: Vec<Tensor<2>> = values.collect();
        self.trained.place(&mut self.model, &self.params, &values, false)
    }

    /// The type that the model reads trained values in.
    pub(super) fn values(&self) -> Compute {
        self.setup.passes.values
    }

    /// What the loss is multiplied by, where products are in half precision.
    pub fn loss_scale(&self) -> Option<LossScale> {
        self.scale
    }

    /// Replaces the trained values (resume) and puts them into the model.
    ///
    /// # Errors
    /// The adapter does not fit the model.
    pub fn restore(
        &mut self,
        values: Vec<Tensor<2>>,
        cursor: usize,
        scale: Option<LossScale>,
    ) -> Result<(), TrainError> {
        for (param, value) in self.params.iter_mut().zip(values) {
            param.value = value;
        }
        self.cursor = cursor;
        // A checkpoint of a run in f32 that goes on in half precision has none.
        self.scale = self.scale.map(|first| scale.unwrap_or(first));
        self.rest()
    }

    /// Mean loss per supervised token over held-out batches; `go_on` is asked between batches.
    ///
    /// # Errors
    /// An id outside the vocabulary, or a failing device.
    pub fn eval(&self, batches: &[Packed], go_on: &mut dyn FnMut() -> bool) -> Result<EvalReport, TrainError> {
        let start = Instant::now();
        let (mut sum, mut entropy, mut supervised, mut rows) = (0.0, 0.0, 0, 0);
        for batch in batches {
            if !go_on() {
                break;
            }
            if let Some((losses, entropies)) = losses_and_entropies(&self.model, batch, &self.device)? {
                let sums = read(vec![losses.sum(), entropies.sum()])?;
                sum += sums[0];
                entropy += sums[1];
            }
            supervised += batch.supervised();
            rows += batch.sources.len();
        }
        let count = supervised.max(1) as f64;
        Ok(EvalReport {
            loss: sum / count,
            entropy: entropy / count,
            rows,
            supervised_tokens: supervised,
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}

/// A seed that depends on the step and micro-batch only, so that a resumed run draws the same values.
fn micro_batch_seed(seed: u64, step: usize, micro: usize) -> u64 {
    seed ^ (step as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (micro as u64).wrapping_mul(0xD1B5_4A32_D192_ED03)
}
