//! The model, what of it is trained, and the trainer, made from a recipe. Knows no data but its ids.

use std::path::Path;

use burn::tensor::Device;

use super::setting::Setting;
use crate::adapter::Adapter;
use crate::batch::check_ids;
use crate::engine::{EngineError, Flags, Sink, adapters, load_base, loaded_event};
use crate::formats::config::ModelConfig;
use crate::kernels::Compute;
use crate::model::{Decoder, Storage};
use crate::protocol::Event;
use crate::recipe::{Init, MethodKind, Precision, Quant, Recipe};
use crate::tokens::Tokenizer;
use crate::train::{self, LrSchedule, OptimizerConfig, Passes, Trained, Trainer, TrainerSetup};

pub(super) fn make_trainer(
    setting: &Setting,
    init_adapter: Option<&Path>,
    steps: usize,
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<Trainer, EngineError> {
    let recipe = &setting.recipe;
    let mut model = load_model(setting, sink, flags)?;
    model.compute = compute(recipe.model.compute);
    sink(loaded_event(&recipe.model.path, &setting.device_name, &mut model));
    let vocab = model.config.vocab_size;
    for examples in [&setting.data.train, &setting.data.eval] {
        check_ids(examples, vocab)?;
    }
    let trained = match recipe.method.kind {
        MethodKind::Full => Trained::Full,
        _ => {
            let adapter = make_adapter(setting, &model, init_adapter, sink)?;
            check_context(&adapter, &model, setting)?;
            adapter.into()
        }
    };
    trainer_over(recipe, model, trained, steps)
}

/// The trainer of a recipe's `steps` over a model and what of it is trained.
///
/// # Errors
/// The adapter does not fit the model.
pub(in crate::engine) fn trainer_over(
    recipe: &Recipe,
    model: Decoder,
    trained: Trained,
    steps: usize,
) -> Result<Trainer, EngineError> {
    let schedule = LrSchedule {
        kind: recipe.optim.schedule,
        peak: recipe.optim.lr,
        warmup: train::warmup_steps(recipe.optim.warmup, steps),
        total: steps,
        decay: train::warmup_steps(recipe.optim.decay, steps),
    };
    let device = model.device();
    let trainer = Trainer::new(
        model,
        trained,
        TrainerSetup {
            optimizer: OptimizerConfig::from(&recipe.optim),
            schedule,
            clip: recipe.optim.clip,
            seed: recipe.data.seed,
            passes: Passes {
                checkpointing: recipe.batch.checkpointing,
                neftune: recipe.optim.neftune,
                kl: recipe.optim.kl,
                values: compute(recipe.method.adapter_dtype),
                ..Passes::default()
            },
        },
    )?;
    // Weights that are trained have left the places of frozen ones.
    device.memory_cleanup();
    Ok(trainer)
}

/// A base of random weights as a recipe keeps and computes it.
///
/// # Errors
/// The device cannot compute so, or failed.
pub(in crate::engine) fn random_model(
    recipe: &Recipe,
    config: ModelConfig,
    device: &Device,
) -> Result<Decoder, EngineError> {
    check_compute(recipe, device)?;
    let mut model = Decoder::random_in(config, storage(recipe), recipe.data.seed, device)?;
    model.compute = compute(recipe.model.compute);
    Ok(model)
}

fn load_model(setting: &Setting, sink: Sink<'_>, flags: &Flags) -> Result<Decoder, EngineError> {
    if setting.recipe.model.init == Init::Random {
        let config = ModelConfig::read(&setting.dir)?;
        setting.tokenizer.check_embedding(config.vocab_size)?;
        return Ok(Decoder::random(config, setting.recipe.data.seed, &setting.device)?);
    }
    let storage = storage(&setting.recipe);
    let model = load_base(&setting.dir, storage, &setting.device, sink, flags)?;
    setting.tokenizer.check_embedding(model.config.vocab_size)?;
    Ok(model)
}

fn compute(precision: Precision) -> Compute {
    match precision {
        Precision::F32 => Compute::F32,
        Precision::F16 => Compute::F16,
        Precision::Bf16 => Compute::Bf16,
    }
}

/// Refuses a type that the device cannot compute in, naming one that it can.
pub(super) fn check_compute(recipe: &Recipe, device: &Device) -> Result<(), EngineError> {
    let asked = recipe.model.compute;
    if compute(asked).works_on(device) {
        return Ok(());
    }
    let hint = match compute(Precision::F16).works_on(device) {
        true => "This device computes in f16 and f32: use one of them.",
        false => "This device computes in f32 alone: leave it out.",
    };
    Err(EngineError::Unsupported {
        field: "model.compute",
        value: asked.name().into(),
        hint,
    })
}

/// How the base is kept. Full training keeps its own copies of all weights; only a frozen base gains from a smaller storage.
fn storage(recipe: &Recipe) -> Storage {
    let m = &recipe.method;
    match (m.kind, m.quant, recipe.model.dtype.as_str()) {
        (MethodKind::Full, ..) => Storage::F32,
        (_, Quant::Nf4, _) => Storage::Nf4 { double: m.double_quant },
        (_, Quant::Q8, _) => Storage::Q8,
        (_, Quant::None, "f16") => Storage::F16,
        (_, Quant::None, _) => Storage::F32,
    }
}

fn make_adapter(
    setting: &Setting,
    model: &Decoder,
    init: Option<&Path>,
    sink: Sink<'_>,
) -> Result<Adapter, EngineError> {
    if let Some(dir) = init {
        let adapter = Adapter::load(dir, &model.config, &setting.device)?;
        return match adapters::is_of(&adapter, setting.recipe.method.kind) {
            true => Ok(adapter),
            false => Err(EngineError::Unsupported {
                field: "method.kind",
                value: format!("{:?}", setting.recipe.method.kind).to_lowercase(),
                hint: "The adapter to start from is of another kind: set the kind that it has, or start from none.",
            }),
        };
    }
    let ids = setting.data.train.iter().flat_map(|row| row.ids.iter().copied());
    let markers = untrained_markers(setting);
    if !markers.is_empty() && setting.recipe.method.kind != MethodKind::Lora {
        sink(Event::Warning {
            message: "This method cannot train the rows of the template's marker tokens; they stay as the base has them. With LoRA \
                      the model learns to end its answers sooner."
                .into(),
        });
    }
    adapters::fresh(&setting.recipe, model, ids, &markers, &setting.device)
}

/// Do the longest rows fit behind the virtual tokens, where the context cannot be left?
fn check_context(adapter: &Adapter, model: &Decoder, setting: &Setting) -> Result<(), EngineError> {
    let mut attached = model.clone();
    adapter.attach(&mut attached, false)?;
    let rows = setting.data.train.iter().chain(&setting.data.eval);
    let longest = rows.map(|row| row.ids.len()).max().unwrap_or(0);
    if model.config.fixed_context && longest > attached.context() {
        return Err(EngineError::Unsupported {
            field: "data.max_length",
            value: longest.to_string(),
            hint: "Virtual tokens take room in this model's context: lower it, or method.virtual_tokens.",
        });
    }
    Ok(())
}

/// Does the recipe train the rows of marker tokens beside LoRA?
pub(in crate::engine) fn trains_markers(recipe: &Recipe, tokenizer: &Tokenizer) -> bool {
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
