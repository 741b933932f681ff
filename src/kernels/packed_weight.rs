//! Frozen weights in device memory, in the layout they were stored in. Knows layouts; knows nothing of the layers they belong to.
use super::blocks::nf4::Quantised;
use super::blocks::{block_size, q8_0};
use super::gpu;
use super::packed_linear::PackedLinearOps;
use burn::backend::Dispatch;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use half::f16;
use std::borrow::Cow;
use thiserror::Error;

/// How the numbers of a weight lie in its bytes, little-endian: as in a GGUF tensor of that type, or as NF4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PackedLayout {
    /// Single precision.
    F32,
    /// Half precision.
    F16,
    /// The upper half of single precision.
    Bf16,
    /// Blocks of 32: a scale and four-bit integers.
    Q4_0,
    /// Blocks of 32: a scale, a minimum and four-bit integers.
    Q4_1,
    /// Blocks of 32: a scale and five-bit integers.
    Q5_0,
    /// Blocks of 32: a scale, a minimum and five-bit integers.
    Q5_1,
    /// Blocks of 32: a scale and eight-bit integers.
    Q8_0,
    /// Blocks of 256 two-bit integers.
    Q2K,
    /// Blocks of 256 three-bit integers.
    Q3K,
    /// Blocks of 256 four-bit integers.
    Q4K,
    /// Blocks of 256 five-bit integers.
    Q5K,
    /// Blocks of 256 six-bit integers.
    Q6K,
    /// Blocks of 64 four-bit codes over the flattened weight, each with its largest magnitude (QLoRA's NormalFloat).
    Nf4,
    /// As [`Self::Nf4`], with the magnitudes in eight bits (double quantisation).
    Nf4Double,
}

impl PackedLayout {
    /// What its users call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q2K => "Q2_K",
            Self::Q3K => "Q3_K",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
            Self::Nf4 => "NF4",
            Self::Nf4Double => "NF4 (double)",
        }
    }
}

/// The layout and shape of a weight: what the kernels must know beside its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packing {
    /// How the numbers lie in the words.
    pub layout: PackedLayout,
    /// Rows of the weight: the features it puts out.
    pub outputs: usize,
    /// Columns of the weight: the features it takes in.
    pub inputs: usize,
}

impl Packing {
    /// From one row to the next: bytes, or numbers where blocks run over rows (NF4).
    pub fn row_step(self) -> usize {
        match block_size(self.layout) {
            Some((values, bytes)) => self.inputs / values * bytes,
            None => self.inputs,
        }
    }
}

/// A weight whose numbers do not fill its shape.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PackedSizeError {
    /// Too few or too many numbers.
    #[error("A weight of {outputs} x {inputs} needs {expected} numbers, and {found} were given")]
    Numbers {
        /// Rows asked for.
        outputs: usize,
        /// Columns asked for.
        inputs: usize,
        /// Rows times columns.
        expected: usize,
        /// Numbers given.
        found: usize,
    },
    /// Too few or too many bytes.
    #[error("A weight of {outputs} x {inputs} in layout {layout:?} needs {expected} bytes, and {found} were given")]
    Bytes {
        /// The layout.
        layout: PackedLayout,
        /// Rows asked for.
        outputs: usize,
        /// Columns asked for.
        inputs: usize,
        /// Bytes of all rows.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// Bytes of a layout that is only made from numbers.
    #[error("Weights of layout {layout:?} are made from their numbers, not from bytes")]
    NotStored {
        /// The layout.
        layout: PackedLayout,
    },
    /// Rows that end inside a block.
    #[error("Rows of {inputs} numbers cannot be stored in layout {layout:?}, whose blocks hold {block}")]
    Row {
        /// The layout.
        layout: PackedLayout,
        /// Columns asked for.
        inputs: usize,
        /// Numbers of one block.
        block: usize,
    },
}

/// Bytes of rows in `f32` that a GPU works on at once, where one row takes no more. The head of a large vocabulary takes gigabytes, and the
/// backend copies operands when it tries kernels; the largest buffer that it ever makes sets the size of its pages from there on.
pub const ROWS_AT_ONCE: usize = 64 << 20;

/// A frozen weight `[outputs, inputs]`, row by row, as [`super::packed_linear`] takes it.
///
/// Cloning shares the device memory.
#[derive(Clone, Debug)]
pub struct PackedWeight {
    packing: Packing,
    parts: Vec<Part>,
    /// A single 1: what the backends' operations take the type of their results from.
    scales: Tensor<1>,
}

/// Consecutive rows: all of them, unless they are more than a device works on at once.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Layout and shape of these rows.
    pub packing: Packing,
    /// Their first row.
    pub first: usize,
    /// `u32` words on the device; unused bytes of the last one are zero.
    pub words: Tensor<1, Int>,
}

impl PackedWeight {
    /// Keeps `values` (row by row, `shape` = `[outputs, inputs]`) as they are.
    ///
    /// # Errors
    /// There are fewer or more values than the shape has.
    pub fn from_f32(values: &[f32], shape: [usize; 2], device: &Device) -> Result<Self, PackedSizeError> {
        check_numbers(shape, values.len())?;
        Self::from_blocks(PackedLayout::F32, bytemuck::cast_slice(values), shape, device)
    }

    /// Keeps half-precision `values` (row by row, `shape` = `[outputs, inputs]`) as they are.
    ///
    /// # Errors
    /// There are fewer or more values than the shape has.
    pub fn from_f16(values: &[f16], shape: [usize; 2], device: &Device) -> Result<Self, PackedSizeError> {
        check_numbers(shape, values.len())?;
        Self::from_blocks(PackedLayout::F16, bytemuck::cast_slice(values), shape, device)
    }

    /// Quantises `values` (row by row, `shape` = `[outputs, inputs]`) to blocks of 32 eight-bit integers (Q8_0).
    ///
    /// # Errors
    /// There are fewer or more values than the shape has, or rows are not whole blocks.
    pub fn from_q8_0(values: &[f32], shape: [usize; 2], device: &Device) -> Result<Self, PackedSizeError> {
        check_numbers(shape, values.len())?;
        check_rows(PackedLayout::Q8_0, shape[1])?;
        Self::from_blocks(PackedLayout::Q8_0, &q8_0(values), shape, device)
    }

    /// Quantises `values` (row by row, `shape` = `[outputs, inputs]`) to NF4; `double` quantises the blocks' magnitudes too.
    ///
    /// # Errors
    /// There are fewer or more values than the shape has.
    pub fn from_nf4(values: &[f32], shape: [usize; 2], double: bool, device: &Device) -> Result<Self, PackedSizeError> {
        Self::from_nf4_within(values, shape, double, at_once(device), device)
    }

    /// [`Self::from_nf4`] for a device that binds `limit` bytes at once; `None` is no limit.
    ///
    /// # Errors
    /// As [`Self::from_nf4`].
    pub fn from_nf4_within(
        values: &[f32],
        [outputs, inputs]: [usize; 2],
        double: bool,
        limit: Option<usize>,
        device: &Device,
    ) -> Result<Self, PackedSizeError> {
        check_numbers([outputs, inputs], values.len())?;
        let layout = match double {
            true => PackedLayout::Nf4Double,
            false => PackedLayout::Nf4,
        };
        let packing = Packing {
            layout,
            outputs,
            inputs,
        };
        let quantised = Quantised::new(values, double);
        let bytes = |first: usize, rows: usize| quantised.lay_out(first * inputs, rows * inputs).into();
        Ok(Self::in_parts(packing, limit, device, &bytes))
    }

    /// Keeps the blocks of `layout` (row by row, `shape` = `[outputs, inputs]`, bytes as in GGUF) as they are.
    ///
    /// Where the device cannot bind them at once, or their `f32` values take too much, they are split by rows.
    ///
    /// # Errors
    /// There are fewer or more bytes than the shape needs, a row ends inside a block, or GGUF has no such layout.
    pub fn from_blocks(
        layout: PackedLayout,
        bytes: &[u8],
        shape: [usize; 2],
        device: &Device,
    ) -> Result<Self, PackedSizeError> {
        Self::from_blocks_within(layout, bytes, shape, at_once(device), device)
    }

    /// [`Self::from_blocks`] for a device that binds `limit` bytes at once; `None` is no limit.
    ///
    /// # Errors
    /// As [`Self::from_blocks`].
    pub fn from_blocks_within(
        layout: PackedLayout,
        bytes: &[u8],
        shape: [usize; 2],
        limit: Option<usize>,
        device: &Device,
    ) -> Result<Self, PackedSizeError> {
        let [outputs, inputs] = shape;
        let packing = Packing {
            layout,
            outputs,
            inputs,
        };
        check_bytes(packing, bytes.len())?;
        let step = packing.row_step();
        let rows = |first: usize, rows: usize| bytes[first * step..][..rows * step].into();
        Ok(Self::in_parts(packing, limit, device, &rows))
    }

    /// A weight whose rows `bytes(first, count)` gives, in as many parts as the limit asks for.
    fn in_parts<'a>(
        packing: Packing,
        limit: Option<usize>,
        device: &Device,
        bytes: &dyn Fn(usize, usize) -> Cow<'a, [u8]>,
    ) -> Self {
        let outputs = packing.outputs;
        // The rows travel packed and are sometimes unpacked: both must fit. Sizes in words are rounded up.
        let row = packing.row_step().max(packing.inputs * 4).max(1);
        let rows = limit.map_or(outputs, |limit| (limit.saturating_sub(4) / row).max(1));
        let parts = (0..outputs).step_by(rows.max(1)).map(|first| {
            let rows = rows.min(outputs - first);
            let packing = Packing {
                outputs: rows,
                ..packing
            };
            Part::upload(packing, first, &bytes(first, rows), device)
        });
        let mut parts: Vec<_> = parts.collect();
        if parts.is_empty() {
            parts.push(Part::upload(packing, 0, &[], device));
        }
        Self {
            packing,
            parts,
            scales: Tensor::ones([1], (device, DType::F32)),
        }
    }

    /// Layout and shape.
    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// `[outputs, inputs]`.
    pub fn shape(&self) -> [usize; 2] {
        [self.packing.outputs, self.packing.inputs]
    }

    /// Number of buffers that hold the rows.
    pub fn pieces(&self) -> usize {
        self.parts.len()
    }

    /// Bytes of device memory.
    pub fn bytes(&self) -> usize {
        let words: usize = self.parts.iter().map(|part| part.words.dims()[0]).sum();
        4 * (words + self.scales.dims()[0])
    }

    /// The buffers, for the kernels.
    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The scales, for the kernels.
    pub(super) fn scales(&self) -> Tensor<1> {
        self.scales.clone()
    }

    /// The weight as an `f32` tensor `[outputs, inputs]`, on the same device.
    pub fn unpack(&self) -> Tensor<2> {
        let part = |part: &Part| {
            let (words, scales) = (part.words.clone(), self.scales());
            let values = Dispatch::unpack_weight(words.into_dispatch(), scales.into_dispatch(), part.packing);
            Tensor::from_dispatch(values)
        };
        joined(self.parts.iter().map(part).collect(), 0)
    }

    /// Rows by number, as `f32`: an embedding lookup. Only these rows are unpacked; no gradient flows.
    ///
    /// # Shapes
    /// - `ids`: `[n]`, each below `outputs`; others give rows of zeros
    /// - output: `[n, inputs]`
    pub fn rows(&self, ids: Tensor<1, Int>) -> Tensor<2> {
        let part = |part: &Part| {
            let rows = Dispatch::packed_rows(
                ids.clone().into_dispatch(),
                part.words.clone().into_dispatch(),
                self.scales().into_dispatch(),
                part.packing,
                part.first,
            );
            Tensor::<2>::from_dispatch(rows)
        };
        // Each part gives zeros for the rows of the others.
        let mut rows = part(&self.parts[0]);
        for other in &self.parts[1..] {
            rows = rows + part(other);
        }
        rows
    }
}

impl Part {
    fn upload(packing: Packing, first: usize, bytes: &[u8], device: &Device) -> Self {
        let mut words: Vec<u32> = bytemuck::pod_collect_to_vec(bytes);
        if words.is_empty() {
            // Devices have no empty buffers.
            words.push(0);
        }
        let count = words.len();
        let words = TensorData::new(words, [count]);
        let upload = |words| Tensor::from_data(words, (device, DType::U32));
        Self {
            packing,
            first,
            // A buffer of its own: in the pages of a GPU's pool the largest weight would set the size of all pages to come.
            words: device.memory_persistent_allocations(words, upload),
        }
    }
}

/// The tensors side by side along `dim`; a single one as it is.
pub(super) fn joined(mut parts: Vec<Tensor<2>>, dim: usize) -> Tensor<2> {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    Tensor::cat(parts, dim)
}

/// Bytes of rows in `f32` that a device works on at once; `None` is no limit.
fn at_once(device: &Device) -> Option<usize> {
    gpu::largest_binding(device).map(|binding| binding.min(ROWS_AT_ONCE))
}

fn check_numbers(shape: [usize; 2], found: usize) -> Result<(), PackedSizeError> {
    let [outputs, inputs] = shape;
    let expected = outputs.saturating_mul(inputs);
    if expected == found {
        return Ok(());
    }
    Err(PackedSizeError::Numbers {
        outputs,
        inputs,
        expected,
        found,
    })
}

fn check_bytes(packing: Packing, found: usize) -> Result<(), PackedSizeError> {
    let Packing {
        layout,
        outputs,
        inputs,
    } = packing;
    check_rows(layout, inputs)?;
    let expected = outputs.saturating_mul(packing.row_step());
    if expected == found {
        return Ok(());
    }
    Err(PackedSizeError::Bytes {
        layout,
        outputs,
        inputs,
        expected,
        found,
    })
}

/// Are rows of `inputs` numbers whole blocks of a stored layout?
fn check_rows(layout: PackedLayout, inputs: usize) -> Result<(), PackedSizeError> {
    let (block, _) = block_size(layout).ok_or(PackedSizeError::NotStored { layout })?;
    if inputs.is_multiple_of(block) {
        return Ok(());
    }
    Err(PackedSizeError::Row { layout, inputs, block })
}
