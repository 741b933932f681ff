//! What a training run tells the outside: trainer reports as protocol events, samples at evaluations, pause and stop.
//! Knows the trainer's observer, not how steps are made.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;

use super::prepare::Prepared;
use super::{EntropyWatch, Flags, Sink, devices, memory};
use crate::data::Conversation;
use crate::infer::{Request, Sampling, generate};
use crate::protocol::{Event, GroupNorm};
use crate::template::{RenderOptions, Template};
use crate::tokens::{Tokenizer, prompt};
use crate::train::{Best, EvalReport, Observer, StepReport, TrainError, Trainer, Wish};

/// New tokens of a sample at most.
const SAMPLE_TOKENS: usize = 64;

/// A prompt that is answered at every evaluation.
pub struct SamplePrompt {
    /// What people read.
    pub text: String,
    /// The conversation up to the answer.
    pub conversation: Conversation,
}

/// Sends events and follows the user's flags.
pub struct Reporter<'a> {
    /// Where events go.
    pub sink: Sink<'a>,
    /// Stop and pause.
    pub flags: &'a Flags,
    /// Of the base.
    pub tokenizer: Arc<Tokenizer>,
    /// Of the run.
    pub template: Template,
    /// Answered at every evaluation.
    pub prompts: Vec<SamplePrompt>,
    /// Where the run is.
    pub device: Device,
    /// Notices when the run only sharpens.
    pub entropy: EntropyWatch,
    /// The data, to name rows.
    pub data: &'a Prepared,
    /// Examples of the steps skipped since the last update.
    pub skipped: Vec<usize>,
}

impl Reporter<'_> {
    fn sample(&self, trainer: &Trainer, sample: &SamplePrompt, step: usize) -> Result<String, String> {
        let prompt = prompt(
            &self.template,
            &sample.conversation,
            &self.tokenizer,
            &RenderOptions::default(),
        )
        .map_err(|e| e.to_string())?;
        let mut stop_ids: Vec<u32> = self.tokenizer.eos_id().into_iter().collect();
        stop_ids.extend(prompt.end_id);
        let sampling = Sampling {
            seed: step as u64,
            ..Sampling::default()
        };
        let request = Request {
            prompt: &prompt.ids,
            sampling,
            max_tokens: SAMPLE_TOKENS,
            stop_ids: &stop_ids,
            alternatives: 0,
        };
        let made = generate(&trainer.model, &request, &mut |_| !self.flags.stopped()).map_err(|e| e.to_string())?;
        let text = self.tokenizer.decode(&made.ids);
        let end = prompt
            .end_of_turn
            .as_deref()
            .and_then(|stop| text.find(stop))
            .unwrap_or(text.len());
        Ok(text[..end].to_string())
    }
}

impl Observer for Reporter<'_> {
    fn stepped(&mut self, r: &StepReport, epoch: f64, rows: &[usize]) {
        self.skipped.clear();
        (self.sink)(Event::Step {
            step: r.step,
            loss: r.loss,
            lr: r.lr,
            grad_norm: r.grad_norm,
            tokens: r.tokens,
            supervised_tokens: r.supervised_tokens,
            seconds: r.seconds,
            epoch,
            norms: r
                .groups
                .iter()
                .map(|(group, norm)| GroupNorm {
                    group: (*group).into(),
                    norm: *norm,
                })
                .collect(),
            rows: self.data.places(rows),
            loss_scale: r.loss_scale,
            memory: devices::reserved(&self.device).unwrap_or_else(memory::memory_now),
        });
    }

    fn skipped(&mut self, reason: &TrainError) {
        let TrainError::NotFinite { step, rows, .. } = reason else {
            return;
        };
        self.skipped.extend(rows);
        (self.sink)(Event::Skipped {
            step: *step,
            reason: format!("{reason} Its update was left out."),
            rows: self.data.places(rows),
        });
    }

    fn evaluated(&mut self, trainer: &mut Trainer, r: &EvalReport) {
        let step = trainer.steps();
        (self.sink)(Event::Eval {
            step,
            loss: r.loss,
            rows: r.rows,
            supervised_tokens: r.supervised_tokens,
            seconds: r.seconds,
            entropy: Some(r.entropy),
        });
        if let Some(message) = self.entropy.see(step, r.loss, r.entropy) {
            (self.sink)(Event::Warning { message });
        }
        for sample in &self.prompts {
            match self.sample(trainer, sample, step) {
                Ok(text) => (self.sink)(Event::Sample {
                    step,
                    prompt: sample.text.clone(),
                    text,
                }),
                Err(message) => (self.sink)(Event::Warning {
                    message: format!("No sample could be made: {message}"),
                }),
            }
        }
    }

    fn saved(&mut self, step: usize, path: &Path) {
        self.flags.saved();
        (self.sink)(Event::Checkpoint {
            step,
            path: path.into(),
        });
    }

    fn best(&mut self, best: Best, path: &Path) {
        (self.sink)(Event::Best {
            step: best.step,
            loss: f64::from(best.loss),
            path: path.into(),
        });
    }

    fn save_failed(&mut self, step: usize, error: &TrainError) {
        self.flags.saved();
        let message = format!(
            "The checkpoint of step {step} could not be written: {error} Training goes on; free some space before it ends."
        );
        (self.sink)(Event::Warning { message });
    }

    fn wish(&mut self, step: usize) -> Wish {
        if self.flags.paused() {
            (self.sink)(Event::Paused { step });
            self.flags.wait_while_paused();
            // A checkpoint is written in between, and a run that is suspended does not go on.
            if !self.flags.wants_save() && !self.flags.suspended() {
                (self.sink)(Event::Resumed { step });
            }
        }
        if self.flags.stopped() {
            Wish::Stop
        } else if self.flags.suspended() {
            Wish::Suspend
        } else if self.flags.wants_save() {
            Wish::Save
        } else {
            Wish::GoOn
        }
    }

    fn hold(&mut self) {
        self.flags.hold();
    }
}
