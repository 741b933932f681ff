//! Takes a job, gives events: the one place where data, templates, tokens, models and training meet. Runs in worker processes; knows
//! no window and no terminal.

mod adapters;
mod audit;
mod batches;
mod bench;
mod bench_data;
mod bench_matmul;
mod bench_train;
mod budget;
mod check;
pub mod devices;
mod entropy_watch;
mod error;
mod fetch;
mod flags;
mod generate;
mod lesson;
mod loaded;
mod memory;
mod observe;
mod prepare;
mod prompt;
mod reserved;
mod run_folder;
mod score;
mod stops;
mod train;
mod untrained;
mod writer;

pub use budget::of_amdgpu;
pub use entropy_watch::EntropyWatch;
pub use error::EngineError;
pub use flags::Flags;
pub use loaded::{Loaded, load_base, stage};
pub use memory::peak_memory;
pub use prompt::conversation;
pub use stops::StopTexts;

use crate::model::Decoder;
use crate::protocol::{Control, Event, Job, ModelRef, StoredAs};

/// Where events go.
pub type Sink<'a> = &'a dyn Fn(Event);

/// Does jobs in turn and keeps the loaded model between them.
#[derive(Default)]
pub struct Engine {
    loaded: Option<Loaded>,
}

impl Engine {
    /// An engine with nothing loaded.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does a job; events go to `sink` as they happen, `flags` interrupt it.
    ///
    /// # Errors
    /// What went wrong and what to do, for the user.
    pub fn run(&mut self, job: Job, sink: Sink<'_>, flags: &Flags) -> Result<(), EngineError> {
        match job {
            Job::Devices { check } => list_devices(check, sink),
            Job::Load { model } => {
                let loaded = self.load(&model, sink, flags)?;
                loaded.attach(model.adapter.as_deref())?;
            }
            Job::Generate {
                model,
                prompt,
                sampling,
                logits_top,
                alternatives,
            } => {
                let loaded = self.load(&model, sink, flags)?;
                let asked = generate::Asked {
                    model: &model,
                    prompt: &prompt,
                    sampling: &sampling,
                    logits_top,
                    alternatives,
                };
                generate::run(loaded, &asked, sink, flags)?;
            }
            Job::Bench {
                model,
                what,
                tokens,
                runs,
            } => {
                let loaded = self.load(&model, sink, flags)?;
                loaded.attach(model.adapter.as_deref())?;
                bench::run(loaded, &model, what, (tokens, runs), sink, flags)?;
            }
            Job::Score {
                model,
                rows,
                full_logits,
            } => {
                let loaded = self.load(&model, sink, flags)?;
                score::run(loaded, &model, &rows, full_logits.as_ref(), sink, flags)?;
            }
            Job::BenchData { recipe, runs } => bench_data::run(&recipe, runs, sink, flags)?,
            Job::BenchMatmul { device, size, runs } => {
                self.loaded = None;
                bench_matmul::run(&device, size, runs, sink, flags)?;
            }
            Job::BenchTrain { recipe, steps } => {
                self.loaded = None;
                bench_train::run(&recipe, steps, sink, flags)?;
            }
            Job::FindRate {
                recipe,
                init_adapter,
                range,
            } => {
                self.loaded = None;
                train::find_rate(&recipe, init_adapter.as_deref(), range, sink, flags)?;
            }
            Job::Audit { recipe } => audit::run(&recipe, sink, flags)?,
            Job::Lesson {
                model,
                row,
                own,
                alternatives,
                step,
            } => {
                let loaded = self.load(&model, sink, flags)?;
                let asked = lesson::Asked {
                    model: &model,
                    row: &row,
                    own: &own,
                    alternatives,
                    step: step.as_deref(),
                };
                lesson::run(loaded, &asked, sink, flags)?;
            }
            Job::Fetch { model, token } => fetch::run(&model, token.as_ref(), sink, flags)?,
            Job::Train {
                recipe,
                run_dir,
                resume,
                init_adapter,
                unpacked,
                smooth,
                audited,
            } => {
                if smooth {
                    flags.apply(Control::Smooth { on: true });
                }
                // Training takes all memory that it can get.
                self.loaded = None;
                let request = train::TrainRequest {
                    recipe: &recipe,
                    run_dir: &run_dir,
                    resume,
                    init_adapter: init_adapter.as_deref(),
                    unpacked,
                    audited: audited.as_deref(),
                };
                train::run_training(&request, sink, flags)?;
            }
        }
        Ok(())
    }

    /// The base in memory, loaded now unless it is there already; `Loaded` tells when it was.
    fn load(&mut self, model: &ModelRef, sink: Sink<'_>, flags: &Flags) -> Result<&mut Loaded, EngineError> {
        let mut loaded = loaded::load(self.loaded.take(), model, sink, flags)?;
        sink(loaded_event(&loaded.name, &loaded.info.name, &mut loaded.base));
        Ok(self.loaded.insert(loaded))
    }
}

/// What is told of a model that has been read.
fn loaded_event(model: &str, device: &str, base: &mut Decoder) -> Event {
    let stored = base.stored();
    Event::Loaded {
        model: model.into(),
        device: device.into(),
        parameters: base.config.parameters(),
        bytes: stored.iter().map(|(_, bytes)| bytes).sum(),
        stored: stored.into_iter().map(stored_as).collect(),
    }
}

fn stored_as((layout, bytes): (&'static str, u64)) -> StoredAs {
    StoredAs {
        layout: layout.into(),
        bytes,
    }
}

fn list_devices(check: bool, sink: Sink<'_>) {
    let mut devices = devices::list();
    let count = devices.len() as u64;
    for (index, device) in devices.iter_mut().enumerate().filter(|_| check) {
        stage(sink, &format!("Checking {}", device.name), index as u64, count);
        device.check = Some(check::check(&device.name));
    }
    sink(Event::Devices { devices });
}
