//! The Train job: a recipe in, a run folder out. Brings data, tokenizer, template, model, adapter and trainer together; the
//! steps themselves are `train`'s.

mod prompts;
mod setting;
mod start;

use std::path::Path;
use std::time::Instant;

pub(super) use setting::chosen;
pub(super) use start::trains_markers;

use super::batches::{Batches, eval_batches};
use super::observe::Reporter;
use super::prepare::Prepared;
use super::run_folder::Outcome;
use super::{EngineError, Flags, Sink, memory};
use crate::protocol::Event;
use crate::recipe::Recipe;
use crate::train::{self, LoopPlan, TrainError, Trainer, TrainerState};
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
}

/// Trains by a recipe; events go to `sink` as they happen.
///
/// # Errors
/// What went wrong and what to do. What was learned until then is kept in the run folder.
pub fn run_training(request: &TrainRequest<'_>, sink: Sink<'_>, flags: &Flags) -> Result<(), EngineError> {
    let start = Instant::now();
    let (setting, folder) = set_up(request, sink, flags)?;
    let mut trainer = make_trainer(&setting, request, sink, flags)?;
    let mut batches = Batches::of(&setting);
    let plan = loop_plan(&setting, request.run_dir, batches.steps_per_epoch());
    let state = match request.resume {
        true => resume(&mut trainer, request.run_dir)?,
        false => TrainerState::default(),
    };
    announce(&setting, &trainer, &plan, request.run_dir, sink);
    let mut reporter = Reporter {
        sink,
        flags,
        tokenizer: setting.tokenizer.clone(),
        template: setting.template.clone(),
        prompts: sample_prompts(&setting),
    };
    let eval = eval_batches(&setting.recipe, &setting.data.eval, setting.pad());
    let end = train::run(
        &mut trainer,
        &plan,
        state,
        &mut |step| batches.at(step),
        &eval,
        &mut reporter,
    );
    let stopped = end.as_ref().map_or(true, |e| e.stopped);
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
        stopped,
        seconds,
        peak_memory: memory::peak_memory(),
    });
    match end {
        Ok(_) => Ok(()),
        Err(error @ TrainError::NotFinite { .. }) => Err(name_rows(error, &setting.data, &kept)),
        Err(error) => Err(error.into()),
    }
}

fn resume(trainer: &mut Trainer, run_dir: &Path) -> Result<TrainerState, EngineError> {
    let (_, dir) = train::newest_checkpoint(run_dir).ok_or_else(|| EngineError::NoCheckpoint(run_dir.into()))?;
    Ok(trainer.resume(&dir)?)
}

fn total_steps(recipe: &Recipe, per_epoch: usize) -> usize {
    match recipe.optim.max_steps {
        0 => ((recipe.optim.epochs * per_epoch as f64).ceil() as usize).max(1),
        steps => steps,
    }
}

fn loop_plan(setting: &Setting, run_dir: &Path, per_epoch: usize) -> LoopPlan {
    let recipe = &setting.recipe;
    let total = total_steps(recipe, per_epoch);
    let share = |every: usize, parts: usize| {
        if every == 0 {
            total.div_ceil(parts).max(1)
        } else {
            every
        }
    };
    LoopPlan {
        total_steps: total,
        steps_per_epoch: per_epoch as f64,
        eval_every: share(recipe.eval.every, 10),
        save_every: share(recipe.save.every, 5),
        keep: recipe.save.keep,
        run_dir: run_dir.into(),
        base_model: recipe.model.path.clone(),
        seed: recipe.data.seed,
    }
}

fn announce(setting: &Setting, trainer: &Trainer, plan: &LoopPlan, run_dir: &Path, sink: Sink<'_>) {
    let name = run_dir
        .file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    sink(Event::TrainStart {
        run: name,
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

fn name_rows(error: TrainError, data: &Prepared, kept: &Path) -> EngineError {
    let TrainError::NotFinite { rows, .. } = &error else {
        return error.into();
    };
    let mut places: Vec<String> = rows
        .iter()
        .filter_map(|i| data.rows.get(*i))
        .filter_map(|row| Some(format!("{} line {}", data.files.get(row.file)?.display(), row.line)))
        .collect();
    places.dedup();
    let kept = format!("The last good weights are in {}.", kept.display());
    EngineError::NotFinite {
        cause: error.to_string(),
        rows: places.join(", "),
        kept,
    }
}
