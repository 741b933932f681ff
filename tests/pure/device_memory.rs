//! The memory of devices: what the amdgpu driver writes, and the machine's own.

use burnish::engine::{devices, of_amdgpu};
use burnish::protocol::DeviceMemory;

/// A card as the driver describes it in files.
fn card(drm: &std::path::Path, name: &str, files: &[(&str, &str)]) {
    let device = drm.join(name).join("device");
    std::fs::create_dir_all(&device).expect("folder");
    for (file, text) in files {
        std::fs::write(device.join(file), text).expect("file");
    }
}

#[test]
fn amdgpu_tells_the_memory_of_the_card_with_these_numbers() {
    let drm = tempfile::tempdir().expect("folder");
    card(drm.path(), "card0", &[("vendor", "0x8086\n"), ("device", "0x46a6\n")]);
    let amd = [
        ("vendor", "0x1002\n"),
        ("device", "0x744c\n"),
        ("mem_info_vram_total", "25753026560\n"),
    ];
    card(
        drm.path(),
        "card1",
        &[&amd[..], &[("mem_info_vram_used", "753026560\n")]].concat(),
    );
    card(drm.path(), "card1-DP-1", &[]);
    let found = of_amdgpu(drm.path(), 0x1002, 0x744c);
    let expected = DeviceMemory {
        total: 25_753_026_560,
        free: 25_000_000_000,
    };
    assert_eq!(found, Some(expected));
    assert_eq!(
        of_amdgpu(drm.path(), 0x8086, 0x46a6),
        None,
        "another driver tells nothing here"
    );
    assert_eq!(of_amdgpu(drm.path(), 0x1002, 0x1234), None);
    assert_eq!(of_amdgpu(&drm.path().join("nowhere"), 0x1002, 0x744c), None);
    card(
        drm.path(),
        "card2",
        &[("vendor", "0x1002"), ("device", "0x1"), ("mem_info_vram_total", "much")],
    );
    assert_eq!(of_amdgpu(drm.path(), 0x1002, 1), None, "no number, no answer");
}

#[test]
fn the_cpu_has_the_memory_of_the_machine() {
    let cpu = devices::find("cpu").expect("always there");
    let memory = cpu.memory.expect("the system tells");
    assert!(memory.total >= memory.free && memory.free > 0, "{memory:?}");
    assert!((1 << 28..1 << 50).contains(&memory.total), "{memory:?}");
}
