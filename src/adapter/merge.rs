//! Folding a LoRA adapter into the base's weights: `W + scale * B A`, with DoRA brought to its rows' learned lengths. Knows nothing of
//! files.

use burn::tensor::Tensor;

use super::{AdapterError, Lora, all_attached, detach};
use crate::model::{Decoder, Weight, to_device, to_host};

/// Adds the adapter's change to the weights of a copy of the model; the result needs no adapter.
///
/// # Errors
/// The model lacks a layer that the adapter changes, or the device failed.
pub fn merge(model: &Decoder, lora: &Lora) -> Result<Decoder, AdapterError> {
    let mut merged = model.clone();
    detach(&mut merged);
    let mut left = lora.pairs.len();
    for (path, linear) in merged.linears_mut() {
        if let Some(pair) = lora.pairs.get(&path) {
            let delta = pair.delta(&lora.spec, 0.0, linear);
            let mut sum = linear.matrix() + pair.b.clone().matmul(pair.a.clone()) * delta.scale;
            if let Some(magnitude) = &delta.magnitude {
                let factor = magnitude.lengths.clone() / delta.row_lengths(&magnitude.squares, &linear.weight);
                let rows = factor.dims()[1];
                sum = sum * factor.reshape([rows, 1]);
            }
            linear.weight = Weight::from(sum);
            linear.row_squares = None;
            left -= 1;
        }
    }
    all_attached(left)?;
    if let Some(rows) = &lora.token_rows {
        // An untied head is no embedding: it keeps its own rows.
        merged.embed = Weight::from(replace_rows(&merged.embed.matrix(), &rows.ids, &rows.rows)?);
    }
    let replaced = lora.modules.replaced();
    if let Some(embed) = replaced.embed {
        if merged.head.is_none() && !lora.modules.tied {
            // The tied head keeps the base's embedding, as a matrix of its own.
            merged.head = Some(merged.embed.clone());
        }
        merged.embed = Weight::from(embed);
    }
    if let Some(head) = replaced.head.filter(|_| !lora.modules.tied) {
        merged.head = Some(Weight::from(head));
    }
    merged.config.tie_word_embeddings = merged.head.is_none();
    Ok(merged)
}

fn replace_rows(embed: &Tensor<2>, ids: &[u32], rows: &Tensor<2>) -> Result<Tensor<2>, AdapterError> {
    let (mut all, new) = (to_host(embed)?, to_host(rows)?);
    let hidden = all.shape[1];
    for (id, row) in ids.iter().zip(new.values.chunks_exact(hidden)) {
        all.values[*id as usize * hidden..][..hidden].copy_from_slice(row);
    }
    Ok(to_device(all, &embed.device()))
}
