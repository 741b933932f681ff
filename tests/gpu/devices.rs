//! The devices that numerical tests run on: the CPU always, and a GPU: the one that BURNISH_TEST_GPU names (as `burnish devices` does, or
//! `auto`), else lavapipe-Vulkan where it is installed.
use burn::tensor::{Device, DeviceKind, wgpu::WgpuBackend};
use std::sync::OnceLock;

/// How much further from the values of other programs a GPU may be, whose products add up in another order.
const GPU_SLACK: f64 = 10.0;

/// The GPU, or `None` (said once on stderr) where there is none. Lavapipe is slow: use tiny tensors and few matmul shapes.
///
/// # Panics
/// If BURNISH_TEST_GPU names a device that cannot be opened.
pub fn gpu() -> Option<Device> {
    static DEVICE: OnceLock<Option<Device>> = OnceLock::new();
    DEVICE.get_or_init(|| named().or_else(lavapipe)).clone()
}

/// The device that BURNISH_TEST_GPU names.
fn named() -> Option<Device> {
    let name = chosen()?;
    let (device, info) =
        burnish::engine::devices::open(&name).unwrap_or_else(|error| panic!("BURNISH_TEST_GPU: {error}"));
    println!("tests run on {} ({})", info.name, info.label);
    Some(device)
}

fn lavapipe() -> Option<Device> {
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

/// The CPU and the GPU, where there is one, with their names.
pub fn all() -> Vec<(&'static str, Device)> {
    let mut devices = vec![("cpu", Device::flex())];
    devices.extend(gpu().map(|device| ("gpu", device)));
    devices
}

/// The device that is held against the values of other programs: the CPU, or the one that BURNISH_TEST_GPU names.
pub fn golden() -> Device {
    match chosen() {
        Some(_) => gpu().expect("opened by name"),
        None => Device::flex(),
    }
}

/// How many times further than on the CPU that device may be off.
pub fn slack() -> f64 {
    chosen().map_or(1.0, |_| GPU_SLACK)
}

/// The name that BURNISH_TEST_GPU holds.
pub fn chosen() -> Option<String> {
    std::env::var("BURNISH_TEST_GPU").ok().filter(|name| !name.is_empty())
}
