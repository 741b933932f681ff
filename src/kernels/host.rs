//! Between Flex tensors and plain slices. Knows the CPU backend's storage; knows nothing of any operation.
use burn::backend::Flex;
use burn::backend::ops::IntTensorOps;
use burn::tensor::{DType, IntDType, Shape, TensorData};
use burn_flex::{FlexTensor, Layout};

/// The tensor with its elements in row-major order from the start of its storage, so that `storage::<f32>()` is exactly them.
pub(super) fn dense(tensor: FlexTensor) -> FlexTensor {
    // `to_contiguous` shares the storage when nothing has to move, so keep the only handle in that case.
    let exact = tensor.is_contiguous()
        && tensor.layout().start_offset() == 0
        && tensor.bytes().len() == tensor.layout().num_elements() * tensor.dtype().size();
    if exact { tensor } else { tensor.to_contiguous() }
}

/// A tensor that owns `values`, of shape `shape`.
pub(super) fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// A tensor of zeros, row-major.
pub(super) fn zeros(shape: Shape) -> FlexTensor {
    FlexTensor::zeros(shape, DType::F32)
}

/// A tensor of zeros of shape `[b, heads, s, d]` that lies in memory as `[b, s, heads, d]`.
pub(super) fn heads_inside(shape: &Shape) -> FlexTensor {
    let [b, heads, s, d] = shape.dims();
    let memory = Layout::contiguous(Shape::from([b, s, heads, d]));
    zeros(Shape::from([b, s, heads, d])).with_layout(memory.transpose(1, 2))
}

/// The tensor with its last dimension contiguous; the others may have any strides.
pub(super) fn unit_stride(tensor: FlexTensor) -> FlexTensor {
    let layout = tensor.layout();
    let last = layout.num_dims() - 1;
    if layout.shape()[last] == 1 || layout.strides()[last] == 1 {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

/// The vectors of a `[b, heads, s, d]` tensor whose last dimension is contiguous.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    storage: &'a [f32],
    offset: usize,
    strides: [isize; 3],
    width: usize,
}

impl<'a> Rows<'a> {
    /// `tensor` as [`unit_stride`] gives it.
    pub(super) fn new(tensor: &'a FlexTensor) -> Self {
        let layout = tensor.layout();
        let [_, _, _, width] = layout.shape().dims();
        let strides = layout.strides();
        Self {
            storage: tensor.storage(),
            offset: layout.start_offset(),
            strides: [strides[0], strides[1], strides[2]],
            width,
        }
    }

    /// The vector of one head at one position.
    #[inline(always)]
    pub(super) fn row(&self, b: usize, head: usize, position: usize) -> &'a [f32] {
        let [sb, sh, sp] = self.strides;
        let steps = sb * b as isize + sh * head as isize + sp * position as isize;
        let start = self.offset.wrapping_add_signed(steps);
        &self.storage[start..start + self.width]
    }
}

/// The integers of a tensor of any integer type, in row-major order.
pub(super) fn integers(tensor: FlexTensor) -> Vec<i64> {
    let tensor = match tensor.dtype() {
        DType::I64 => tensor,
        _ => Flex::int_cast(tensor, IntDType::I64),
    };
    dense(tensor).storage::<i64>().to_vec()
}
