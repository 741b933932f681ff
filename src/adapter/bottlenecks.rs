//! Bottleneck adapters (Houlsby et al. 2019): creation, attachment, files. Knows nothing of optimizers.
//!
//! One after every linear layer whose result is added to the residual stream: after attention and after the feed-forward layer, before
//! the sum (and before the norm that some families have there).

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{ADAPTER_FILE, AdapterError, detach};
use crate::formats::bottleneck::{read_width, write_width};
use crate::formats::config::{LinearSpec, ModelConfig};
use crate::formats::source::TensorSource;
use crate::formats::weights::{HostTensor, StoreType, WeightFile, write};
use crate::model::{Bottleneck, Decoder, to_device, to_host};

/// The bottlenecks of a model, by the paths of the layers that they follow.
#[derive(Clone, Debug)]
pub struct Bottlenecks {
    /// Inner width.
    pub width: usize,
    /// By the layer's checkpoint path.
    pub layers: BTreeMap<String, Bottleneck>,
}

/// The layers that get one.
fn followed(model: &ModelConfig) -> impl Iterator<Item = LinearSpec> {
    model.linears().into_iter().filter(|layer| layer.residual)
}

impl Bottlenecks {
    /// Fresh ones: down uniform in ±1/sqrt(hidden), everything else zero, so that the model's answers do not change.
    pub fn new(model: &Decoder, width: usize, seed: u64, device: &Device) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut fresh = |hidden: usize| {
            let bound = 1.0 / (hidden as f32).sqrt();
            let values: Vec<f32> = (0..width * hidden).map(|_| rng.random_range(-bound..bound)).collect();
            Bottleneck {
                down: Tensor::from_data(TensorData::new(values, [width, hidden]), device),
                down_bias: Tensor::zeros([1, width], device),
                up: Tensor::zeros([hidden, width], device),
                up_bias: Tensor::zeros([1, hidden], device),
            }
        };
        let layers = followed(&model.config).map(|layer| (layer.path, fresh(layer.outputs)));
        Self {
            width,
            layers: layers.collect(),
        }
    }

    pub(super) fn attach(&self, model: &mut Decoder) -> Result<(), AdapterError> {
        detach(model);
        let mut left = self.layers.len();
        for (path, linear) in model.linears_mut() {
            if let Some(bottleneck) = self.layers.get(&path) {
                linear.after = Some(bottleneck.clone());
                left -= 1;
            }
        }
        super::all_attached(left)
    }

    /// Reads an adapter folder.
    ///
    /// # Errors
    /// A file is missing or broken, or the adapter was made for another model.
    pub fn load(dir: &Path, model: &ModelConfig, device: &Device) -> Result<Self, AdapterError> {
        let width = read_width(dir)?;
        let file = WeightFile::open(&dir.join(ADAPTER_FILE))?;
        let matrix = |path: &str, part: &str, shape: [usize; 2]| -> Result<Tensor<2>, AdapterError> {
            Ok(to_device(
                file.read_shaped(&name(path, part, "weight"), &shape)?,
                device,
            ))
        };
        let vector = |path: &str, part: &str, count: usize| -> Result<Tensor<2>, AdapterError> {
            let mut bias = file.read_shaped(&name(path, part, "bias"), &[count])?;
            bias.shape = vec![1, count];
            Ok(to_device(bias, device))
        };
        let read = |layer: LinearSpec| {
            let (path, hidden) = (layer.path, layer.outputs);
            let bottleneck = Bottleneck {
                down: matrix(&path, "down", [width, hidden])?,
                down_bias: vector(&path, "down", width)?,
                up: matrix(&path, "up", [hidden, width])?,
                up_bias: vector(&path, "up", hidden)?,
            };
            Ok((path, bottleneck))
        };
        let layers = followed(model).map(read).collect::<Result<_, AdapterError>>()?;
        Ok(Self { width, layers })
    }

    /// Writes `adapter_model.safetensors` and `adapter_config.json` into an existing folder.
    ///
    /// # Errors
    /// The folder cannot be written, the disk is full, or the device failed.
    pub fn save(&self, dir: &Path, base_model: &str, store: StoreType) -> Result<(), AdapterError> {
        let vector = |bias: &Tensor<2>| -> Result<HostTensor, AdapterError> {
            let flat = to_host(bias)?;
            Ok(HostTensor {
                shape: vec![flat.values.len()],
                values: flat.values,
            })
        };
        let mut tensors = vec![];
        for (path, b) in &self.layers {
            tensors.push((name(path, "down", "weight"), to_host(&b.down)?));
            tensors.push((name(path, "down", "bias"), vector(&b.down_bias)?));
            tensors.push((name(path, "up", "weight"), to_host(&b.up)?));
            tensors.push((name(path, "up", "bias"), vector(&b.up_bias)?));
        }
        write(&dir.join(ADAPTER_FILE), &tensors, store, &[("format", "pt")])?;
        Ok(write_width(dir, self.width, base_model)?)
    }
}

fn name(path: &str, part: &str, what: &str) -> String {
    format!("{path}.bottleneck.{part}.{what}")
}
