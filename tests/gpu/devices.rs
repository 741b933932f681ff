//! The devices that numerical tests run on: the CPU always, lavapipe-Vulkan where it is installed.
use burn::tensor::{Device, DeviceKind, wgpu::WgpuBackend};
use std::sync::OnceLock;

/// The software Vulkan device, or `None` (said once on stderr) where there is none. Slow: use tiny tensors and no matmul.
pub fn lavapipe() -> Option<Device> {
    static DEVICE: OnceLock<Option<Device>> = OnceLock::new();
    DEVICE.get_or_init(open_lavapipe).clone()
}

fn open_lavapipe() -> Option<Device> {
    let runtime = std::env::temp_dir();
    for (name, value) in [
        ("CUBECL_AUTOTUNE_LEVEL", "0"),
        ("XDG_RUNTIME_DIR", &runtime.to_string_lossy()),
    ] {
        if std::env::var_os(name).is_none() {
            // SAFETY: runs once, before this process has touched a GPU library; the tests read no environment elsewhere.
            unsafe { std::env::set_var(name, value) };
        }
    }
    let device = Device::wgpu_options()
        .graphics_api(WgpuBackend::Vulkan)
        .device_kind(DeviceKind::Cpu)
        .init();
    device
        .map_err(|error| eprintln!("skipped: no software Vulkan adapter ({error})"))
        .ok()
}

/// The CPU and, where installed, lavapipe, with their names.
pub fn all() -> Vec<(&'static str, Device)> {
    let mut devices = vec![("cpu", Device::flex())];
    devices.extend(lavapipe().map(|device| ("lavapipe", device)));
    devices
}
