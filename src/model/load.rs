//! A model from a Hugging Face folder, tensor by tensor, or freshly initialised. Knows nothing of training.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use half::f16;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Block, Linear, Llama, ModelError, Slot, Weight};
use crate::formats::config::ModelConfig;
use crate::formats::source::TensorSource;
use crate::formats::weights::{HostTensor, WeightFile};
use crate::kernels::PackedWeight;

/// How the blocks' weights are kept on the device. Embeddings, head and norms are f32 always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// 4 bytes a weight: exact for every checkpoint type.
    #[default]
    F32,
    /// 2 bytes a weight: exact for f16 checkpoints, rounded for others; computed in f32.
    F16,
}

/// Gives the values of a weight by name and shape.
type Source<'a> = dyn FnMut(&str, &[usize]) -> Result<HostTensor, ModelError> + 'a;

impl Llama {
    /// Loads `config.json` and the weights of a folder; `progress(done, total)` counts bytes of f32 and returns
    /// whether to go on.
    ///
    /// # Errors
    /// A file is missing, broken, or does not fit the config; or `progress` said stop.
    pub fn load(
        dir: &Path,
        storage: Storage,
        device: &Device,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Self, ModelError> {
        let config = ModelConfig::read(dir)?;
        let file = WeightFile::open(dir)?;
        let total = config.parameters() * 4;
        let mut done = 0;
        Self::build(config, storage, device, &mut |name, shape| {
            let tensor = file.read_shaped(name, shape)?;
            done += tensor.values.len() as u64 * 4;
            if progress(done, total) {
                Ok(tensor)
            } else {
                Err(ModelError::Cancelled)
            }
        })
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
        Self::build(config, storage, device, &mut source)
    }

    /// A model for pretraining: matrices normal with deviation 0.02, those that write to the residual stream scaled by
    /// `1 / sqrt(2 layers)` (GPT-2, Radford et al. 2019, section 2.3), norms one.
    pub fn random(config: ModelConfig, seed: u64, device: &Device) -> Result<Self, ModelError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let residual = 0.02 / (2.0 * config.num_hidden_layers as f32).sqrt();
        Self::build(config, Storage::F32, device, &mut |name, shape| {
            let count = shape.iter().product();
            let values = if shape.len() == 1 {
                vec![1.0; count]
            } else {
                let deviation = if name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight") {
                    residual
                } else {
                    0.02
                };
                (0..count).map(|_| normal(&mut rng) * deviation).collect()
            };
            Ok(HostTensor {
                shape: shape.to_vec(),
                values,
            })
        })
    }

    fn build(
        config: ModelConfig,
        storage: Storage,
        device: &Device,
        source: &mut Source<'_>,
    ) -> Result<Self, ModelError> {
        let mut model = Self::empty(config, device);
        let shapes = model.config.weight_shapes();
        for ((name, shape), (slot_name, slot)) in shapes.iter().zip(model.slots_mut()) {
            debug_assert_eq!(*name, slot_name);
            let data = source(name, shape)?;
            match slot {
                Slot::Linear(linear) => linear.weight = frozen(&data.values, [shape[0], shape[1]], storage, device)?,
                Slot::Matrix(tensor) => {
                    *tensor = Tensor::from_data(TensorData::new(data.values, [shape[0], shape[1]]), device)
                }
                Slot::Vector(tensor) => *tensor = Tensor::from_data(TensorData::new(data.values, [shape[0]]), device),
            }
        }
        Ok(model)
    }

    /// The skeleton: every weight a one-element tensor until it is read.
    fn empty(config: ModelConfig, device: &Device) -> Self {
        let matrix = || Tensor::<2>::zeros([1, 1], device);
        let vector = || Tensor::<1>::zeros([1], device);
        let linear = || Linear::new(Weight::Dense(Box::new(matrix())));
        let block = || Block {
            q: linear(),
            k: linear(),
            v: linear(),
            o: linear(),
            gate: linear(),
            up: linear(),
            down: linear(),
            norm_attention: vector(),
            norm_mlp: vector(),
        };
        let blocks = (0..config.num_hidden_layers).map(|_| block()).collect();
        let head = (!config.tie_word_embeddings).then(matrix);
        Self {
            embed: matrix(),
            blocks,
            norm: vector(),
            head,
            token_rows: None,
            config,
        }
    }
}

fn frozen(values: &[f32], shape: [usize; 2], storage: Storage, device: &Device) -> Result<Weight, ModelError> {
    let packed = match storage {
        Storage::F32 => PackedWeight::from_f32(values, shape, device)?,
        Storage::F16 => {
            let halves: Vec<f16> = values.iter().map(|v| f16::from_f32(*v)).collect();
            PackedWeight::from_f16(&halves, shape, device)?
        }
    };
    Ok(Weight::Frozen(Box::new(packed)))
}

/// A standard normal value (Box and Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let u: f32 = rng.random_range(f32::MIN_POSITIVE..1.0);
    let v: f32 = rng.random();
    (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos()
}
