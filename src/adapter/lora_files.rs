//! LoRA adapters on disk in PEFT's layout. Knows nothing of training.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor};

use super::modules::{Modules, is_named, names};
use super::{ADAPTER_FILE, AdapterError, Lora, LoraSpec, Pair};
use crate::formats::config::{LinearSpec, ModelConfig};
use crate::formats::peft::LoraConfig;
use crate::formats::source::TensorSource;
use crate::formats::weights::{HostTensor, StoreType, WeightFile, write};
use crate::model::{TokenRows, to_device, to_host};

const PREFIX: &str = "base_model.model.";

impl Lora {
    /// Reads an adapter folder and checks every shape against the model's config.
    ///
    /// # Errors
    /// A file is missing or broken, or the adapter was made for another model.
    pub fn load(dir: &Path, model: &ModelConfig, device: &Device) -> Result<Self, AdapterError> {
        let config = LoraConfig::read(dir)?;
        let file = WeightFile::open(&dir.join(ADAPTER_FILE))?;
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
        let modules = read_modules(&config, &file, model, device)?;
        if modules.embed.is_some() && token_rows.is_some() {
            let message = "it replaces the embedding and single rows of it";
            return Err(AdapterError::Misfit(message.into()));
        }
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
            modules,
        })
    }

    /// Writes `adapter_model.safetensors` and `adapter_config.json` into an existing folder.
    ///
    /// # Errors
    /// The folder cannot be written, the disk is full, or the device failed.
    pub fn save(
        &self,
        dir: &Path,
        base_model: &str,
        model: &ModelConfig,
        store: StoreType,
    ) -> Result<(), AdapterError> {
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
        // As PEFT has it, a tied head is written twice.
        let replaced = self.modules.replaced();
        let [embed, head] = names(model);
        let mut saved = vec![];
        for (matrix, path, name) in [
            (&replaced.embed, model.embed_name(), embed),
            (&replaced.head, model.head_name(), head),
        ] {
            if let Some(matrix) = matrix {
                tensors.push((format!("{PREFIX}{path}"), to_host(matrix)?));
                saved.push(name);
            }
        }
        write(&dir.join(ADAPTER_FILE), &tensors, store, &[("format", "pt")])?;
        LoraConfig {
            r: self.spec.r,
            alpha: self.spec.alpha,
            dropout: self.spec.dropout,
            target_modules: self.spec.targets.clone(),
            use_rslora: self.spec.rslora,
            use_dora: self.spec.dora,
            modules_to_save: saved,
            ensure_weight_tying: self.modules.tied,
            trainable_token_indices: self.token_rows.as_ref().map_or(vec![], |t| t.ids.clone()),
            base_model: base_model.into(),
            embedding: model.family.names.embed.into(),
            fan_in_fan_out: model.family.transposed,
        }
        .write(dir)?;
        Ok(())
    }
}

/// The matrices that the adapter replaces.
fn read_modules(
    config: &LoraConfig,
    file: &WeightFile,
    model: &ModelConfig,
    device: &Device,
) -> Result<Modules, AdapterError> {
    let [embed, head] = names(model);
    let wants = |module: &str| config.modules_to_save.iter().any(|name| is_named(name, module));
    let known = |name: &&String| is_named(name, &embed) || is_named(name, &head);
    if let Some(other) = config.modules_to_save.iter().find(|name| !known(name)) {
        let message = format!("it replaces \"{other}\"; only {embed} and {head} can be replaced");
        return Err(AdapterError::Misfit(message));
    }
    let read = |name: String| -> Result<Tensor<2>, AdapterError> {
        let shape = [model.vocab_size, model.hidden_size];
        Ok(to_device(file.read_shaped(&format!("{PREFIX}{name}"), &shape)?, device))
    };
    let tied = model.tie_word_embeddings && config.ensure_weight_tying && !config.modules_to_save.is_empty();
    let embed = match wants(&embed) || tied {
        true => Some(read(model.embed_name())?),
        false => None,
    };
    let head = match wants(&head) && !tied {
        true => Some(read(model.head_name())?),
        false => None,
    };
    Ok(Modules { embed, head, tied })
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
