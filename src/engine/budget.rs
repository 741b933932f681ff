//! How much memory a device really has and how much of it is free: Vulkan's memory budget, amdgpu's files, the budgets of DXGI and Metal, the
//! machine's own memory. Where nobody tells, it stays unknown. Knows adapters, not what is put into them.

use std::path::Path;

use crate::protocol::DeviceMemory;

/// The memory of an adapter. Graphics that share the machine's memory are counted against it once.
pub(super) fn of_adapter(adapter: &wgpu::Adapter, shared: bool) -> Option<DeviceMemory> {
    let found = adapter.get_info();
    let own = of_vulkan(adapter)
        .or_else(|| of_amdgpu(Path::new("/sys/class/drm"), found.vendor, found.device))
        .or_else(|| of_system(adapter));
    match (shared, of_machine()) {
        (true, Some(machine)) => Some(match own {
            Some(own) => DeviceMemory {
                total: own.total.min(machine.total),
                free: own.free.min(machine.free),
            },
            None => machine,
        }),
        _ => own,
    }
}

/// The machine's memory, or what the container is allowed of it; `None` where the system does not tell.
pub(super) fn of_machine() -> Option<DeviceMemory> {
    let wanted = sysinfo::RefreshKind::nothing().with_memory(sysinfo::MemoryRefreshKind::nothing().with_ram());
    let system = sysinfo::System::new_with_specifics(wanted);
    let (total, free) = (system.total_memory(), system.available_memory());
    let limits = system.cgroup_limits();
    let memory = DeviceMemory {
        total: limits.as_ref().map_or(total, |l| total.min(l.total_memory)),
        free: limits.as_ref().map_or(free, |l| free.min(l.free_memory)),
    };
    (memory.total > 0).then_some(memory)
}

/// The heaps on the device, by `VK_EXT_memory_budget` where the driver has it, else their sizes.
fn of_vulkan(adapter: &wgpu::Adapter) -> Option<DeviceMemory> {
    // SAFETY: the guard lives as long as the handles taken from it, and nothing is destroyed through them.
    let hal = unsafe { adapter.as_hal::<wgpu::hal::api::Vulkan>() }?;
    let (instance, device) = (hal.shared_instance().raw_instance(), hal.raw_physical_device());
    let told = hal
        .physical_device_capabilities()
        .supports_extension(ash::ext::memory_budget::NAME);
    let mut budget = ash::vk::PhysicalDeviceMemoryBudgetPropertiesEXT::default();
    let mut wanted = ash::vk::PhysicalDeviceMemoryProperties2::default();
    if told {
        wanted = wanted.push_next(&mut budget);
    }
    // SAFETY: the physical device belongs to this instance, which is alive; the structures are chained as the extension asks, and only
    // where it is there. Vulkan 1.1, which wgpu asks for, has this call.
    unsafe { instance.get_physical_device_memory_properties2(device, &mut wanted) };
    let heaps = wanted.memory_properties;
    let mut memory = DeviceMemory { total: 0, free: 0 };
    for index in 0..(heaps.memory_heap_count as usize).min(heaps.memory_heaps.len()) {
        let heap = heaps.memory_heaps[index];
        if !heap.flags.contains(ash::vk::MemoryHeapFlags::DEVICE_LOCAL) {
            continue;
        }
        memory.total += heap.size;
        memory.free += match told {
            true => budget.heap_budget[index].saturating_sub(budget.heap_usage[index]),
            false => heap.size,
        };
    }
    (memory.total > 0).then_some(memory)
}

/// What Windows lets this process have of the adapter's own memory now, and what of that is left (`IDXGIAdapter3::QueryVideoMemoryInfo`).
#[cfg(windows)]
fn of_system(adapter: &wgpu::Adapter) -> Option<DeviceMemory> {
    // SAFETY: the guard lives as long as the adapter taken from it, and nothing is released through it.
    let hal = unsafe { adapter.as_hal::<wgpu::hal::api::Dx12>() }?;
    // The default group is DXGI_MEMORY_SEGMENT_GROUP_LOCAL, 0.
    let info = hal.raw_adapter().query_video_memory_info(Default::default()).ok()?;
    (info.Budget > 0).then_some(DeviceMemory {
        total: info.Budget,
        free: info.Budget.saturating_sub(info.CurrentUsage),
    })
}

/// What Metal recommends to use at most, and what of that is left (`MTLDevice`, recommendedMaxWorkingSetSize and currentAllocatedSize).
#[cfg(target_os = "macos")]
fn of_system(adapter: &wgpu::Adapter) -> Option<DeviceMemory> {
    use objc2_metal::MTLDevice as _;
    // SAFETY: the guard lives as long as the device taken from it, and nothing is released through it.
    let hal = unsafe { adapter.as_hal::<wgpu::hal::api::Metal>() }?;
    let device = hal.raw_device();
    let total = device.recommendedMaxWorkingSetSize();
    (total > 0).then_some(DeviceMemory {
        total,
        free: total.saturating_sub(device.currentAllocatedSize() as u64),
    })
}

/// Other systems have nothing beyond Vulkan and the driver's files.
#[cfg(not(any(windows, target_os = "macos")))]
fn of_system(_adapter: &wgpu::Adapter) -> Option<DeviceMemory> {
    None
}

/// What the amdgpu driver writes about a card with these PCI numbers, below `/sys/class/drm`.
pub fn of_amdgpu(drm: &Path, vendor: u32, device: u32) -> Option<DeviceMemory> {
    let cards = std::fs::read_dir(drm).ok()?.flatten();
    let number = |path: &Path| {
        let text = std::fs::read_to_string(path).ok()?;
        let text = text.trim();
        match text.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        }
    };
    cards.map(|card| card.path().join("device")).find_map(|card| {
        let same =
            number(&card.join("vendor"))? == u64::from(vendor) && number(&card.join("device"))? == u64::from(device);
        let total = number(&card.join("mem_info_vram_total")).filter(|_| same)?;
        let used = number(&card.join("mem_info_vram_used")).unwrap_or(0);
        Some(DeviceMemory {
            total,
            free: total.saturating_sub(used),
        })
    })
}
