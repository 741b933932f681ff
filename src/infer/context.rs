//! What a model has read so far: its ids beside their keys and values, kept from one question to the next, so that a conversation is
//! not read again from its beginning. Knows nothing of sampling.

use burn::tensor::Tensor;

use super::InferError;
use crate::model::{Cache, Decoder, Inputs};

/// The memory of one conversation with one model. It must only be used with the model that filled it.
#[derive(Clone, Debug, Default)]
pub struct Context {
    cache: Option<Cache>,
    /// The ids that the cache holds, in order.
    ids: Vec<u32>,
}

impl Context {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The ids that are remembered.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Forgets what does not begin `prompt` and returns how many of its ids need not be read again. The last id is always read,
    /// because its scores are needed.
    pub(super) fn keep(&mut self, prompt: &[u32]) -> usize {
        let same = self.ids.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        let same = same.min(prompt.len().saturating_sub(1));
        self.ids.truncate(same);
        if let Some(cache) = &mut self.cache {
            cache.truncate(same);
        }
        same
    }

    /// Reads ids and returns the scores after the last one. After an error nothing is remembered.
    pub(super) fn read(&mut self, model: &Decoder, ids: &[u32]) -> Result<Vec<f32>, InferError> {
        // A cache that saw half a pass is of no use: it is put back only when all went well.
        let mut cache = self.cache.take().unwrap_or_else(|| Cache::new(model.blocks.len()));
        let mut known = std::mem::take(&mut self.ids);
        let inputs = Inputs::following(model, ids, known.len(), &model.device())?;
        let hidden = model.hidden(&inputs, Some(&mut cache));
        let scores = values(model.logits(hidden.narrow(0, ids.len() - 1, 1)))?;
        known.extend(ids);
        (self.cache, self.ids) = (Some(cache), known);
        Ok(scores)
    }
}

/// The values of a tensor on the host.
pub(super) fn values(tensor: Tensor<2>) -> Result<Vec<f32>, InferError> {
    let data = tensor
        .inner()
        .try_into_data()
        .map_err(|e| InferError::Device(format!("{e:?}")))?;
    Ok(data.convert::<f32>().iter::<f32>().collect())
}
