//! The job `lesson`: one row read by a model, token by token, what it writes when left on its own, and what one step of learning from
//! this row would change. Knows ids, not where they came from.

use super::loaded::Loaded;
use super::writer::shown;
use super::{EngineError, Flags, Sink, adapters, stage};
use crate::adapter::Adapter;
use crate::batch::{Example, check_ids, collate};
use crate::infer::{self, Ended, Progress, Request, TokenView};
use crate::model::Decoder;
use crate::protocol::{Event, Lesson, LessonRow, LessonStep, ModelRef, OwnToken, OwnWay, TokenLesson};
use crate::recipe::{Recipe, Schedule};
use crate::tokens::Tokenizer;
use crate::train::{LrSchedule, OptimizerConfig, Passes, Trained, Trainer, TrainerSetup};

/// What is asked for.
pub struct Asked<'a> {
    /// Who reads.
    pub model: &'a ModelRef,
    /// What.
    pub row: &'a LessonRow,
    /// Where the model goes its own way.
    pub own: &'a OwnWay,
    /// Likeliest tokens to tell for each place.
    pub alternatives: usize,
    /// The recipe of the step to take; `None` = no step.
    pub step: Option<&'a Recipe>,
}

/// Reads the row, then tells `Lesson`.
///
/// # Errors
/// The adapter cannot be used, the row does not fit the model, the device failed, or the user stopped.
pub fn run(loaded: &mut Loaded, asked: &Asked<'_>, sink: Sink<'_>, flags: &Flags) -> Result<(), EngineError> {
    let adapter = asked.model.adapter.as_deref();
    loaded.attach(adapter)?;
    // Texts are an extra: a model without a tokenizer still has numbers.
    let _ = loaded.tokenizer();
    let base = loaded.base.clone();
    let (model, _, tokenizer) = loaded.answering(adapter);
    let row = Example {
        ids: asked.row.ids.clone(),
        mask: asked.row.mask.clone(),
        row: 0,
    };
    check_ids(std::slice::from_ref(&row), model.config.vocab_size)?;
    stage(sink, "Reading the row", 0, 0);
    let views = infer::views(model, &row.ids, asked.alternatives)?;
    let own = on_its_own(model, &row.ids, asked.own, tokenizer, flags)?;
    let step = match asked.step {
        Some(recipe) if !flags.stopped() => {
            stage(sink, "Taking one step on a copy", 0, 0);
            Some(one_step(base, recipe, asked.model, &row, &views)?)
        }
        _ => None,
    };
    if flags.stopped() {
        return Err(EngineError::Cancelled("Stopped while reading the row.".into()));
    }
    let token = |view: TokenView| TokenLesson {
        nll: view.nll,
        likely: view.likely.into_iter().map(|l| shown(l, tokenizer)).collect(),
    };
    let tokens = views.into_iter().map(|view| view.map(token)).collect();
    sink(Event::Lesson {
        lesson: Lesson { tokens, own, step },
    });
    Ok(())
}

/// What the model writes after the row's first tokens, always taking the likeliest.
fn on_its_own(
    model: &Decoder,
    ids: &[u32],
    own: &OwnWay,
    tokenizer: Option<&Tokenizer>,
    flags: &Flags,
) -> Result<Vec<OwnToken>, EngineError> {
    let from = own.from.min(ids.len());
    if from == 0 || own.tokens == 0 {
        return Ok(vec![]);
    }
    let request = Request {
        prompt: &ids[..from],
        sampling: infer::Sampling::default(),
        max_tokens: own.tokens,
        stop_ids: &own.stop_ids,
        alternatives: 1,
    };
    let text = |id: u32| tokenizer.map(|t| t.token_text(id)).unwrap_or_default();
    let mut written = vec![];
    let result = infer::generate(model, &request, &mut |progress| {
        if let Progress::Token(picked) = progress {
            written.push(OwnToken {
                id: picked.id,
                text: text(picked.id),
                probability: picked.probability(),
            });
        }
        !flags.stopped()
    })?;
    if let Ended::Id(id) = result.ended {
        let text = text(id);
        written.push(OwnToken {
            id,
            text,
            probability: None,
        });
    }
    Ok(written)
}

/// One optimizer step of the recipe's adapter (LoRA where it has none) on the row alone, at the recipe's full learning rate, and the losses after it. The loaded model stays as
/// it is.
fn one_step(
    base: Decoder,
    recipe: &Recipe,
    model: &ModelRef,
    row: &Example,
    before: &[Option<TokenView>],
) -> Result<LessonStep, EngineError> {
    let device = base.device();
    let adapter = match model.adapter.as_deref() {
        Some(dir) => Adapter::load(dir, &base.config, &device)?,
        None => {
            let mut recipe = recipe.clone();
            // A lesson shows what the step does, not what dropout hides.
            recipe.method.dropout = 0.0;
            adapters::fresh(&recipe, &base, row.ids.iter().copied(), &[], &device)?
        }
    };
    let o = &recipe.optim;
    let setup = TrainerSetup {
        optimizer: OptimizerConfig::from(o),
        schedule: LrSchedule {
            kind: Schedule::Constant,
            peak: o.lr,
            warmup: 0,
            total: 1,
            decay: 0,
        },
        clip: o.clip,
        seed: recipe.data.seed,
        passes: Passes::default(),
    };
    let mut trainer = Trainer::new(base, Trained::from(adapter), setup)?;
    let report = trainer.step(&[collate(std::slice::from_ref(row), &[vec![0]], 0)])?;
    let after = infer::score(&trainer.model, &row.ids, false)?;
    let learned = before.iter().zip(&row.mask).filter(|(_, learned)| **learned);
    let losses: Vec<f64> = learned.filter_map(|(v, _)| Some(f64::from(v.as_ref()?.nll))).collect();
    Ok(LessonStep {
        lr: report.lr,
        grad_norm: report.grad_norm,
        trainable: trainer.trainable(),
        before: losses.iter().sum::<f64>() / losses.len().max(1) as f64,
        after: after.mean(&row.mask).unwrap_or_default(),
        nll: after.nll,
    })
}
