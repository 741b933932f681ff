//! Prompt tuning (Lester et al. 2021) and prefix tuning (Li and Liang 2021): creation, attachment, PEFT's files. Knows nothing of
//! optimizers.

use std::path::Path;

use burn::tensor::{Device, Tensor};

use super::{ADAPTER_FILE, AdapterError};
use crate::formats::config::ModelConfig;
use crate::formats::peft_virtual::{VirtualConfig, VirtualKind};
use crate::formats::source::TensorSource;
use crate::formats::weights::{StoreType, WeightFile, write};
use crate::model::{Cache, Decoder, Front, Inputs, to_device, to_host};

/// What PEFT calls the learned rows.
const NAME: &str = "prompt_embeddings";

/// Learned tokens in front of every row.
#[derive(Clone, Debug)]
pub struct VirtualTokens {
    /// Embeddings, or keys and values.
    pub kind: VirtualKind,
    /// A row for each token: as wide as the model for embeddings, or as [`Front::KeysValues`].
    pub rows: Tensor<2>,
}

impl VirtualTokens {
    /// Tokens that begin as what the model makes of the real ones `ids`: their embeddings, or the keys and values that they leave
    /// behind at the beginning of a row. Random beginnings learn far more slowly (both papers).
    ///
    /// # Errors
    /// An id is outside the vocabulary, or `ids` is empty.
    pub fn new(kind: VirtualKind, model: &Decoder, ids: &[u32], device: &Device) -> Result<Self, AdapterError> {
        let mut bare = model.clone();
        super::detach(&mut bare);
        let inputs = Inputs::following(&bare, ids, 0, device)?;
        let rows = match kind {
            VirtualKind::Prompt => Some(bare.embedded(ids)),
            VirtualKind::Prefix => {
                let mut cache = Cache::new(bare.blocks.len());
                bare.hidden(&inputs, Some(&mut cache));
                cache.as_front()
            }
        };
        let rows = rows.filter(|rows| rows.dims()[0] > 0);
        let rows = rows.ok_or_else(|| AdapterError::Misfit("it needs at least one token to begin with".into()))?;
        Ok(Self {
            kind,
            rows: rows.inner(),
        })
    }

    pub(super) fn attach(&self, model: &mut Decoder) -> Result<(), AdapterError> {
        let (width, found) = (self.kind.width(&model.config), self.rows.dims()[1]);
        if width != found {
            let message = format!("its rows are {found} wide, and this model needs {width}");
            return Err(AdapterError::Misfit(message));
        }
        super::detach(model);
        model.front = Some(match self.kind {
            VirtualKind::Prompt => Front::Embeddings(self.rows.clone()),
            VirtualKind::Prefix => Front::KeysValues(self.rows.clone()),
        });
        Ok(())
    }

    /// Reads an adapter folder.
    ///
    /// # Errors
    /// A file is missing or broken, or the adapter was made for another model.
    pub fn load(dir: &Path, model: &ModelConfig, device: &Device) -> Result<Self, AdapterError> {
        let config = VirtualConfig::read(dir)?;
        let file = WeightFile::open(&dir.join(ADAPTER_FILE))?;
        let rows = file.read_shaped(NAME, &[config.tokens, config.kind.width(model)])?;
        Ok(Self {
            kind: config.kind,
            rows: to_device(rows, device),
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
        let tensors = [(NAME.to_string(), to_host(&self.rows)?)];
        write(&dir.join(ADAPTER_FILE), &tensors, store, &[("format", "pt")])?;
        let config = VirtualConfig {
            kind: self.kind,
            tokens: self.rows.dims()[0],
        };
        Ok(config.write(dir, base_model, model)?)
    }
}
