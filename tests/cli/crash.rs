//! Runs that are killed, damaged or cut off: they always go on, and end with what an uninterrupted run gives, bit for bit.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use burnish::protocol::Event;
use burnish::recipe::Recipe;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Pid, Signal, getpgid, kill_process, kill_process_group};
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
pub fn same(world: &World, run: &str, whole: &str) {
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
            kills += usize::from(strike(&run, &mut child, random.random_range(0..3)));
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

/// Kills the worker alone, with its supervisor, or with the program that started them. Before the worker can be reached, only the
/// program can be killed: the worker then outlives it, which is no blow.
fn strike(run: &Path, child: &mut Child, whom: u32) -> bool {
    let Some(pid) = worker(run) else {
        child.kill().unwrap();
        child.wait().unwrap();
        return false;
    };
    let struck = match whom {
        1 => getpgid(Some(pid)).is_ok_and(|group| kill_process_group(group, Signal::KILL).is_ok()),
        _ => kill_process(pid, Signal::KILL).is_ok(),
    };
    if whom == 2 {
        child.kill().unwrap();
    }
    child.wait().unwrap();
    struck
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

pub fn copy(from: &Path, to: &Path) {
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
fn a_run_that_slept_goes_on_as_if_nothing_had_happened() {
    let (world, recipe) = world(SETTING);
    world
        .run(&["train", &recipe, "--run", "whole", "--accept-findings"])
        .ok();
    let mut child = train(&world, &recipe, "slept", false);
    let run = world.path("slept");
    let stepped = |run: &Path| run.join("checkpoint-5").is_dir();
    while !stepped(&run) {
        assert!(child.try_wait().unwrap().is_none(), "over before its fifth step");
        std::thread::sleep(Duration::from_micros(200));
    }
    let pid = worker(&run).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    kill_process(pid, Signal::CONT).unwrap();
    assert!(child.wait().unwrap().success());
    same(&world, "slept", "whole");
}

#[test]
fn a_run_mixes_neither_with_an_old_one_nor_with_other_data() {
    let (world, recipe) = world(&SETTING.replace("max_steps = 60", "max_steps = 2"));
    world.run(&["train", &recipe, "--run", "run", "--smooth"]).ok();
    world
        .run(&["train", &recipe, "--run", "run"])
        .refuses(1, &["holds a run with checkpoints", "--resume"]);
    world.rows("rows.jsonl", 25);
    world
        .run(&["train", &recipe, "--run", "run", "--resume"])
        .refuses(1, &["rows.jsonl changed since the run began"]);
}

#[test]
fn replay_files_are_part_of_a_run_too() {
    let setting = SETTING.replace("max_steps = 60", "max_steps = 2");
    let (world, recipe) = world(&setting);
    world.rows("general.jsonl", 8);
    let replay = [
        "--set",
        "data.replay=[\"general.jsonl\"]",
        "--set",
        "data.replay_share=50",
    ];
    let train = |more: &[&str]| world.run(&[&["train", &recipe, "--run", "run"], &replay[..], more].concat());
    train(&[]).ok();
    let began = Recipe::load(&world.path("run/recipe.toml"), &[]).unwrap();
    assert_eq!((began.data.sha256.len(), began.data.replay_sha256.len()), (1, 1));
    assert_ne!(began.data.sha256, began.data.replay_sha256);
    // What a run wrote down can be repeated, and a changed file is told.
    let again = world.text("run/recipe.toml");
    let quiet = world.run(&["train", &again, "--run", "again"]).ok();
    assert!(!quiet.stderr.contains("changed since"), "{}", quiet.stderr);
    world.rows("general.jsonl", 9);
    let told = world.run(&["train", &again, "--run", "other"]).ok();
    assert!(told.stderr.contains("general.jsonl is not the file"), "{}", told.stderr);
    train(&["--resume"]).refuses(1, &["general.jsonl changed since the run began"]);
    // Neither can the run go on without it.
    world
        .run(&["train", &recipe, "--run", "run", "--resume"])
        .refuses(1, &["1 data file and 1 replay file", "1 data file and 0 replay files"]);
}

/// The events of a run so far; a line that is being written is passed over.
fn so_far(run: &Path) -> Vec<Event> {
    let text = std::fs::read_to_string(run.join("events.jsonl")).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Waits until an event of the run is as wanted; panics when the run is over before.
#[track_caller]
fn wait_for(run: &Path, child: &mut Child, wanted: impl Fn(&Event) -> bool) {
    loop {
        let over = child.try_wait().unwrap().is_some();
        if so_far(run).iter().any(&wanted) {
            return;
        }
        assert!(!over, "the run is over: {:?}", so_far(run).last());
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_run_is_told_from_outside_to_save_and_to_free_its_memory_and_goes_on_exactly() {
    // Steps slow enough to be caught between two of them, and no checkpoint that is not asked for.
    let setting = SETTING
        .replace("max_steps = 60", "max_steps = 30")
        .replace("accumulation = 2", "accumulation = 12")
        .replace("every = 1\n", "every = 1000\n");
    let (world, recipe) = world(&setting);
    world.run(&["train", &recipe, "--run", "whole"]).ok();
    let mut child = train(&world, &recipe, "cut", false);
    let run = world.path("cut");
    wait_for(&run, &mut child, |e| matches!(e, Event::Step { step: 2, .. }));
    world.run(&["control", "cut", "save"]).ok();
    wait_for(&run, &mut child, |e| matches!(e, Event::Checkpoint { .. }));
    world.run(&["control", "cut", "pause"]).ok();
    wait_for(&run, &mut child, |e| matches!(e, Event::Paused { .. }));
    world.run(&["control", "cut", "suspend"]).ok();
    wait_for(&run, &mut child, |e| matches!(e, Event::Suspended { .. }));
    assert!(child.wait().unwrap().success());
    wait_for_end(&run);
    assert!(!run.join("final").exists(), "nothing is over");
    world.run(&["control", "cut", "stop"]).refuses(1, &["cut"]);
    world.run(&["train", &recipe, "--run", "cut", "--resume"]).ok();
    same(&world, "cut", "whole");
    let steps = events(&run).iter().filter(|e| matches!(e, Event::Step { .. })).count();
    assert_eq!(steps, 30, "no step was done twice");
}

#[test]
fn a_sweep_trains_every_combination_and_compares_them() {
    let (world, recipe) = world(&SETTING.replace("max_steps = 60", "max_steps = 2"));
    let sweep = |rates: &str| {
        world.run(&[
            "train",
            &recipe,
            "--json",
            "--run",
            "all",
            "--sweep",
            rates,
            "--sweep",
            "method.r=2,4",
        ])
    };
    sweep("optim.lr=1e-3,fast").refuses(2, &["fast"]);
    let answer = sweep("optim.lr=1e-3,2e-3").ok();
    let lines = answer.lines();
    let rows: Vec<&Value> = lines.iter().filter(|l| l["event"] == "sweep").collect();
    let names: Vec<&str> = rows.iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["lr1e-3-r2", "lr1e-3-r4", "lr2e-3-r2", "lr2e-3-r4"]);
    for row in rows {
        assert!(row["eval_loss"].as_f64().unwrap() > 0.0, "{row}");
        assert!(Path::new(row["run"].as_str().unwrap()).join("final").is_dir(), "{row}");
    }
}
