//! Between Flex tensors and plain slices. Knows the CPU backend's storage; knows nothing of any operation.
use burn::backend::Flex;
use burn::backend::ops::IntTensorOps;
use burn::tensor::{DType, IntDType, Shape, TensorData};
use burn_flex::FlexTensor;

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

/// The integers of a tensor of any integer type, in row-major order.
pub(super) fn integers(tensor: FlexTensor) -> Vec<i64> {
    let tensor = match tensor.dtype() {
        DType::I64 => tensor,
        _ => Flex::int_cast(tensor, IntDType::I64),
    };
    dense(tensor).storage::<i64>().to_vec()
}
