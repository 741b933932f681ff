//! How matrices are kept on a device, given how a file stores them. Knows no names.

use burn::tensor::Device;
use half::f16;

use super::source::Source;
use super::{ModelError, Weight};
use crate::formats::config::WeightSpec;
use crate::formats::gguf::GgufType;
use crate::formats::source::PackedBytes;
use crate::formats::weights::HostTensor;
use crate::kernels::{PackedLayout, PackedWeight};

/// How matrices are kept on the device. Quantised blocks always stay as they are; norms and biases are f32. What
/// products are computed in is told by [`super::Decoder::compute`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// 4 bytes a weight: exact for every checkpoint type, and the fastest to train on.
    #[default]
    F32,
    /// 2 bytes a weight in the blocks: exact for f16 checkpoints, rounded for others.
    F16,
    /// The bytes of the file, embedding and head included: exact, and the least memory.
    AsStored,
    /// NF4 in the blocks (4.5 bits a weight), with their magnitudes in eight bits if `double` (4.13 bits): rounded.
    Nf4 {
        /// Double quantisation.
        double: bool,
    },
    /// Eight-bit integers in the blocks (8.5 bits a weight): rounded. Matrices whose rows are not multiples of 32 are
    /// kept in 2 bytes a weight.
    Q8,
}

/// Is the type made of blocks of quantised numbers?
pub(super) fn is_quantised(kind: GgufType) -> bool {
    !matches!(kind, GgufType::F32 | GgufType::F16 | GgufType::Bf16)
}

/// A matrix of a block, which is never trained unless all of the model is.
pub(super) fn frozen(
    source: &mut dyn Source,
    spec: &WeightSpec,
    storage: Storage,
    device: &Device,
) -> Result<Weight, ModelError> {
    if let Some(weight) = kept(source, spec, storage, device)? {
        return Ok(weight);
    }
    let data = values(source, spec)?;
    let shape = [data.shape[0], data.shape[1]];
    let packed = match storage {
        Storage::Nf4 { double } => PackedWeight::from_nf4(&data.values, shape, double, device)?,
        Storage::Q8 if shape[1].is_multiple_of(32) => PackedWeight::from_q8_0(&data.values, shape, device)?,
        Storage::F16 | Storage::Q8 => {
            let halves: Vec<f16> = data.values.iter().map(|v| f16::from_f32(*v)).collect();
            PackedWeight::from_f16(&halves, shape, device)?
        }
        Storage::F32 | Storage::AsStored => PackedWeight::from_f32(&data.values, shape, device)?,
    };
    Ok(Weight::Frozen(Box::new(packed)))
}

/// A matrix outside the blocks (embedding, positions, head): never rounded.
pub(super) fn table(
    source: &mut dyn Source,
    spec: &WeightSpec,
    storage: Storage,
    device: &Device,
) -> Result<Weight, ModelError> {
    if let Some(weight) = kept(source, spec, storage, device)? {
        return Ok(weight);
    }
    let data = values(source, spec)?;
    let packed = PackedWeight::from_f32(&data.values, [data.shape[0], data.shape[1]], device)?;
    Ok(Weight::Frozen(Box::new(packed)))
}

/// The bytes of the file as they are, where the storage or the type asks for it.
fn kept(
    source: &mut dyn Source,
    spec: &WeightSpec,
    storage: Storage,
    device: &Device,
) -> Result<Option<Weight>, ModelError> {
    let Some(PackedBytes { kind, shape, bytes }) = source.stored(spec, storage)? else {
        return Ok(None);
    };
    let packed = PackedWeight::from_blocks(layout(kind), &bytes, shape, device)?;
    Ok(Some(Weight::Frozen(Box::new(packed))))
}

/// The values as `[out, in]`.
fn values(source: &mut dyn Source, spec: &WeightSpec) -> Result<HostTensor, ModelError> {
    let data = source.values(spec)?;
    Ok(if spec.is_transposed() { data.transposed() } else { data })
}

fn layout(kind: GgufType) -> PackedLayout {
    match kind {
        GgufType::F32 => PackedLayout::F32,
        GgufType::F16 => PackedLayout::F16,
        GgufType::Bf16 => PackedLayout::Bf16,
        GgufType::Q4_0 => PackedLayout::Q4_0,
        GgufType::Q4_1 => PackedLayout::Q4_1,
        GgufType::Q5_0 => PackedLayout::Q5_0,
        GgufType::Q5_1 => PackedLayout::Q5_1,
        GgufType::Q8_0 => PackedLayout::Q8_0,
        GgufType::Q2K => PackedLayout::Q2K,
        GgufType::Q3K => PackedLayout::Q3K,
        GgufType::Q4K => PackedLayout::Q4K,
        GgufType::Q5K => PackedLayout::Q5K,
        GgufType::Q6K => PackedLayout::Q6K,
    }
}
