//! Launching shaders on Cube tensors. Knows the GPU backend's buffers; knows nothing of any operation.
use super::shader::Shader;
use burn::backend::DispatchDevice;
use burn::cubecl::MemoryScope;
use burn::cubecl::server::{Handle, KernelArguments};
use burn::cubecl::{CubeCount, client::Client};
use burn::tensor::{DType, Device, Shape};
use burn_wgpu::{CubeDim, CubeTensor, SourceKernel};

/// Threads of one workgroup, in every shader of this room that is not made for subgroups.
pub(super) const WORKGROUP: u32 = 128;
/// Most workgroups in one direction of a dispatch that every adapter takes.
const MAX_GROUPS: usize = 65_535;

/// An uninitialised `f32` tensor beside `like`.
pub(super) fn empty(like: &CubeTensor, shape: Shape) -> CubeTensor {
    let buffer = like.client.empty(shape.num_elements() * DType::F32.size());
    CubeTensor::new_contiguous(like.client.clone(), like.device.clone(), shape, buffer, DType::F32)
}

/// A vector of numbers beside `like`.
pub(super) fn vector(like: &CubeTensor, numbers: &[f32]) -> CubeTensor {
    let buffer = like.client.create_from_slice(bytemuck::cast_slice(numbers));
    let shape = Shape::from([numbers.len()]);
    CubeTensor::new_contiguous(like.client.clone(), like.device.clone(), shape, buffer, DType::F32)
}

/// Runs `shader` in `groups` workgroups (spread over two directions) with `tensors` as bindings 0, 1, .. in this order and
/// `sizes` as the last binding, an array of `u32`.
///
/// The shader numbers its workgroup `group.y * groups.x + group.x` and does nothing from `groups` on.
pub(super) fn launch(shader: Shader, groups: usize, tensors: &[&CubeTensor], sizes: &[usize]) {
    launch_of(WORKGROUP, shader, groups, tensors, sizes);
}

/// [`launch`] for a shader whose workgroups have another number of threads.
pub(super) fn launch_of(threads: u32, shader: Shader, groups: usize, tensors: &[&CubeTensor], sizes: &[usize]) {
    let Some(first) = tensors.first().filter(|_| groups > 0) else {
        return;
    };
    let client: &Client = &first.client;
    let sizes: Vec<u32> = sizes.iter().map(|size| *size as u32).collect();
    let sizes: Handle = client.create_from_slice(bytemuck::cast_slice(&sizes));
    let buffers = tensors
        .iter()
        .map(|tensor| tensor.handle.clone().binding())
        .chain([sizes.binding()])
        .collect();
    let columns = groups.min(MAX_GROUPS);
    client.launch(
        Box::new(SourceKernel::new(shader, CubeDim::new_1d(threads))),
        CubeCount::Static(columns as u32, groups.div_ceil(columns) as u32, 1),
        KernelArguments::new().with_buffers(buffers),
    );
}

/// Runs `shader` with one thread for each of `count` items; `count` comes first in its sizes.
pub(super) fn launch_each(shader: Shader, count: usize, tensors: &[&CubeTensor], sizes: &[usize]) {
    let sizes = [&[count], sizes].concat();
    launch(shader, count.div_ceil(WORKGROUP as usize), tensors, &sizes);
}

/// Bytes of device memory set aside for this process, in use or kept for later; `None` for the CPU.
pub fn reserved_memory(device: &Device) -> Option<u64> {
    match device.clone().inner().as_dispatch() {
        DispatchDevice::Cube(device) => Some(
            device
                .client()
                .memory_report(MemoryScope::Device)
                .usage()
                .bytes_reserved,
        ),
        _ => None,
    }
}

/// Bytes that one binding of the device may hold; `None` where there are no bindings.
pub(super) fn largest_binding(device: &Device) -> Option<usize> {
    match device.clone().inner().as_dispatch() {
        DispatchDevice::Cube(device) => Some(device.client().properties().memory.max_page_size as usize),
        _ => None,
    }
}
