//! Numerical kernels: one file per operation, each with a plain reference in tensor operations, a fused version per backend and
//! a backward of its own. Knows tensors and shapes; knows nothing of models, adapters, losses over a batch or training.
//!
//! Every operation is an extension trait over Burn's backends. On the CPU (Flex) it is Rust over contiguous `f32` slices, in
//! parallel with rayon; on the GPU (Cube over wgpu) it is a WGSL shader of `shaders/` or backend operations. All arithmetic is
//! `f32`, but for products of linear layers where a half-precision type is asked for (`compute`). Gradients are first order only.

mod adamw8bit;
mod attention;
mod blocks;
mod compute;
mod crew;
mod cross_entropy;
mod dynamic_map;
mod gpu;
mod host;
mod math;
mod packed_linear;
mod packed_weight;
mod rms_norm;
mod rope;
mod shader;
mod swiglu;
mod tile_product;

pub use adamw8bit::{AdamStep, AdamW8bitOps, EightBitMoments, Moment, adamw8bit, adamw8bit_reference};
pub use attention::{
    AttentionOps, SCORES_AT_ONCE, causal_attention, causal_attention_in_pieces, causal_attention_reference,
    segment_starts,
};
pub use compute::{Compute, RoundingOps, narrowed, product, rounded};
pub use cross_entropy::{MaskedCrossEntropyOps, masked_cross_entropy, masked_cross_entropy_reference};
pub use gpu::reserved_memory;
pub use packed_linear::{PackedLinearOps, packed_linear, packed_linear_reference};
pub use packed_weight::{PackedLayout, PackedSizeError, PackedWeight, Packing, ROWS_AT_ONCE};
pub use rms_norm::{RmsNormOps, rms_norm, rms_norm_reference};
pub use rope::{RopeOps, rope, rope_reference};
pub use shader::{Shader, shaders};
pub use swiglu::{SwigluOps, swiglu, swiglu_reference};
pub use tile_product::{TileProductOps, Tiles, tile_product, tile_product_reference};
