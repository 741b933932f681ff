//! The devices of this machine: the CPU and every adapter that wgpu finds, by name; and the burn device behind a name.
//! Knows nothing of models.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use burn::tensor::wgpu::WgpuBackend;
use burn::tensor::{Device, DeviceKind};

use super::budget;
use crate::kernels::{self, Tiles};
use crate::protocol::DeviceInfo;

/// The name of the CPU.
pub const CPU: &str = "cpu";
/// The name that stands for the fastest real device.
pub const AUTO: &str = "auto";

/// Why a device cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No such name.
    #[error("There is no device \"{name}\" here. Devices: {known}.")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// The driver refused.
    #[error(
        "The device {name} ({label}) could not be opened: {message}. Use --device cpu, or update the graphics driver."
    )]
    Init {
        /// The name.
        name: String,
        /// What people call it.
        label: String,
        /// What the driver said.
        message: String,
    },
    /// Another adapter came up than the one that was asked for.
    #[error(
        "Asked for the device {name} ({label}), but the driver opened {found}. Use another name from `burnish devices`."
    )]
    Other {
        /// The name.
        name: String,
        /// What people call it.
        label: String,
        /// What was opened.
        found: String,
    },
}

/// One adapter and the way to ask burn for it.
struct Adapter {
    info: DeviceInfo,
    api: WgpuBackend,
    kind: DeviceKind,
    found: wgpu::AdapterInfo,
}

/// All devices, the CPU first. Exactly one is the default: the fastest real adapter, or the CPU; never a software rasteriser.
pub fn list() -> Vec<DeviceInfo> {
    let mut all = vec![cpu()];
    all.extend(adapters().into_iter().map(|a| a.info));
    let best = (0..all.len()).min_by_key(|i| rank(&all[*i])).unwrap_or(0);
    all[best].default = true;
    all
}

/// Smaller is better.
fn rank(device: &DeviceInfo) -> (u8, u8) {
    let kind = match device.kind.as_str() {
        "discrete" => 0,
        "integrated" => 1,
        "virtual" => 2,
        "cpu" => 3,
        // Unknown adapters are not taken unasked, software rasterisers are slower than the CPU path.
        _ => 4,
    };
    (kind, u8::from(device.backend == "gl"))
}

/// The burn device for `auto`, `cpu` or a name from [`list`], and what it is.
///
/// # Errors
/// No such device, or the driver refuses it.
pub fn open(name: &str) -> Result<(Device, DeviceInfo), DeviceError> {
    let info = find(name)?;
    if info.name == CPU {
        return Ok((Device::flex(), info));
    }
    // A selector can be initialised once in a process.
    static OPEN: Mutex<Option<HashMap<String, Device>>> = Mutex::new(None);
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let open = open.get_or_insert_default();
    if let Some(device) = open.get(&info.name) {
        return Ok((device.clone(), info));
    }
    let adapter = adapters().into_iter().find(|a| a.info.name == info.name);
    let device = init(&adapter.ok_or_else(|| unknown(name))?)?;
    open.insert(info.name.clone(), device.clone());
    Ok((device, info))
}

/// What a name means here, without opening it.
///
/// # Errors
/// No such device.
pub fn find(name: &str) -> Result<DeviceInfo, DeviceError> {
    if name == CPU {
        // The drivers need not be asked.
        return Ok(cpu());
    }
    let auto = name.is_empty() || name == AUTO;
    let device = list()
        .into_iter()
        .find(|d| if auto { d.default } else { d.name == name });
    device.ok_or_else(|| unknown(name))
}

/// Bytes that the device has set aside for this process; `None` for the CPU.
pub fn reserved(device: &Device) -> Option<u64> {
    kernels::reserved_memory(device)
}

/// The largest square tiles that the device of a name multiplies as one from f16 into f32, where WGSL reaches them.
pub fn tiles(name: &str) -> Option<Tiles> {
    let (backend, index) = name.split_once(':')?;
    let (backends, ..) = APIS.iter().find(|(.., known)| *known == backend)?;
    let adapter = enumerate(*backends).into_iter().nth(index.parse().ok()?)?;
    let needed = wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX | wgpu::Features::SHADER_F16;
    if !adapter.features().contains(needed) {
        return None;
    }
    let (half, single) = (wgpu::CooperativeScalarType::F16, wgpu::CooperativeScalarType::F32);
    let offered = adapter.cooperative_matrix_properties();
    let square = offered
        .iter()
        .filter(|tile| (tile.ab_type, tile.cr_type) == (half, single))
        .filter(|tile| tile.m_size == tile.n_size && tile.n_size == tile.k_size && [8, 16].contains(&tile.k_size));
    Some(Tiles {
        size: square.map(|tile| tile.k_size).max()?,
        subgroup: adapter.get_info().subgroup_max_size,
    })
}

fn unknown(name: &str) -> DeviceError {
    let known: Vec<String> = list().into_iter().map(|d| d.name).collect();
    DeviceError::Unknown {
        name: name.into(),
        known: format!("{AUTO}, {}", known.join(", ")),
    }
}

fn init(adapter: &Adapter) -> Result<Device, DeviceError> {
    let (name, label) = (adapter.info.name.clone(), adapter.info.label.clone());
    let options = Device::wgpu_options()
        .device_kind(adapter.kind.clone())
        .graphics_api(adapter.api);
    let (device, setup) = options.init_with_setup().map_err(|error| DeviceError::Init {
        name: name.clone(),
        label: label.clone(),
        message: error.to_string(),
    })?;
    let got = setup.adapter.get_info();
    let wanted = &adapter.found;
    if (&got.name, got.backend, got.device_type, got.device)
        == (&wanted.name, wanted.backend, wanted.device_type, wanted.device)
    {
        return Ok(device);
    }
    Err(DeviceError::Other {
        name,
        label,
        found: format!("{} ({:?})", got.name, got.backend),
    })
}

fn cpu() -> DeviceInfo {
    DeviceInfo {
        name: CPU.into(),
        label: cpu_label(),
        backend: CPU.into(),
        kind: CPU.into(),
        max_binding: 0,
        default: false,
        half: vec!["bf16".into(), "f16".into()],
        memory: budget::of_machine(),
        check: None,
    }
}

fn cpu_label() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("CPU", |(_, name)| name.trim());
    format!("{model}, {cores} {}", if cores == 1 { "thread" } else { "threads" })
}

/// The graphics interfaces in the order of preference, as burn and as people call them.
const APIS: [(wgpu::Backends, WgpuBackend, &str); 4] = [
    (wgpu::Backends::VULKAN, WgpuBackend::Vulkan, "vulkan"),
    (wgpu::Backends::METAL, WgpuBackend::Metal, "metal"),
    (wgpu::Backends::DX12, WgpuBackend::Dx12, "dx12"),
    (wgpu::Backends::GL, WgpuBackend::Gl, "gl"),
];

fn adapters() -> Vec<Adapter> {
    let mut all = vec![];
    for (backends, api, backend) in APIS {
        if !wgpu::Instance::enabled_backend_features().contains(backends) {
            continue;
        }
        // Burn counts each kind from 0 within an interface.
        let mut counts: HashMap<wgpu::DeviceType, usize> = HashMap::new();
        for (index, adapter) in enumerate(backends).into_iter().enumerate() {
            let found = adapter.get_info();
            let count = counts.entry(found.device_type).or_default();
            let kind = burn_kind(found.device_type, *count);
            *count += 1;
            // Burn reaches only the first software adapter of an interface.
            let Some(kind) = kind else { continue };
            let mut info = describe(&found, backend, index, &adapter.limits());
            if adapter.features().contains(wgpu::Features::SHADER_F16) {
                info.half.push("f16".into());
            }
            info.memory = budget::of_adapter(&adapter, info.kind != "discrete");
            all.push(Adapter { info, api, kind, found });
        }
    }
    all
}

fn enumerate(backends: wgpu::Backends) -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let listing = pin!(instance.enumerate_adapters(backends));
    // Outside a browser the future is ready at once.
    match listing.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(adapters) => adapters,
        Poll::Pending => vec![],
    }
}

fn burn_kind(kind: wgpu::DeviceType, index: usize) -> Option<DeviceKind> {
    match kind {
        wgpu::DeviceType::DiscreteGpu => Some(DeviceKind::DiscreteGpu(index)),
        wgpu::DeviceType::IntegratedGpu => Some(DeviceKind::IntegratedGpu(index)),
        wgpu::DeviceType::VirtualGpu => Some(DeviceKind::VirtualGpu(index)),
        // Burn has no selector for these; whether its default is this adapter is checked after opening.
        wgpu::DeviceType::Other => Some(DeviceKind::DefaultDevice),
        wgpu::DeviceType::Cpu => (index == 0).then_some(DeviceKind::Cpu),
    }
}

fn describe(found: &wgpu::AdapterInfo, backend: &str, index: usize, limits: &wgpu::Limits) -> DeviceInfo {
    DeviceInfo {
        name: format!("{backend}:{index}"),
        label: found.name.clone(),
        backend: backend.into(),
        kind: kind_in_words(found).into(),
        max_binding: limits.max_storage_buffer_binding_size,
        default: false,
        half: vec![],
        memory: None,
        check: None,
    }
}

fn kind_in_words(found: &wgpu::AdapterInfo) -> &'static str {
    // Some software rasterisers call themselves something else.
    const SOFTWARE: [&str; 4] = ["llvmpipe", "lavapipe", "swiftshader", "basic render"];
    let name = found.name.to_lowercase();
    if SOFTWARE.iter().any(|s| name.contains(s)) {
        return "software";
    }
    match found.device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Cpu => "software",
        wgpu::DeviceType::Other => "other",
    }
}
