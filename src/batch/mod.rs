//! Encoded rows to fixed batches as plain vectors: packing, ordering, collation. The shift by one happens here, once.
//! Knows nothing of tensors, files or templates.

mod collate;
mod example;
mod order;
mod packing;

pub use collate::{Packed, collate};
pub use example::{BatchError, Example, check_ids};
pub use order::{Order, OrderOptions, StepPlan, Steps};
pub use packing::pack_bfd;
