//! Teacher-forced losses of given rows. Works on ids and masks; knows no tokenizer and no template.

use super::InferError;
use super::context::values;
use super::likely::{Likely, likeliest};
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

/// What the model made of one token of a row, before it saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenView {
    /// The token's loss in nats: minus the logarithm of its probability.
    pub nll: f32,
    /// The likeliest ids at its place, best first; the token itself is added at the end where it is not among them.
    pub likely: Vec<Likely>,
}

/// Positions whose scores are on the host at a time: a whole vocabulary each.
const AT_ONCE: usize = 256;

/// Scores one row of ids.
///
/// # Errors
/// The row is longer than the context, or holds an id outside the vocabulary.
pub fn score(model: &Decoder, ids: &[u32], keep_logits: bool) -> Result<RowScore, InferError> {
    let mut result = RowScore {
        nll: vec![None],
        logits: vec![],
    };
    each_position(model, ids, &mut |position, scores| {
        if let Some(target) = ids.get(position + 1) {
            result.nll.push(Some(loss_of(scores, *target as usize)));
        }
        if keep_logits {
            result.logits.extend_from_slice(scores);
        }
    })?;
    Ok(result)
}

/// What the model held likely at each token of a row, with the `count` likeliest ids; `None` for the first token, which nothing
/// stands before.
///
/// # Errors
/// As [`score`].
pub fn views(model: &Decoder, ids: &[u32], count: usize) -> Result<Vec<Option<TokenView>>, InferError> {
    let mut found = vec![None];
    each_position(model, ids, &mut |position, scores| {
        if let Some(target) = ids.get(position + 1) {
            found.push(Some(TokenView {
                nll: loss_of(scores, *target as usize),
                likely: likeliest(scores, count, Some(*target)),
            }));
        }
    })?;
    Ok(found)
}

/// Reads a row in one pass and hands out the scores after each position, one per id of the vocabulary.
fn each_position(model: &Decoder, ids: &[u32], take: &mut dyn FnMut(usize, &[f32])) -> Result<(), InferError> {
    let limit = model.context();
    if ids.is_empty() {
        return Err(InferError::EmptyPrompt);
    }
    if ids.len() > limit {
        return Err(InferError::TooLong {
            tokens: ids.len(),
            limit,
        });
    }
    let inputs = Inputs::following(model, ids, 0, &model.device())?;
    let hidden = model.hidden(&inputs, None);
    for start in (0..ids.len()).step_by(AT_ONCE) {
        let count = AT_ONCE.min(ids.len() - start);
        let scores = values(model.logits(hidden.clone().narrow(0, start, count)))?;
        for (i, row) in scores.chunks_exact(model.config.vocab_size).enumerate() {
            take(start + i, row);
        }
    }
    Ok(())
}

/// `logsumexp(row) - row[target]`
fn loss_of(row: &[f32], target: usize) -> f32 {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = row.iter().map(|x| f64::from(x - max).exp()).sum();
    (total.ln() - f64::from(row[target] - max)) as f32
}
