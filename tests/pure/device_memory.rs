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

/// A device as a worker lists it.
fn device(label: &str, memory: Option<DeviceMemory>) -> burnish::protocol::DeviceInfo {
    burnish::protocol::DeviceInfo {
        label: label.into(),
        memory,
        ..devices::list().remove(0)
    }
}

#[test]
fn the_status_bar_tells_the_memory_of_the_runs_device() {
    use burnish::protocol::Event;
    use burnish::session::{MemoryInUse, Outcome, RunPhase, Slot, State, absorb};
    let mut state = State::default();
    assert_eq!(MemoryInUse::of(&state), None, "no device is known yet");
    let memory = DeviceMemory {
        total: 8_000,
        free: 5_000,
    };
    state.devices = vec![device("Card", Some(memory)), device("Other", None)];
    state.devices[0].default = true;
    state.devices[1].default = false;
    let idle = MemoryInUse::of(&state).expect("it is known");
    assert_eq!((idle.used, idle.total, idle.run), (3_000, 8_000, None));
    let run = |device: &str| {
        let text = format!(
            r#"[{{"event": "train_start", "run": "r", "device": "{device}", "steps": 9, "epochs": 1.0, "train_rows": 9, "eval_rows": 0,
            "skipped_rows": 0, "trainable": 1, "total_params": 9, "template": "chatml", "start_step": 0}},
            {{"event": "step", "step": 1, "loss": 1.0, "lr": 0.1, "grad_norm": 1.0, "tokens": 9, "supervised_tokens": 4,
            "seconds": 1.0, "epoch": 0.1, "memory": 4000}}]"#
        );
        serde_json::from_str::<Vec<Event>>(&text).expect("events")
    };
    for (label, expected) in [("Card", Some((4_000, 8_000))), ("Other", None)] {
        state.run = burnish::session::RunState {
            phase: RunPhase::Preparing,
            job: 7,
            name: "pirate".into(),
            ..Default::default()
        };
        for event in run(label) {
            let slot = Slot::Train;
            absorb(&mut state, Outcome::Worker { slot, id: 7, event });
        }
        let found = MemoryInUse::of(&state);
        assert_eq!(found.as_ref().map(|m| (m.used, m.total)), expected, "{label}");
        assert!(found.is_none_or(|m| m.run.as_deref() == Some("pirate") && m.device == label));
    }
}
