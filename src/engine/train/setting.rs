//! What is fixed once a run begins: recipe, tokenizer, template, data and device. Knows no model and no steps.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;

use super::{TrainRequest, start};
use crate::data::Kind;
use crate::engine::batches::Batches;
use crate::engine::prepare::{Prepared, prepare_data};
use crate::engine::run_folder::{RunFolder, RunFolderError, changed_files};
use crate::engine::{EngineError, Flags, Sink, devices};
use crate::formats::places::find_model;
use crate::protocol::Event;
use crate::recipe::Recipe;
use crate::template::Template;
use crate::tokens::{Chosen, Tokenizer, choose};

/// Everything that is fixed once a run begins.
pub(super) struct Setting {
    pub recipe: Recipe,
    pub dir: PathBuf,
    pub tokenizer: Arc<Tokenizer>,
    pub template: Template,
    pub data: Prepared,
    pub device: Device,
    pub device_name: String,
    /// Bytes of memory that the device has; `None` = unknown.
    pub device_memory: Option<u64>,
    /// Are the conversations of a packed row taken one by one?
    pub unpacked: bool,
}

impl Setting {
    /// The template, unless every row is raw text: a base that only continues text must not look like one that chats.
    pub fn used_template(&self) -> Option<&Template> {
        let chats = self.data.rows.iter().any(|row| row.kind != Kind::Text);
        chats.then_some(&self.template)
    }

    /// Fills short rows; never learned, never attended to.
    pub fn pad(&self) -> u32 {
        self.tokenizer.eos_id().unwrap_or(0)
    }
}

impl<'a> Batches<'a> {
    pub(super) fn of(setting: &'a Setting) -> Self {
        Self::new(&setting.recipe, &setting.data.train, setting.pad(), setting.unpacked)
    }
}

/// Everything that is fixed, and the run's folder.
pub(super) fn set_up(
    request: &TrainRequest<'_>,
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<(Setting, RunFolder), EngineError> {
    let setting = prepare(request.recipe, request.init_adapter, request.unpacked, sink, flags)?;
    if request.audited.is_some_and(|seen| seen != setting.data.seen) {
        return Err(RunFolderError::Unseen.into());
    }
    if !request.resume {
        tell_changed(request.recipe, &setting.recipe, sink);
    }
    let folder = RunFolder::open(
        request.run_dir,
        &setting.recipe,
        setting.used_template(),
        request.resume,
    )?;
    Ok((setting, folder))
}

/// Everything that is fixed; writes nothing. `unpacked` takes the conversations of a packed row one by one.
pub(super) fn prepare(
    recipe: &Recipe,
    init_adapter: Option<&Path>,
    unpacked: bool,
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<Setting, EngineError> {
    let mut recipe = recipe.clone();
    let dir = find_model(&recipe.model.path)?;
    let (device, info) = devices::open(&recipe.model.device)?;
    start::check_compute(&recipe, &device)?;
    let tokenizer = Arc::new(Tokenizer::load(&dir)?);
    let Chosen { template, note, .. } = chosen(&recipe, init_adapter, &tokenizer)?;
    let data = prepare_data(&recipe, &tokenizer, &template, sink, flags)?;
    recipe.data.sha256.clone_from(&data.sha256);
    recipe.data.replay_sha256.clone_from(&data.replay_sha256);
    let setting = Setting {
        recipe,
        dir,
        tokenizer,
        template,
        data,
        device,
        device_memory: info.memory.map(|m| m.total),
        device_name: info.label,
        unpacked,
    };
    if let (Some(message), Some(_)) = (note, setting.used_template()) {
        sink(Event::Warning { message });
    }
    Ok(setting)
}

/// A recipe that a run has written knows the files of that run.
fn tell_changed(asked: &Recipe, now: &Recipe, sink: Sink<'_>) {
    for file in changed_files(asked, now) {
        let message = format!(
            "{} is not the file that the recipe was written for: it changed since. Training learns from it as it is now.",
            file.display()
        );
        sink(Event::Warning { message });
    }
}

/// The template that a recipe asks for, else the adapter's, else the model's, else ChatML.
///
/// # Errors
/// The name is unknown or the file cannot be read.
pub(in crate::engine) fn chosen(
    recipe: &Recipe,
    adapter: Option<&Path>,
    tokenizer: &Tokenizer,
) -> Result<Chosen, EngineError> {
    Ok(choose(recipe.template.asked().as_deref(), adapter, tokenizer)?)
}
