//! The Train job: a recipe in, a run folder out. Brings data, tokenizer, template, model, adapter and trainer together; the
//! steps themselves are `train`'s.

mod dry;
mod find_rate;
mod prompts;
mod setting;
mod start;

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

pub(super) use find_rate::run as find_rate;
pub(super) use setting::chosen;
pub(super) use start::{random_model, trainer_over, trains_markers};

use super::batches::{Batches, eval_batches};
use super::observe::Reporter;
use super::prepare::Prepared;
use super::run_folder::{Outcome, RunFolderError};
use super::{EngineError, EntropyWatch, Flags, Sink, memory};
use crate::formats::checkpoint;
use crate::protocol::Event;
use crate::recipe::{LintFacts, ModelShape, Recipe, lints, steps_of};
use crate::train::{self, LoopPlan, RunEnd, TrainError, Trainer, TrainerState};
use prompts::sample_prompts;
use setting::{Setting, set_up};
use start::make_trainer;

/// What a Train job asks for.
pub struct TrainRequest<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// Where the run is written.
    pub run_dir: &'a Path,
    /// Go on from the newest checkpoint.
    pub resume: bool,
    /// Start from this adapter instead of a fresh one.
    pub init_adapter: Option<&'a Path>,
    /// Take the conversations of a packed row one by one.
    pub unpacked: bool,
    /// What an audit called the data that it saw; other data are refused.
    pub audited: Option<&'a str>,
}

/// Trains by a recipe; events go to `sink` as they happen.
///
/// # Errors
/// What went wrong and what to do. What was learned until then is kept in the run folder.
pub fn run_training(request: &TrainRequest<'_>, sink: Sink<'_>, flags: &Flags) -> Result<(), EngineError> {
    let start = Instant::now();
    memory::forget_peak();
    let idle = memory::memory_now();
    let (setting, folder) = set_up(request, sink, flags)?;
    let mut batches = Batches::of(&setting);
    let plan = loop_plan(&setting, request.run_dir, &batches);
    let mut trainer = make_trainer(&setting, request.init_adapter, plan.total_steps, sink, flags)?;
    warn_of_mistakes(&setting, &trainer, batches.rows(), &plan, sink);
    dry::dry_step(&setting, &mut trainer, batches.largest(), idle, sink)?;
    trainer.smooth = flags.smooth();
    let state = match request.resume {
        true => resume(&mut trainer, request.run_dir, sink)?,
        false => TrainerState::default(),
    };
    announce(&setting, &trainer, &plan, request.run_dir, sink);
    let mut reporter = Reporter {
        sink,
        flags,
        tokenizer: setting.tokenizer.clone(),
        template: setting.template.clone(),
        prompts: sample_prompts(&setting),
        device: setting.device.clone(),
        entropy: EntropyWatch::default(),
        data: &setting.data,
        skipped: vec![],
    };
    let eval = eval_batches(&setting.recipe, &setting.data.eval, setting.pad(), setting.unpacked);
    let end = train::run(
        &mut trainer,
        &plan,
        state,
        &mut |step| batches.at(step),
        &eval,
        &mut reporter,
    );
    let skipped = reporter.skipped;
    match end {
        Ok(RunEnd::Suspended) => {
            sink(Event::Suspended { step: trainer.steps() });
            return Ok(());
        }
        // From a device that failed nothing can be read any more; the last checkpoint has what was learned.
        Err(error) if !matches!(error, TrainError::NotFinite { .. }) => return Err(error.into()),
        _ => tell_end(&end, &plan, trainer.steps(), sink),
    }
    let kept = folder.keep(
        &mut trainer,
        &Outcome {
            recipe: &setting.recipe,
            template: setting.used_template(),
            base_dir: &setting.dir,
            tokenizer: &setting.tokenizer,
        },
        sink,
        flags,
    )?;
    let seconds = start.elapsed().as_secs_f64();
    sink(Event::TrainEnd {
        step: trainer.steps(),
        path: kept.clone(),
        stopped: !matches!(end, Ok(RunEnd::Finished | RunEnd::NoGain)),
        seconds,
        peak_memory: memory::peak_memory(),
    });
    end.map(drop)
        .map_err(|error| name_rows(&error, &setting.data, &skipped, &kept))
}

/// What the user should know of the end of a run that watches its held-out loss.
fn tell_end(end: &Result<RunEnd, TrainError>, plan: &LoopPlan, step: usize, sink: Sink<'_>) {
    let warn = |message: String| sink(Event::Warning { message });
    if matches!(end, Ok(RunEnd::NoGain)) {
        warn(format!(
            "The held-out loss did not fall for {} evaluations, so training ends early.",
            plan.patience
        ));
    }
    if matches!(end, Ok(RunEnd::NoGain | RunEnd::Finished)) && plan.patience > 0 {
        warn(format!(
            "The result has the weights of step {step}, where the held-out loss was best."
        ));
    }
}

/// Common mistakes in the recipe, in the words of the form.
fn warn_of_mistakes(setting: &Setting, trainer: &Trainer, train_rows: usize, plan: &LoopPlan, sink: Sink<'_>) {
    let shape = ModelShape::from(&trainer.model.config);
    let facts = LintFacts {
        train_rows,
        eval_rows: setting.data.eval.len(),
        steps: plan.total_steps,
        shape: Some(&shape),
        // The audit has told.
        learns_to_stop: None,
    };
    for lint in lints(&setting.recipe, &facts) {
        sink(Event::Warning { message: lint.message });
    }
}

/// Puts the trainer where the newest whole checkpoint is; what is damaged is told and put aside. A run that did not come to its first
/// checkpoint begins anew.
fn resume(trainer: &mut Trainer, run_dir: &Path, sink: Sink<'_>) -> Result<TrainerState, EngineError> {
    let (found, damaged) = checkpoint::newest(run_dir);
    let from = match &found {
        Some((_, dir)) => named(dir),
        None => "the beginning".into(),
    };
    for each in &damaged {
        sink(Event::Warning {
            message: format!(
                "{} is damaged: {}. The run goes on from {from}.",
                named(&each.path),
                each.why
            ),
        });
        checkpoint::put_aside(each).map_err(|e| RunFolderError::write(&each.path, e))?;
    }
    match found {
        Some((_, dir)) => Ok(trainer.resume(&dir)?),
        None if damaged.is_empty() => {
            let message = "The run had no checkpoint yet; it begins anew.".into();
            sink(Event::Warning { message });
            Ok(TrainerState::default())
        }
        None => Ok(TrainerState::default()),
    }
}

fn named(dir: &Path) -> String {
    dir.file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned())
}

fn loop_plan(setting: &Setting, run_dir: &Path, batches: &Batches<'_>) -> LoopPlan {
    let recipe = &setting.recipe;
    let total = steps_of(batches.rows(), &recipe.batch, &recipe.optim);
    LoopPlan {
        total_steps: total,
        steps_per_epoch: batches.steps_per_epoch() as f64,
        eval_every: recipe.eval.interval(total),
        save_every: recipe.save.interval(total),
        keep: recipe.save.keep,
        keep_best: recipe.save.best || recipe.eval.patience > 0,
        patience: recipe.eval.patience,
        run_dir: run_dir.into(),
        base_model: recipe.model.path.clone(),
        seed: recipe.data.seed,
    }
}

fn announce(setting: &Setting, trainer: &Trainer, plan: &LoopPlan, run_dir: &Path, sink: Sink<'_>) {
    sink(Event::TrainStart {
        run: named(run_dir),
        device: setting.device_name.clone(),
        steps: plan.total_steps,
        epochs: plan.total_steps as f64 / plan.steps_per_epoch.max(1.0),
        train_rows: setting.data.train.len(),
        eval_rows: setting.data.eval.len().min(setting.recipe.eval.rows),
        skipped_rows: setting.data.skipped,
        trainable: trainer.trainable(),
        total_params: trainer.model.config.parameters(),
        template: setting
            .used_template()
            .map_or("none (raw text)".into(), |t| t.name.clone()),
        start_step: trainer.steps(),
    });
}

fn name_rows(error: &TrainError, data: &Prepared, skipped: &[usize], kept: &Path) -> EngineError {
    let mut places: Vec<String> = data
        .origins(skipped)
        .filter_map(|row| Some(format!("{} line {}", data.files.get(row.file)?.display(), row.line)))
        .collect();
    let mut told = HashSet::new();
    places.retain(|place| told.insert(place.clone()));
    EngineError::NotFinite {
        cause: error.to_string(),
        rows: places.join(", "),
        kept: format!("The last good weights are in {}.", kept.display()),
    }
}
