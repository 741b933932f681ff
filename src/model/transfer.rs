//! Matrices between a device and files' plain values. Knows no file format and no names.

use burn::tensor::{Device, Tensor, TensorData};

use super::ModelError;
use crate::formats::weights::HostTensor;

/// The values of a matrix, without its gradient tracking; waits for the device.
///
/// # Errors
/// The device failed or was lost.
pub fn to_host(tensor: &Tensor<2>) -> Result<HostTensor, ModelError> {
    let data = tensor.clone().inner().try_into_data();
    let data = data.map_err(|e| ModelError::Device(format!("{e:?}")))?.convert::<f32>();
    Ok(HostTensor {
        shape: tensor.dims().to_vec(),
        values: data.iter::<f32>().collect(),
    })
}

/// A matrix on a device; `host` has two dimensions, as its reader has checked.
pub fn to_device(host: HostTensor, device: &Device) -> Tensor<2> {
    let shape = [host.shape[0], host.shape[1]];
    Tensor::from_data(TensorData::new(host.values, shape), device)
}
