//! A model from a Hugging Face folder, tensor by tensor, or freshly initialised. Knows nothing of training.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::source::{FromCheckpoint, FromFunction, Source};
use super::{Decoder, Linear, ModelError, Norm, Replaced, Storage, Weight, block, packing};
use crate::formats::FormatError;
use crate::formats::config::{ModelConfig, NormKind, Role, WeightSpec};
use crate::formats::source::Checkpoint;
use crate::formats::weights::HostTensor;
use crate::kernels::Compute;

impl Decoder {
    /// Loads a model folder or a `.gguf` file; `progress(done, total)` counts bytes of f32 and returns whether to go on.
    ///
    /// # Errors
    /// A file is missing, broken, or does not fit the config; or `progress` said stop.
    pub fn load(
        path: &Path,
        storage: Storage,
        device: &Device,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Self, ModelError> {
        let checkpoint = Checkpoint::open(path)?;
        let config = ModelConfig::of(path, &checkpoint.config)?;
        let mut source = FromCheckpoint::new(checkpoint.weights.as_ref(), config.clone(), progress);
        Self::build(config, storage, device, &mut source)
    }

    /// A model with given weights, by checkpoint name.
    ///
    /// # Errors
    /// Whatever `source` returns.
    pub fn from_source(
        config: ModelConfig,
        storage: Storage,
        device: &Device,
        mut source: impl FnMut(&str, &[usize]) -> Result<HostTensor, ModelError>,
    ) -> Result<Self, ModelError> {
        let mut source = FromFunction(|spec: &WeightSpec| source(&spec.name, &spec.shape));
        Self::build(config, storage, device, &mut source)
    }

    /// A model for pretraining: matrices normal with deviation 0.02, those that write to the residual stream scaled by
    /// `1 / sqrt(2 layers)` (GPT-2, Radford et al. 2019, section 2.3), norms one, biases zero.
    ///
    /// # Errors
    /// The device failed.
    pub fn random(config: ModelConfig, seed: u64, device: &Device) -> Result<Self, ModelError> {
        Self::random_in(config, Storage::F32, seed, device)
    }

    /// [`Self::random`] with its linear layers kept in another way.
    ///
    /// # Errors
    /// As [`Self::random`].
    pub fn random_in(config: ModelConfig, storage: Storage, seed: u64, device: &Device) -> Result<Self, ModelError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let residual = 0.02 / (2.0 * config.num_hidden_layers as f32).sqrt();
        let one = if config.family.norm == NormKind::RmsPlusOne {
            0.0
        } else {
            1.0
        };
        let mut source = FromFunction(|spec: &WeightSpec| {
            let count = spec.shape.iter().product();
            let mut normals = |deviation: f32| (0..count).map(|_| normal(&mut rng) * deviation).collect();
            let values = match spec.role {
                Role::Norm => vec![one; count],
                Role::Bias => vec![0.0; count],
                Role::Linear { residual: true, .. } => normals(residual),
                Role::Linear { .. } | Role::Embedding | Role::Positions | Role::Head => normals(0.02),
            };
            Ok(HostTensor {
                shape: spec.shape.clone(),
                values,
            })
        });
        Self::build(config, storage, device, &mut source)
    }

    fn build(
        config: ModelConfig,
        storage: Storage,
        device: &Device,
        source: &mut dyn Source,
    ) -> Result<Self, ModelError> {
        let specs = config
            .weights()
            .into_iter()
            .map(|spec| (spec.name.clone(), spec))
            .collect();
        let mut weights = Weights {
            config: &config,
            specs,
            storage,
            device,
            source,
            path: String::new(),
        };
        let embed = weights.table(&config.embed_name())?;
        let positions = match config.positions_name() {
            Some(name) => Some(weights.table(&name)?),
            None => None,
        };
        let mut blocks = Vec::with_capacity(config.num_hidden_layers);
        for layer in 0..config.num_hidden_layers {
            weights.path = format!("{}.", config.block_path(layer));
            blocks.push(block::load(&mut weights)?);
        }
        weights.path.clear();
        let norm = weights.norm(&config.norm_path())?;
        let head = match config.tie_word_embeddings {
            true => None,
            false => Some(weights.table(&config.head_name())?),
        };
        Ok(Self {
            embed,
            positions,
            blocks,
            norm,
            head,
            token_rows: None,
            replaced: Replaced::default(),
            front: None,
            compute: Compute::F32,
            config,
        })
    }
}

/// The weights of a model while it is built: each is read when a block asks for it, in the table's shape.
pub(super) struct Weights<'a> {
    pub config: &'a ModelConfig,
    /// What the config asks for, by name.
    specs: BTreeMap<String, WeightSpec>,
    storage: Storage,
    device: &'a Device,
    source: &'a mut dyn Source,
    /// Goes before every name: the block's path with a dot.
    path: String,
}

impl Weights<'_> {
    /// A linear layer with its bias, if the table gives it one.
    pub fn linear(&mut self, name: &str) -> Result<Linear, ModelError> {
        let path = format!("{}{name}", self.path);
        let spec = self.spec(&format!("{path}.weight"))?;
        Ok(Linear {
            weight: packing::frozen(self.source, &spec, self.storage, self.device)?,
            bias: self.bias(&path)?,
            delta: None,
            after: None,
            transposed: spec.is_transposed(),
            row_squares: None,
        })
    }

    /// A norm with its bias, if the table gives it one.
    pub fn norm(&mut self, name: &str) -> Result<Norm, ModelError> {
        let path = format!("{}{name}", self.path);
        Ok(Norm {
            weight: self.vector(&format!("{path}.weight"))?,
            bias: self.bias(&path)?,
            kind: self.config.family.norm,
            eps: self.config.norm_eps,
        })
    }

    /// A matrix outside the blocks: in the file's own layout where that is kept, else in f32.
    fn table(&mut self, name: &str) -> Result<Weight, ModelError> {
        let spec = self.spec(name)?;
        packing::table(self.source, &spec, self.storage, self.device)
    }

    fn bias(&mut self, path: &str) -> Result<Option<Tensor<1>>, ModelError> {
        let name = format!("{path}.bias");
        match self.specs.contains_key(&name) {
            true => self.vector(&name).map(Some),
            false => Ok(None),
        }
    }

    fn vector(&mut self, name: &str) -> Result<Tensor<1>, ModelError> {
        let data = self.source.values(&self.spec(name)?)?;
        let count = data.values.len();
        Ok(Tensor::from_data(TensorData::new(data.values, [count]), self.device))
    }

    fn spec(&self, name: &str) -> Result<WeightSpec, ModelError> {
        let missing = || FormatError::MissingTensor {
            path: self.config.family.name.into(),
            name: name.into(),
        };
        Ok(self.specs.get(name).cloned().ok_or_else(missing)?)
    }
}

/// A standard normal value (Box and Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let u: f32 = rng.random_range(f32::MIN_POSITIVE..1.0);
    let v: f32 = rng.random();
    (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos()
}
