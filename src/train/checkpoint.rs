//! Checkpoints: a folder that is whole or absent, holding the trained weights, the optimizer and where the run stands.
//! Knows no recipe; the caller names the folders.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::optim::Kept;
use super::params::{Layout, Param, Trained};
use super::{LossScale, TrainError, Trainer};
use crate::formats::source::TensorSource;
use crate::formats::weights::{HostTensor, StoreType, WeightFile, write_whole};
use crate::formats::write_each::{Spec, write_each};
use crate::formats::{FormatError, checkpoint};
use crate::kernels::Compute;
use crate::model::{Decoder, ModelError, Slot, Stored, to_device, to_host};

/// `trainer_state.json`: where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainerState {
    /// Steps of the run, skipped ones included; the data cursor, the learning rate and the dropout seeds follow from it.
    pub step: usize,
    /// Updates that the optimizer made.
    pub updates: usize,
    /// Steps skipped since the last update.
    #[serde(default)]
    pub skipped_in_a_row: usize,
    /// The best checkpoint so far.
    #[serde(default)]
    pub best: Option<Best>,
    /// Was the evaluation of this step broken off?
    #[serde(default)]
    pub owes_evaluation: bool,
    /// Evaluations since the best one.
    #[serde(default)]
    pub evals_without_gain: usize,
    /// Passes over the data.
    pub epoch: f64,
    /// Seed of the run.
    pub seed: u64,
    /// What the loss is multiplied by, where products are in half precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<LossScale>,
    /// Step, loss and learning rate of the steps so far.
    pub log_history: Vec<(usize, f64, f64)>,
}

/// The evaluation with the lowest held-out loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its step.
    pub step: usize,
    /// Its loss; in single precision, which survives being written as text.
    pub loss: f32,
}

impl Trainer {
    /// Writes `dir` (`checkpoint-120`): weights, optimizer, state. A temporary folder is filled and renamed.
    ///
    /// # Errors
    /// The disk is full, the folder cannot be written or the device failed; nothing half-written stays under the final name.
    pub fn save_checkpoint(&mut self, dir: &Path, base_model: &str, state: &TrainerState) -> Result<(), TrainError> {
        let state = TrainerState {
            loss_scale: self.loss_scale(),
            ..state.clone()
        };
        // A resumed run needs the values that the optimizer goes on with.
        self.rest_unrounded()?;
        let saved = self.save_folder(dir, base_model, StoreType::F32, &mut |trainer, temp| {
            trainer.save_optimizer(&temp.join("optimizer.safetensors"))?;
            let text = serde_json::to_string_pretty(&state).map_err(|e| invalid(temp, e.to_string()))?;
            write_whole(&temp.join("trainer_state.json"), text.as_bytes())?;
            checkpoint::seal(temp).map_err(|source| unwritable(temp, source))
        });
        self.rest()?;
        saved
    }

    /// Writes `dir` with the trained weights only (`final`); `store` is how a whole model is stored; an adapter is in f32 unless the
    /// model reads it in bf16 and `store` allows that. `extra` may add files before the folder appears.
    ///
    /// # Errors
    /// The disk is full or the folder cannot be written.
    pub fn save_folder(
        &mut self,
        dir: &Path,
        base_model: &str,
        store: StoreType,
        extra: &mut dyn FnMut(&mut Self, &Path) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let parent = dir.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).map_err(|e| unwritable(parent, e))?;
        let temp = tempfile::Builder::new().prefix(checkpoint::SAVING).tempdir_in(parent);
        let temp = temp.map_err(|e| unwritable(parent, e))?;
        match &self.trained {
            Trained::Adapter(adapter) => {
                let store = match self.values() {
                    Compute::Bf16 => store,
                    _ => StoreType::F32,
                };
                adapter.save(temp.path(), base_model, &self.model.config, store)?;
            }
            Trained::Full => save_full(&mut self.model, temp.path(), store)?,
        }
        extra(self, temp.path())?;
        let made = temp.keep();
        let renamed = checkpoint::rename_into_place(&made, dir).inspect_err(|_| {
            // The half-named folder is of no use to anyone.
            let _ = std::fs::remove_dir_all(&made);
        });
        renamed.map_err(|e| unwritable(dir, e))
    }

    fn save_optimizer(&self, path: &Path) -> Result<(), TrainError> {
        let states = self.optimizer.state(&self.params);
        let spec = |(name, kept): &(String, Kept)| Spec {
            name: name.clone(),
            shape: kept.shape().to_vec(),
            store: kept.store(),
        };
        let specs: Vec<_> = states.iter().map(spec).collect();
        let step = self.optimizer.step.to_string();
        let metadata = [("format", "pt"), ("step", step.as_str())];
        write_each(path, &specs, &metadata, &mut |index| Ok(states[index].1.to_host()?))
    }

    /// Continues from a checkpoint folder: weights, the optimizer's state and the place in the data.
    ///
    /// # Errors
    /// The folder is not whole, or belongs to another kind of run.
    pub fn resume(&mut self, dir: &Path) -> Result<TrainerState, TrainError> {
        let path = dir.join("trainer_state.json");
        let text = std::fs::read_to_string(&path).map_err(|e| FormatError::Io {
            path: path.clone(),
            source: e,
        })?;
        let state: TrainerState = serde_json::from_str(&text).map_err(|e| invalid(&path, e.to_string()))?;
        let values = self.read_values(dir)?;
        let file = WeightFile::open(&dir.join("optimizer.safetensors"))?;
        let mut read = |name: &str, shape: [usize; 2], store| match store {
            StoreType::U8 => Ok(file.read_bytes(name, &shape)?),
            StoreType::F32 | StoreType::Bf16 => Ok(file.read_shaped(name, &shape)?),
        };
        self.optimizer.restore(&self.params, state.updates, &mut read)?;
        self.restore(values, state.step, state.loss_scale)?;
        Ok(state)
    }

    fn read_values(&mut self, dir: &Path) -> Result<Vec<Tensor<2>>, TrainError> {
        let device = self.model.device();
        match &self.trained {
            Trained::Adapter(_) => {
                let adapter = crate::adapter::Adapter::load(dir, &self.model.config, &device)?;
                let loaded = Trained::from(adapter).params(&mut self.model);
                in_order(dir, &self.params, loaded)
            }
            Trained::Full => load_full(dir, &self.params, &device),
        }
    }
}

/// Writes all weights of a model as `model.safetensors` into an existing folder.
///
/// # Errors
/// The folder cannot be written, the disk is full, or the device failed.
fn save_full(model: &mut Decoder, dir: &Path, store: StoreType) -> Result<(), TrainError> {
    let slots = model.slots_mut();
    let spec = |(name, slot): &(String, Slot<'_>)| Spec {
        name: name.clone(),
        shape: shape(slot),
        store,
    };
    let specs: Vec<_> = slots.iter().map(spec).collect();
    let path = dir.join("model.safetensors");
    write_each(&path, &specs, &[("format", "pt")], &mut |index| {
        Ok(stored(&slots[index].1)?)
    })
}

/// The shape that checkpoints give a weight.
fn shape(slot: &Slot<'_>) -> Vec<usize> {
    match slot {
        Slot::Matrix(weight) | Slot::Linear(weight, Stored::AsIs) => weight.shape().to_vec(),
        Slot::Linear(weight, Stored::Transposed) => weight.shape().into_iter().rev().collect(),
        Slot::Vector(tensor) => tensor.dims().to_vec(),
    }
}

/// The values of a weight in the shape that checkpoints give it.
fn stored(slot: &Slot<'_>) -> Result<HostTensor, ModelError> {
    match slot {
        Slot::Matrix(weight) | Slot::Linear(weight, Stored::AsIs) => to_host(&weight.matrix()),
        Slot::Linear(weight, Stored::Transposed) => Ok(to_host(&weight.matrix())?.transposed()),
        Slot::Vector(tensor) => {
            let flat = to_host(&Tensor::clone(tensor).unsqueeze::<2>())?;
            Ok(HostTensor {
                shape: vec![flat.values.len()],
                values: flat.values,
            })
        }
    }
}

/// Reads trained values of a full run in the order of `params`.
///
/// # Errors
/// A tensor is missing or has another shape.
fn load_full(dir: &Path, params: &[Param], device: &Device) -> Result<Vec<Tensor<2>>, TrainError> {
    let file = WeightFile::open(dir)?;
    params
        .iter()
        .map(|p| {
            let [rows, columns] = p.value.dims();
            let host = match p.layout {
                Layout::Matrix => file.read_shaped(&p.name, &[rows, columns])?,
                Layout::Transposed => file.read_shaped(&p.name, &[columns, rows])?.transposed(),
                Layout::Vector => HostTensor {
                    shape: vec![rows, columns],
                    ..file.read_shaped(&p.name, &[columns])?
                },
            };
            Ok(to_device(host, device))
        })
        .collect()
}

fn in_order(dir: &Path, params: &[Param], loaded: Vec<Param>) -> Result<Vec<Tensor<2>>, TrainError> {
    let mut by_name: BTreeMap<String, Tensor<2>> = loaded.into_iter().map(|p| (p.name, p.value)).collect();
    let missing = |name: &str| TrainError::Checkpoint {
        path: dir.into(),
        message: format!("it has no \"{name}\"; it belongs to another recipe"),
    };
    params
        .iter()
        .map(|p| by_name.remove(&p.name).ok_or_else(|| missing(&p.name)))
        .collect()
}

fn unwritable(path: &Path, source: std::io::Error) -> TrainError {
    let path = path.into();
    FormatError::Write { path, source }.into()
}

fn invalid(path: &Path, message: String) -> TrainError {
    TrainError::Checkpoint {
        path: path.into(),
        message,
    }
}
