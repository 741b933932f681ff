//! Runs that are killed, damaged or cut off: they always go on, and end with what an uninterrupted run gives, bit for bit.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::kit::World;
use super::runs::{events, losses};

/// A checkpoint at every step, so that many kills fall into the writing of one.
const SETTING: &str = "[optim]\nmax_steps = 60\nlr = 1e-2\n[method]\nr = 4\ndropout = 0.1\n[batch]\nsize = 2\naccumulation = 2\n[save]\nevery = 1\nkeep = 2\n[eval]\nevery = 7\nrows = 2\n";

fn world(setting: &str) -> (World, String) {
    let world = World::new();
    world.rows("rows.jsonl", 24);
    let recipe = world.recipe("r.toml", setting);
    (world, recipe)
}

fn train(world: &World, recipe: &str, run: &str, resume: bool) -> Child {
    let mut arguments = vec!["train", recipe, "--run", run, "--accept-findings"];
    arguments.extend(resume.then_some("--resume"));
    let mut command = world.command(&arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The worker of a run, once it has said how to reach it.
fn worker(run: &Path) -> Option<Pid> {
    let text = std::fs::read(run.join("control.json")).ok()?;
    let pid = serde_json::from_slice::<Value>(&text).ok()?["pid"].as_i64()?;
    Pid::from_raw(pid as i32)
}

/// Same losses and same adapter, bit for bit.
#[track_caller]
fn same(world: &World, run: &str, whole: &str) {
    let of = |name: &str| losses(&events(&world.path(name)));
    assert_eq!(of(run), of(whole), "losses");
    let adapter = |name: &str| std::fs::read(world.path(name).join("final/adapter_model.safetensors")).unwrap();
    assert!(adapter(run) == adapter(whole), "the adapter of {run}");
}

/// Kills the workers of runs `count` times, each time after a random while; gives how many runs it took and in how many a checkpoint
/// was being written.
fn kill_often(count: usize, seed: u64) -> (usize, usize) {
    let (world, recipe) = world(SETTING);
    world
        .run(&["train", &recipe, "--run", "whole", "--accept-findings"])
        .ok();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut kills, mut writing, mut runs) = (0, 0, 0);
    while kills < count {
        let name = format!("cut-{runs}");
        let run = world.path(&name);
        let mut child = train(&world, &recipe, &name, false);
        let mut over = false;
        while kills < count && !over {
            // Every other kill aims at the writing of a checkpoint.
            let aims = random.random_bool(0.5);
            let moment = Instant::now() + Duration::from_micros(random.random_range(20_000..450_000));
            while !over && (Instant::now() < moment || aims && !half_written(&run)) {
                over = child.try_wait().unwrap().is_some();
                std::thread::sleep(Duration::from_micros(200));
            }
            if over {
                break;
            }
            std::thread::sleep(Duration::from_micros(random.random_range(0..2_000)));
            // Before the worker can be reached, the program is killed in its place.
            let pid = worker(&run).unwrap_or(Pid::from_raw(child.id() as i32).unwrap());
            if kill_process(pid, Signal::KILL).is_ok() {
                kills += 1;
            }
            child.wait().unwrap();
            wait_for_end(&run);
            writing += usize::from(half_written(&run));
            child = train(&world, &recipe, &name, run.join("events.jsonl").is_file());
        }
        child.wait().unwrap();
        wait_for_end(&run);
        if !run.join("final").is_dir() {
            world.run(&["train", &recipe, "--run", &name, "--resume"]).ok();
        }
        same(&world, &name, "whole");
        assert!(!half_written(&run), "what kills left behind is gone");
        runs += 1;
    }
    (runs, writing)
}

fn wait_for_end(run: &Path) {
    while burnish::worker::is_alive(run) {
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn half_written(run: &Path) -> bool {
    let names = std::fs::read_dir(run).into_iter().flatten().flatten();
    let mut names = names.map(|e| e.file_name().to_string_lossy().into_owned());
    names.any(|name| name.starts_with(".saving-") || name.ends_with(".old"))
}

#[test]
fn a_run_killed_at_random_moments_ends_as_if_nothing_had_happened() {
    // BURNISH_KILLS=50 is the whole exercise.
    let kills = std::env::var("BURNISH_KILLS").map_or(6, |n| n.parse().unwrap());
    let seed = std::env::var("BURNISH_KILLS_SEED").map_or(5, |n| n.parse().unwrap());
    let (runs, writing) = kill_often(kills, seed);
    eprintln!("{kills} kills over {runs} runs, {writing} of them while a checkpoint was written");
}

/// What can happen to the newest checkpoint.
fn damage(checkpoint: &Path, how: &str) {
    let file = checkpoint.join("optimizer.safetensors");
    let mut bytes = std::fs::read(&file).unwrap();
    match how {
        "cut" => bytes.truncate(bytes.len() / 2),
        "flipped" => {
            let last = bytes.len() - 5;
            bytes[last] ^= 1;
        }
        _ => return std::fs::remove_file(checkpoint.join(how)).unwrap(),
    }
    std::fs::write(&file, bytes).unwrap();
}

#[test]
fn a_damaged_newest_checkpoint_gives_way_to_the_one_before() {
    let (world, recipe) = world(
        &SETTING
            .replace("max_steps = 60", "max_steps = 8")
            .replace("every = 1\n", "every = 3\n")
            .replace("every = 7\n", "every = 100\n"),
    );
    world.run(&["train", &recipe, "--run", "whole"]).ok();
    let whole = world.path("whole");
    for how in [
        "cut",
        "flipped",
        "adapter_model.safetensors",
        "trainer_state.json",
        "files.json",
    ] {
        let run = world.path("cut");
        let _ = std::fs::remove_dir_all(&run);
        copy(&whole, &run);
        std::fs::remove_dir_all(run.join("final")).unwrap();
        damage(&run.join("checkpoint-8"), how);
        // A worker was killed while it put the checkpoint of step 6 in the place of an older one, and while it filled another.
        std::fs::rename(run.join("checkpoint-6"), run.join("checkpoint-6.old")).unwrap();
        world.write("cut/.saving-abc/optimizer.safetensors", "half");
        let answer = world.run(&["train", &recipe, "--run", "cut", "--resume"]).ok();
        for words in ["checkpoint-8 is damaged", "from checkpoint-6"] {
            assert!(answer.stderr.contains(words), "{how}: {}", answer.stderr);
        }
        same(&world, "cut", "whole");
        assert!(!half_written(&run), "{how}");
        assert!(
            run.join("checkpoint-8").is_dir() && run.join("checkpoint-8.damaged").is_dir(),
            "{how}"
        );
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_run_mixes_neither_with_an_old_one_nor_with_other_data() {
    let (world, recipe) = world(&SETTING.replace("max_steps = 60", "max_steps = 2"));
    world.run(&["train", &recipe, "--run", "run"]).ok();
    world
        .run(&["train", &recipe, "--run", "run"])
        .refuses(1, &["holds a run with checkpoints", "--resume"]);
    world.rows("rows.jsonl", 25);
    world
        .run(&["train", &recipe, "--run", "run", "--resume"])
        .refuses(1, &["rows.jsonl changed since the run began"]);
}
