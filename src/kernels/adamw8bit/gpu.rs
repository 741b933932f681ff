//! The step on a GPU: one shader over blocks. Knows nothing of the CPU.
use super::{AdamStep, AdamW8bitOps, BLOCK, SMALLEST};
use crate::kernels::dynamic_map::{SIGNED, UNSIGNED};
use crate::kernels::gpu::{self, WORKGROUP};
use crate::kernels::shader::{Shader, shader};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn_wgpu::{CubeBackend, CubeTensor, into_contiguous};

/// Blocks of one workgroup: each thread has four values, which share a word of codes.
const BLOCKS: usize = 4 * WORKGROUP as usize / BLOCK;

fn update_shader() -> Shader {
    shader!("adamw8bit.wgsl", "workgroup" = WORKGROUP)
}

/// The shaders of this operation.
pub(in crate::kernels) fn shaders() -> [Shader; 1] {
    [update_shader()]
}

impl AdamW8bitOps for CubeBackend {
    fn adamw8bit(
        value: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        words: IntTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        let (value, grad, words) = (into_contiguous(value), into_contiguous(grad), into_contiguous(words));
        let count = value.meta.shape().num_elements();
        let blocks = count.div_ceil(BLOCK);
        let maps = gpu::vector(&value, &[*SIGNED, *UNSIGNED].concat());
        let constants = gpu::vector(
            &value,
            &[
                step.beta1,
                step.beta2,
                step.eps,
                step.rate,
                step.correction,
                step.kept,
                SMALLEST,
            ],
        );
        let out = gpu::empty(&value, value.meta.shape().clone());
        let new_words = beside(&words);
        let tensors = [&value, &grad, &words, &out, &new_words, &maps, &constants];
        gpu::launch(update_shader(), blocks.div_ceil(BLOCKS), &tensors, &[count, blocks]);
        (out, new_words)
    }
}

/// An uninitialised tensor of the shape and type of `like`.
fn beside(like: &CubeTensor) -> CubeTensor {
    let shape = like.meta.shape().clone();
    let buffer = like.client.empty(shape.num_elements() * like.dtype.size());
    CubeTensor::new_contiguous(like.client.clone(), like.device.clone(), shape, buffer, like.dtype)
}
