//! How runs end otherwise than by their last step: Ctrl+C, and a disk that takes nothing more.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use serde_json::Value;

use super::kit::World;

fn world() -> (World, String) {
    let world = World::new();
    world.rows("rows.jsonl", 24);
    let recipe = world.recipe("r.toml", "[method]\nr = 64\n[batch]\nsize = 2\n[eval]\nevery = 1000");
    (world, recipe)
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id() as i32).unwrap()
}

/// The next event line that `enough` accepts.
fn wait_for(lines: &mut impl Iterator<Item = String>, what: &str, enough: impl Fn(&Value) -> bool) -> Value {
    let mut seen = vec![];
    for line in lines {
        let event: Value = serde_json::from_str(&line).unwrap();
        if enough(&event) {
            return event;
        }
        seen.push(line);
    }
    panic!("the run ended without {what}:\n{}", seen.join("\n"));
}

fn lines_of(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
}

#[test]
fn control_c_stops_and_keeps_what_was_learned() {
    let (world, recipe) = world();
    let mut command = world.command(&[
        "train",
        &recipe,
        "--run",
        "run",
        "--set",
        "optim.max_steps=100000",
        "--json",
    ]);
    // A group of its own, as a terminal gives: Ctrl+C then reaches the program and its worker alike.
    let mut child = command
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = lines_of(&mut child);
    wait_for(&mut lines, "a third step", |e| e["event"] == "step" && e["step"] == 3);
    kill_process_group(pid(&child), Signal::INT).unwrap();
    let end = wait_for(&mut lines, "an end", |e| e["event"] == "train_end");
    assert_eq!(end["stopped"], true, "{end}");
    assert!(
        child.wait().unwrap().success(),
        "a stop that was asked for is no failure"
    );
    assert!(world.path("run/final/adapter_model.safetensors").is_file());
}

#[test]
fn a_result_that_the_disk_does_not_take_waits_in_memory() {
    let (world, recipe) = world();
    let train = world.command(&["train", &recipe, "--run", "run", "--set", "optim.max_steps=6", "--json"]);
    // No file may grow beyond 64 KiB, which stands for a full disk: the adapter is larger, the events are not.
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -S -f 128; exec \"$0\" \"$@\""])
        .arg(train.get_program())
        .args(train.get_args())
        .current_dir(world.path(""))
        .env("BURNISH_HOME", world.path("home"))
        .env("TMPDIR", world.path(""));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = lines_of(&mut child);
    wait_for(&mut lines, "the last step", |e| e["event"] == "step" && e["step"] == 6);
    let refused = |e: &Value| e["event"] == "warning" && e["message"].as_str().unwrap().contains("still in memory");
    wait_for(&mut lines, "a warning", refused);
    assert!(!world.path("run/final").exists());
    free_the_disk(child.id());
    wait_for(&mut lines, "an end", |e| e["event"] == "train_end");
    assert!(child.wait().unwrap().success());
    let result = world.path("run/final/adapter_model.safetensors").metadata().unwrap();
    assert!(result.len() > 64 * 1024);
}

/// Lifts the limit from the program and its worker.
fn free_the_disk(program: u32) {
    let mut processes = vec![program as i32];
    let mut at = 0;
    while let Some(process) = processes.get(at) {
        // The program has a supervisor, and that one a worker.
        let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap();
        processes.extend(children.split_whitespace().map(|p| p.parse::<i32>().unwrap()));
        at += 1;
    }
    assert_eq!(processes.len(), 3, "program, supervisor, worker");
    for process in processes {
        let none = Rlimit {
            current: None,
            maximum: None,
        };
        prlimit(Pid::from_raw(process), Resource::Fsize, none).unwrap();
    }
}
