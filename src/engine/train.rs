//! The Train job: a recipe in, a run folder out. Brings data, tokenizer, template, model, adapter and trainer together; the
//! steps themselves are `train`'s.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use burn::tensor::Device;

use super::batches::{Batches, eval_batches};
use super::observe::{Reporter, SamplePrompt};
use super::prepare::{Origin, Prepared, prepare_data};
use super::run_folder::{Outcome, RunFolder};
use super::{EngineError, Flags, Sink, devices, load_base, memory};
use crate::adapter::{Lora, LoraSpec};
use crate::batch::check_ids;
use crate::data::{Conversation, Kind, Message, RawRows, ReadOptions, Role, Source, Split};
use crate::formats::config::ModelConfig;
use crate::formats::places::find_model;
use crate::model::{Decoder, Storage};
use crate::protocol::Event;
use crate::recipe::{Init, MethodKind, Recipe};
use crate::template::Template;
use crate::tokens::Tokenizer;
use crate::tokens::{Chosen, choose};
use crate::train::{self, AdamWConfig, LoopPlan, LrSchedule, TrainError, Trained, Trainer, TrainerSetup, TrainerState};

/// Samples at an evaluation.
const SAMPLES: usize = 3;

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

/// Everything that is fixed once a run begins.
struct Setting {
    recipe: Recipe,
    dir: PathBuf,
    tokenizer: Arc<Tokenizer>,
    template: Template,
    data: Prepared,
    device: Device,
    device_name: String,
}

impl Setting {
    /// The template, unless every row is raw text: a base that only continues text must not look like one that chats.
    fn used_template(&self) -> Option<&Template> {
        let chats = self.data.rows.iter().any(|row| row.kind != Kind::Text);
        chats.then_some(&self.template)
    }
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

fn set_up(request: &TrainRequest<'_>, sink: Sink<'_>, flags: &Flags) -> Result<(Setting, RunFolder), EngineError> {
    let mut recipe = request.recipe.clone();
    refuse_what_would_be_ignored(&recipe)?;
    let dir = find_model(&recipe.model.path)?;
    let (device, info) = devices::open(&recipe.model.device)?;
    let tokenizer = Arc::new(Tokenizer::load(&dir)?);
    let Chosen { template, note, .. } = chosen(&recipe, request.init_adapter, &tokenizer)?;
    let data = prepare_data(&recipe, &tokenizer, &template, sink, flags)?;
    recipe.data.sha256 = data.sha256.clone();
    let setting = Setting {
        recipe,
        dir,
        tokenizer,
        template,
        data,
        device,
        device_name: info.label,
    };
    if let (Some(message), Some(_)) = (note, setting.used_template()) {
        sink(Event::Warning { message });
    }
    let folder = RunFolder::open(request.run_dir, &setting.recipe, setting.used_template())?;
    Ok((setting, folder))
}

/// The template that a recipe asks for, else the adapter's, else the model's, else ChatML.
///
/// # Errors
/// The name is unknown or the file cannot be read.
pub(super) fn chosen(recipe: &Recipe, adapter: Option<&Path>, tokenizer: &Tokenizer) -> Result<Chosen, EngineError> {
    Ok(choose(recipe.template.asked().as_deref(), adapter, tokenizer)?)
}

/// Settings that recipes have but training does not follow yet: refused, since a run that ignores them would not be the one asked for.
fn refuse_what_would_be_ignored(recipe: &Recipe) -> Result<(), EngineError> {
    if let Some(module) = recipe.method.modules_to_save.first() {
        return Err(EngineError::Unsupported {
            field: "method.modules_to_save",
            value: format!("[\"{module}\"]"),
            hint: "Leave it out; method.train_markers trains the rows of new marker tokens.",
        });
    }
    if recipe.batch.checkpointing {
        return Err(EngineError::Unsupported {
            field: "batch.checkpointing",
            value: "true".into(),
            hint: "Leave it out, and use a smaller batch.size with more batch.accumulation to save memory.",
        });
    }
    Ok(())
}

fn make_trainer(
    setting: &Setting,
    request: &TrainRequest<'_>,
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<Trainer, EngineError> {
    let recipe = &setting.recipe;
    let model = load_model(setting, sink, flags)?;
    let vocab = model.config.vocab_size;
    for examples in [&setting.data.train, &setting.data.eval] {
        check_ids(examples, vocab)?;
    }
    let trained = match recipe.method.kind {
        MethodKind::Full => Trained::Full,
        MethodKind::Lora => Trained::Lora(Box::new(make_lora(setting, &model, request.init_adapter)?)),
    };
    let steps = total_steps(recipe, Batches::of(setting).steps_per_epoch());
    let schedule = LrSchedule {
        kind: recipe.optim.schedule,
        peak: recipe.optim.lr,
        warmup: train::warmup_steps(recipe.optim.warmup, steps),
        total: steps,
    };
    let o = &recipe.optim;
    let adamw = AdamWConfig {
        beta1: o.beta1,
        beta2: o.beta2,
        eps: 1e-8,
        weight_decay: o.weight_decay,
    };
    Ok(Trainer::new(
        model,
        trained,
        TrainerSetup {
            adamw,
            schedule,
            clip: o.clip,
            seed: recipe.data.seed,
        },
    )?)
}

fn load_model(setting: &Setting, sink: Sink<'_>, flags: &Flags) -> Result<Decoder, EngineError> {
    if setting.recipe.model.init == Init::Random {
        let config = ModelConfig::read(&setting.dir)?;
        setting.tokenizer.check_embedding(config.vocab_size)?;
        return Ok(Decoder::random(config, setting.recipe.data.seed, &setting.device)?);
    }
    // Full training keeps its own copies of all weights; only a frozen base gains from a smaller storage.
    let storage = match (setting.recipe.method.kind, setting.recipe.model.dtype.as_str()) {
        (MethodKind::Lora, "f16") => Storage::F16,
        _ => Storage::F32,
    };
    let model = load_base(&setting.dir, storage, &setting.device, sink, flags)?;
    setting.tokenizer.check_embedding(model.config.vocab_size)?;
    Ok(model)
}

fn make_lora(setting: &Setting, model: &Decoder, init: Option<&Path>) -> Result<Lora, EngineError> {
    if let Some(dir) = init {
        return Ok(Lora::load(dir, &model.config, &setting.device)?);
    }
    let m = &setting.recipe.method;
    let spec = LoraSpec {
        r: m.r,
        alpha: m.alpha,
        dropout: m.dropout,
        targets: m.targets.clone(),
        rslora: m.rslora,
    };
    let markers = untrained_markers(setting);
    Ok(Lora::new(
        model,
        spec,
        &markers,
        setting.recipe.data.seed,
        &setting.device,
    )?)
}

/// Does the recipe train the rows of marker tokens beside LoRA?
pub(super) fn trains_markers(recipe: &Recipe, tokenizer: &Tokenizer) -> bool {
    match recipe.method.train_markers.as_str() {
        "on" => true,
        "off" => false,
        _ => tokenizer.chat_template().is_none(),
    }
}

/// Special tokens of the rendered rows that a base without a template of its own has never learned (design: train markers).
fn untrained_markers(setting: &Setting) -> Vec<u32> {
    if !trains_markers(&setting.recipe, &setting.tokenizer) {
        return vec![];
    }
    let eos = setting.tokenizer.eos_id();
    let ids = setting.data.train.iter().flat_map(|e| e.ids.iter().copied());
    let mut found: Vec<u32> = ids
        .filter(|id| Some(*id) != eos && setting.tokenizer.is_special(*id))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn resume(trainer: &mut Trainer, run_dir: &Path) -> Result<TrainerState, EngineError> {
    let (_, dir) = train::newest_checkpoint(run_dir).ok_or_else(|| EngineError::NoCheckpoint(run_dir.into()))?;
    Ok(trainer.resume(&dir)?)
}

impl Setting {
    /// Fills short rows; never learned, never attended to.
    fn pad(&self) -> u32 {
        self.tokenizer.eos_id().unwrap_or(0)
    }
}

impl<'a> Batches<'a> {
    fn of(setting: &'a Setting) -> Self {
        Self::new(&setting.recipe, &setting.data.train, setting.pad())
    }
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

/// The prompts that are answered at each evaluation: the recipe's own, else the first held-out ones.
fn sample_prompts(setting: &Setting) -> Vec<SamplePrompt> {
    let given = &setting.recipe.eval.prompts;
    if !given.is_empty() {
        return given.iter().map(|text| ask(text)).collect();
    }
    let held_out = setting
        .data
        .rows
        .iter()
        .filter(|row| row.held_out && row.kind != Kind::Text);
    let mut open: Option<(usize, RawRows)> = None;
    let mut read = |origin: &Origin| {
        if open.as_ref().is_none_or(|(file, _)| *file != origin.file) {
            let path = setting.data.files.get(origin.file)?;
            open = Some((origin.file, RawRows::open(path).ok()?));
        }
        let (_, rows) = open.as_ref()?;
        Some(rows.row(origin.row, ReadOptions::default())?.read?.0)
    };
    held_out
        .filter_map(|origin| up_to_answer(read(origin)?))
        .take(SAMPLES)
        .collect()
}

fn ask(text: &str) -> SamplePrompt {
    SamplePrompt {
        text: text.into(),
        conversation: Conversation {
            messages: vec![Message::new(Role::User, text)],
            tools: None,
            documents: None,
            kind: Kind::Chat,
            source: Source {
                file: Arc::default(),
                line: 0,
                row: 0,
            },
            split: Split::Eval,
        },
    }
}

/// The messages before the first answer; `None` for raw text.
fn up_to_answer(mut conversation: Conversation) -> Option<SamplePrompt> {
    let first = conversation
        .messages
        .iter()
        .position(|m| m.role == Role::Assistant)
        .filter(|i| *i > 0)?;
    conversation.messages.truncate(first);
    let text = conversation.messages.last()?.content.clone();
    Some(SamplePrompt { text, conversation })
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
