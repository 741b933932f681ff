//! Where the values of weights come from while a model is built: a checkpoint, or a function. Knows no devices.

use crate::formats::config::{ModelConfig, WeightSpec};
use crate::formats::source::{PackedBytes, TensorSource};
use crate::formats::weights::HostTensor;

use super::packing::is_quantised;
use super::{ModelError, Storage};

/// Gives weights by what the config asks for.
pub(super) trait Source {
    /// The values, in the shape of the spec.
    fn values(&mut self, spec: &WeightSpec) -> Result<HostTensor, ModelError>;

    /// A matrix as it is stored, where it is to be kept so: always rows of outputs.
    fn stored(&mut self, spec: &WeightSpec, storage: Storage) -> Result<Option<PackedBytes<'_>>, ModelError>;
}

/// Values made by a function.
pub(super) struct FromFunction<F>(pub F);

impl<F: FnMut(&WeightSpec) -> Result<HostTensor, ModelError>> Source for FromFunction<F> {
    fn values(&mut self, spec: &WeightSpec) -> Result<HostTensor, ModelError> {
        (self.0)(spec)
    }

    fn stored(&mut self, _: &WeightSpec, _: Storage) -> Result<Option<PackedBytes<'_>>, ModelError> {
        Ok(None)
    }
}

/// Values of a checkpoint, read one tensor at a time.
pub(super) struct FromCheckpoint<'a> {
    weights: &'a dyn TensorSource,
    config: ModelConfig,
    done: u64,
    total: u64,
    /// Told bytes of f32 done and in all; says whether to go on.
    progress: &'a mut dyn FnMut(u64, u64) -> bool,
}

impl<'a> FromCheckpoint<'a> {
    pub fn new(
        weights: &'a dyn TensorSource,
        config: ModelConfig,
        progress: &'a mut dyn FnMut(u64, u64) -> bool,
    ) -> Self {
        Self {
            weights,
            done: 0,
            total: config.parameters() * 4,
            config,
            progress,
        }
    }

    /// The name that this checkpoint uses for a weight.
    fn name(&self, spec: &WeightSpec) -> String {
        let names = self.config.spellings(&spec.name);
        let found = names.into_iter().find(|name| self.weights.has(name));
        found.unwrap_or_else(|| spec.name.clone())
    }

    fn count(&mut self, spec: &WeightSpec) -> Result<(), ModelError> {
        self.done += spec.shape.iter().product::<usize>() as u64 * 4;
        match (self.progress)(self.done, self.total) {
            true => Ok(()),
            false => Err(ModelError::Cancelled),
        }
    }
}

impl Source for FromCheckpoint<'_> {
    fn values(&mut self, spec: &WeightSpec) -> Result<HostTensor, ModelError> {
        let tensor = self.weights.read_shaped(&self.name(spec), &spec.shape)?;
        self.count(spec)?;
        Ok(tensor)
    }

    fn stored(&mut self, spec: &WeightSpec, storage: Storage) -> Result<Option<PackedBytes<'_>>, ModelError> {
        let name = self.name(spec);
        // Another shape is left to `values`, which names both.
        if self.weights.shape(&name).as_ref() != Some(&spec.shape) {
            return Ok(None);
        }
        let Some(kind) = self.weights.kind(&name) else {
            return Ok(None);
        };
        // Plain numbers that a file stores as [in, out] are not rows of outputs.
        let as_it_is = storage == Storage::AsStored && !spec.is_transposed();
        if !as_it_is && !is_quantised(kind) {
            return Ok(None);
        }
        self.count(spec)?;
        Ok(self.weights.packed(&name))
    }
}
