//! One encoded row as the trainer sees it, and the check that its ids fit the model. Does not know where ids come from.

use crate::tokens::Encoded;

/// One row ready for batching.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Token ids, in order.
    pub ids: Vec<u32>,
    /// Whether each id is learned; as long as `ids`.
    pub mask: Vec<bool>,
    /// Index of the conversation it came from (for messages).
    pub row: usize,
}

impl Example {
    /// An example from an encoded conversation; `row` is its number in messages to the user.
    pub fn new(encoded: &Encoded, row: usize) -> Self {
        Self {
            ids: encoded.ids.clone(),
            mask: encoded.mask.clone(),
            row,
        }
    }

    /// Number of tokens that are learned. The first token has no predecessor, so it never counts.
    pub fn supervised(&self) -> usize {
        self.mask.iter().skip(1).filter(|learned| **learned).count()
    }
}

/// Why examples cannot be batched for a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// An id that the embedding table does not have.
    #[error(
        "Row {row}: token {position} has id {id}, but the model's vocabulary has only {vocab} ids (0 to {}). \
         Use the tokenizer that belongs to this model.",
        vocab.saturating_sub(1)
    )]
    IdOutsideVocabulary {
        /// The example's `row`.
        row: usize,
        /// Index of the id in the row, from 0.
        position: usize,
        /// The id.
        id: u32,
        /// Number of ids that the model knows.
        vocab: usize,
    },
    /// `ids` and `mask` of an example differ in length.
    #[error("Row {row}: {ids} ids but {mask} mask values. The row was not encoded as a whole.")]
    UnequalLengths {
        /// The example's `row`.
        row: usize,
        /// Number of ids.
        ids: usize,
        /// Number of mask values.
        mask: usize,
    },
}

/// Checks that every id of every example lies below `vocab` and that masks fit; names the first that does not.
pub fn check_ids(examples: &[Example], vocab: usize) -> Result<(), BatchError> {
    for Example { ids, mask, row } in examples {
        if ids.len() != mask.len() {
            return Err(BatchError::UnequalLengths {
                row: *row,
                ids: ids.len(),
                mask: mask.len(),
            });
        }
        if let Some(position) = ids.iter().position(|id| *id as usize >= vocab) {
            return Err(BatchError::IdOutsideVocabulary {
                row: *row,
                position,
                id: ids[position],
                vocab,
            });
        }
    }
    Ok(())
}
