//! Models in memory: the base that is loaded, its tokenizer, and the adapter on top of it, kept between jobs. Knows where files are,
//! not what is asked of a model.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use burn::tensor::Device;

use super::{EngineError, Flags, Sink, devices};
use crate::adapter::Adapter;
use crate::formats::places;
use crate::infer::Context;
use crate::model::{Decoder, Storage};
use crate::protocol::{DeviceInfo, Event, ModelRef};
use crate::tokens::Tokenizer;

/// A base on a device.
pub struct Loaded {
    /// The name that the user gave.
    pub name: String,
    /// Its folder or `.gguf` file.
    pub dir: PathBuf,
    /// The base, without adapter.
    pub base: Decoder,
    /// Where it is.
    pub device: Device,
    /// What that is.
    pub info: DeviceInfo,
    changed: Option<SystemTime>,
    tokenizer: Option<Tokenizer>,
    tuned: Option<Tuned>,
    /// What the base has read.
    context: Context,
}

/// The base with an adapter attached; shares the base's memory.
struct Tuned {
    dir: PathBuf,
    changed: Option<SystemTime>,
    model: Decoder,
    /// What this model has read; the base's keys and values are others.
    context: Context,
}

/// Loads the model unless `current` is that model on that device already.
///
/// # Errors
/// The device or the model cannot be used, or the user stopped.
pub fn load(current: Option<Loaded>, model: &ModelRef, sink: Sink<'_>, flags: &Flags) -> Result<Loaded, EngineError> {
    let dir = places::find_model(&model.model)?;
    let info = devices::find(&model.device)?;
    let changed = weights_changed(&dir);
    if let Some(current) = current {
        if current.dir == dir && current.info.name == info.name && current.changed == changed {
            return Ok(current);
        }
        // Two models may not fit at once.
        let device = current.device.clone();
        drop(current);
        device.memory_cleanup();
    }
    let (device, info) = devices::open(&info.name)?;
    let base = load_base(&dir, Storage::AsStored, &device, sink, flags)?;
    Ok(Loaded {
        name: model.model.clone(),
        dir,
        base,
        device,
        info,
        changed,
        tokenizer: None,
        tuned: None,
        context: Context::new(),
    })
}

/// Reads the weights, with progress.
///
/// # Errors
/// The model cannot be used, or the user stopped.
pub fn load_base(
    dir: &Path,
    storage: Storage,
    device: &Device,
    sink: Sink<'_>,
    flags: &Flags,
) -> Result<Decoder, EngineError> {
    let mut shown = u64::MAX;
    let mut progress = |done: u64, total: u64| {
        // A percent at a time is enough.
        let percent = done * 100 / total.max(1);
        if percent != shown {
            shown = percent;
            stage(sink, "Loading the model", done, total);
        }
        !flags.stopped()
    };
    Ok(Decoder::load(dir, storage, device, &mut progress)?)
}

/// Tells how far a stage has come.
pub fn stage(sink: Sink<'_>, stage: &str, done: u64, total: u64) {
    sink(Event::Stage {
        stage: stage.into(),
        done,
        total,
    });
}

impl Loaded {
    /// The tokenizer, read at the first call: work on ids needs none.
    ///
    /// # Errors
    /// The model has no tokenizer that can be read.
    pub fn tokenizer(&mut self) -> Result<&Tokenizer, EngineError> {
        let tokenizer = match self.tokenizer.take() {
            Some(tokenizer) => tokenizer,
            None => Tokenizer::load(&self.dir)?,
        };
        tokenizer.check_embedding(self.base.config.vocab_size)?;
        Ok(self.tokenizer.insert(tokenizer))
    }

    /// Makes the adapter (or the bare base) the model that answers.
    ///
    /// # Errors
    /// The adapter cannot be read or does not fit.
    pub fn attach(&mut self, adapter: Option<&Path>) -> Result<(), EngineError> {
        let Some(dir) = adapter else { return Ok(()) };
        let changed = modified(&dir.join("adapter_model.safetensors"));
        if self
            .tuned
            .as_ref()
            .is_some_and(|t| t.dir == dir && t.changed == changed)
        {
            return Ok(());
        }
        let adapter = Adapter::load(dir, &self.base.config, &self.device)?;
        let mut model = self.base.clone();
        adapter.attach(&mut model, false)?;
        self.tuned = Some(Tuned {
            dir: dir.into(),
            changed,
            model,
            context: Context::new(),
        });
        Ok(())
    }

    /// The model that answers: tuned by `adapter` (attached before), or the base; with what it has read, and the tokenizer when it
    /// was read already.
    pub fn answering(&mut self, adapter: Option<&Path>) -> (&Decoder, &mut Context, Option<&Tokenizer>) {
        let (model, context) = match (&mut self.tuned, adapter) {
            (Some(tuned), Some(dir)) if tuned.dir == dir => (&tuned.model, &mut tuned.context),
            _ => (&self.base, &mut self.context),
        };
        (model, context, self.tokenizer.as_ref())
    }
}

/// When the weights were written, of a folder or of a `.gguf` file.
fn weights_changed(model: &Path) -> Option<SystemTime> {
    if model.is_file() {
        return modified(model);
    }
    let files = ["model.safetensors", "model.safetensors.index.json"];
    files.iter().find_map(|file| modified(&model.join(file)))
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|m| m.modified()).ok()
}
