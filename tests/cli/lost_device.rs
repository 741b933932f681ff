//! A worker whose device is lost below it, in the driver: the run says so, keeps its checkpoints, and goes on from them as if nothing had
//! happened. On software Vulkan, where there is one, with a layer that this test compiles.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use burnish::worker::{News, RunHandle, is_alive};

use super::crash::{copy, same};
use super::kit::{World, answer};

const SETTING: &str =
    "[optim]\nmax_steps = 6\nlr = 1e-2\n[method]\nr = 4\n[batch]\nsize = 1\n[save]\nevery = 2\n[eval]\nevery = 100\n";

/// The name of the software Vulkan device.
fn software(world: &World) -> Option<String> {
    let devices = world.run(&["devices", "--json"]).ok().lines();
    let found = devices
        .iter()
        .find(|device| device["backend"] == "vulkan" && device["kind"] == "software");
    found.map(|device| device["name"].as_str().unwrap().to_owned())
}

/// Compiles the layer and writes what the Vulkan loader wants to know of it.
fn make_layer(world: &World) {
    let library = world.path("liblost.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/lost_device.c");
    let mut compile = Command::new("cc");
    compile.args(["-O1", "-shared", "-fPIC", source, "-o"]).arg(&library);
    assert!(compile.status().expect("cc, which Rust links with").success());
    let about = serde_json::json!({"file_format_version": "1.2.0", "layer": {
        "name": "VK_LAYER_TEST_lost_device", "type": "GLOBAL", "library_path": library, "api_version": "1.3.0",
        "implementation_version": "1", "description": "Loses its device"
    }});
    world.write("layers/lost.json", &about.to_string());
}

/// Waits until the run computes on its device, which it does first for the largest batch.
fn wait_until_it_computes(run: &Path, past: usize) {
    let start = Instant::now();
    let text = || std::fs::read_to_string(run.join("events.jsonl")).unwrap_or_default();
    while !text()[past..].contains("Trying the largest batch") {
        assert!(start.elapsed() < Duration::from_secs(300), "{}", text());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_worker_that_loses_its_device_says_so_and_the_run_goes_on_to_the_same_result() {
    let world = World::new();
    let Some(device) = software(&world) else {
        eprintln!("skipped: no software Vulkan device");
        return;
    };
    world.rows("rows.jsonl", 24);
    let recipe = world.recipe("r.toml", SETTING);
    make_layer(&world);
    world.run(&["train", &recipe, "--run", "whole"]).ok();
    // As it was at its fourth step, it goes on on the device that will be lost.
    let (run, past) = (
        world.path("cut"),
        world.path("whole/events.jsonl").metadata().unwrap().len(),
    );
    copy(&world.path("whole"), &run);
    for later in ["final", "checkpoint-6"] {
        std::fs::remove_dir_all(run.join(later)).unwrap();
    }
    let resume = ["train", &recipe, "--run", "cut", "--resume"];
    let mut command = world.command(&[&resume[..], &["--device", &device]].concat());
    command
        .env("VK_INSTANCE_LAYERS", "VK_LAYER_TEST_lost_device")
        .env("VK_LAYER_PATH", world.path("layers"))
        .env("LOSE_DEVICE_WHEN", world.path("now"));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until_it_computes(&run, past as usize);
    world.write("now", "");
    answer(child.wait_with_output().unwrap()).refuses(1, &["The device was lost", "checkpoint-4"]);
    assert!(!run.join("final").exists());
    while is_alive(&run) {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Who looks later is told the same.
    let later = RunHandle::attach(1, &run, Arc::new(|| {})).unwrap();
    let words = std::iter::from_fn(|| later.next(Duration::from_secs(20))).find_map(|news| match news {
        News::Exit(exit) => Some(exit.in_words()),
        _ => None,
    });
    assert!(words.is_some_and(|words| words.contains("The device was lost") && words.contains("checkpoint-4")));
    world.run(&resume).ok();
    same(&world, "cut", "whole");
}
