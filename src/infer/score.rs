//! Teacher-forced losses of given rows. Works on ids and masks; knows no tokenizer and no template.

use super::InferError;
use super::context::values;
use crate::model::{Decoder, Inputs};

/// One scored row.
#[derive(Clone, Debug, PartialEq)]
pub struct RowScore {
    /// `nll[i]` is the loss of token i given the ones before it, in nats; `None` at 0.
    pub nll: Vec<Option<f32>>,
    /// Scores of every position, `[tokens * vocab]`; empty unless asked for.
    pub logits: Vec<f32>,
}

impl RowScore {
    /// Mean loss over the tokens that `mask` marks, `None` when it marks none that has a loss.
    pub fn mean(&self, mask: &[bool]) -> Option<f64> {
        let chosen: Vec<f64> = self
            .nll
            .iter()
            .zip(mask)
            .filter(|(_, m)| **m)
            .filter_map(|(n, _)| n.map(f64::from))
            .collect();
        (!chosen.is_empty()).then(|| chosen.iter().sum::<f64>() / chosen.len() as f64)
    }
}

/// Scores one row of ids.
///
/// # Errors
/// The row is longer than the context, or holds an id outside the vocabulary.
pub fn score(model: &Decoder, ids: &[u32], keep_logits: bool) -> Result<RowScore, InferError> {
    let limit = model.config.max_position_embeddings;
    if ids.is_empty() {
        return Err(InferError::EmptyPrompt);
    }
    if ids.len() > limit {
        return Err(InferError::TooLong {
            tokens: ids.len(),
            limit,
        });
    }
    let inputs = Inputs::following(&model.config, ids, 0, &model.device())?;
    let logits = values(model.logits(model.hidden(&inputs, None)))?;
    let vocab = model.config.vocab_size;
    let mut nll = vec![None];
    for (i, target) in ids.iter().enumerate().skip(1) {
        let row = &logits[(i - 1) * vocab..i * vocab];
        nll.push(Some(loss_of(row, *target as usize)));
    }
    Ok(RowScore {
        nll,
        logits: if keep_logits { logits } else { vec![] },
    })
}

/// `logsumexp(row) - row[target]`
fn loss_of(row: &[f32], target: usize) -> f32 {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = row.iter().map(|x| f64::from(x - max).exp()).sum();
    (total.ln() - f64::from(row[target] - max)) as f32
}
