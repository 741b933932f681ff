//! Matrices between a device and files' plain values. Knows no file format and no names.

use burn::tensor::{Device, Tensor, TensorData};

use crate::formats::weights::HostTensor;

/// The values of a matrix, without its gradient tracking; waits for the device.
pub fn to_host(tensor: &Tensor<2>) -> HostTensor {
    let data = tensor.clone().inner().into_data().convert::<f32>();
    HostTensor {
        shape: tensor.dims().to_vec(),
        values: data.iter::<f32>().collect(),
    }
}

/// A matrix on a device; `host` has two dimensions, as its reader has checked.
pub fn to_device(host: HostTensor, device: &Device) -> Tensor<2> {
    let shape = [host.shape[0], host.shape[1]];
    Tensor::from_data(TensorData::new(host.values, shape), device)
}
