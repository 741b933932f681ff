//! LoRA adapters on disk in PEFT's layout. Knows nothing of training.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;

use super::{AdapterError, Lora, LoraSpec, Pair};
use crate::formats::config::{LinearSpec, ModelConfig};
use crate::formats::peft::LoraConfig;
use crate::formats::source::TensorSource;
use crate::formats::weights::{HostTensor, StoreType, WeightFile, write};
use crate::model::{TokenRows, to_device, to_host};

const PREFIX: &str = "base_model.model.";
const FILE: &str = "adapter_model.safetensors";

impl Lora {
    /// Reads an adapter folder and checks every shape against the model's config.
    ///
    /// # Errors
    /// A file is missing or broken, or the adapter was made for another model.
    pub fn load(dir: &Path, model: &ModelConfig, device: &Device) -> Result<Self, AdapterError> {
        let config = LoraConfig::read(dir)?;
        let file = WeightFile::open(&dir.join(FILE))?;
        let layers: BTreeMap<String, LinearSpec> = model.linears().into_iter().map(|l| (l.path.clone(), l)).collect();
        let mut pairs = BTreeMap::new();
        for name in file.names().filter(|n| n.ends_with(".lora_A.weight")) {
            let path = name
                .trim_start_matches(PREFIX)
                .trim_end_matches(".lora_A.weight")
                .to_string();
            let layer = layers
                .get(&path)
                .ok_or_else(|| AdapterError::Misfit(format!("the model has no layer \"{path}\"")))?;
            let a = file.read_shaped(name, &[config.r, layer.inputs])?;
            let b = file.read_shaped(&name.replace(".lora_A.", ".lora_B."), &[layer.outputs, config.r])?;
            let magnitude = match config.use_dora {
                true => Some(read_magnitude(&file, &path, layer.outputs)?),
                false => None,
            };
            pairs.insert(
                path,
                Pair {
                    a: to_device(a, device),
                    b: to_device(b, device),
                    magnitude: magnitude.map(|m| to_device(m, device)),
                },
            );
        }
        let ids = config.trainable_token_indices.clone();
        let token_rows = match ids.is_empty() {
            true => None,
            false => {
                let rows = file.read_shaped(&token_rows_name(model), &[ids.len(), model.hidden_size])?;
                Some(TokenRows {
                    ids,
                    rows: to_device(rows, device),
                })
            }
        };
        let spec = LoraSpec {
            r: config.r,
            alpha: config.alpha,
            dropout: config.dropout,
            targets: config.target_modules,
            rslora: config.use_rslora,
            dora: config.use_dora,
        };
        Ok(Self {
            spec,
            pairs,
            token_rows,
        })
    }

    /// Writes `adapter_model.safetensors` and `adapter_config.json` into an existing folder.
    ///
    /// # Errors
    /// The folder cannot be written, the disk is full, or the device failed.
    pub fn save(&self, dir: &Path, base_model: &str, model: &ModelConfig) -> Result<(), AdapterError> {
        let mut tensors = vec![];
        for (path, pair) in &self.pairs {
            tensors.push((format!("{PREFIX}{path}.lora_A.weight"), to_host(&pair.a)?));
            tensors.push((format!("{PREFIX}{path}.lora_B.weight"), to_host(&pair.b)?));
            if let Some(magnitude) = &pair.magnitude {
                let mut lengths = to_host(magnitude)?;
                lengths.shape = vec![lengths.values.len()];
                tensors.push((magnitude_name(path), lengths));
            }
        }
        if let Some(rows) = &self.token_rows {
            tensors.push((token_rows_name(model), to_host(&rows.rows)?));
        }
        write(&dir.join(FILE), &tensors, StoreType::F32, &[("format", "pt")])?;
        LoraConfig {
            r: self.spec.r,
            alpha: self.spec.alpha,
            dropout: self.spec.dropout,
            target_modules: self.spec.targets.clone(),
            use_rslora: self.spec.rslora,
            use_dora: self.spec.dora,
            trainable_token_indices: self.token_rows.as_ref().map_or(vec![], |t| t.ids.clone()),
            base_model: base_model.into(),
            embedding: model.family.names.embed.into(),
            fan_in_fan_out: model.family.transposed,
        }
        .write(dir)?;
        Ok(())
    }
}

/// Where PEFT keeps the lengths of a layer's rows.
fn magnitude_name(path: &str) -> String {
    format!("{PREFIX}{path}.lora_magnitude_vector")
}

/// The lengths as `[1, out]`; PEFT's older files end their name in `.weight`.
fn read_magnitude(file: &WeightFile, path: &str, outputs: usize) -> Result<HostTensor, AdapterError> {
    let name = magnitude_name(path);
    let older = format!("{name}.weight");
    let name = if file.has(&older) { older } else { name };
    let mut lengths = file.read_shaped(&name, &[outputs])?;
    lengths.shape = vec![1, outputs];
    Ok(lengths)
}

/// Where PEFT keeps the trained rows of the embedding.
fn token_rows_name(model: &ModelConfig) -> String {
    let embedding = model.embed_name();
    let path = embedding.trim_end_matches(".weight");
    format!("{PREFIX}{path}.token_adapter.trainable_tokens_delta")
}
