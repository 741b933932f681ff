//! Training runs: what they leave on disk, killing and resuming them, stopping them from outside.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use burnish::protocol::{Control, Event, Job};
use burnish::recipe::Recipe;
use burnish::worker::{News, RunHandle, is_alive, newest_checkpoint, use_program};
use serde_json::Value;

use super::kit::World;

const SETTING: &str = "[optim]\nmax_steps = 12\nlr = 1e-2\n[method]\nr = 4\ndropout = 0.1\n[batch]\nsize = 2\naccumulation = 2\n[save]\nevery = 3\n[eval]\nevery = 6\n";

pub fn world() -> World {
    let world = World::new();
    world.rows("rows.jsonl", 24);
    world
}

pub fn events(run: &Path) -> Vec<Event> {
    let text = std::fs::read_to_string(run.join("events.jsonl")).unwrap();
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    text.lines().map(parse).collect()
}

/// Losses by step as their bits. Steps after the last checkpoint are done again by a resumed run: they must give the same.
#[track_caller]
pub fn losses(events: &[Event]) -> Vec<(usize, u64)> {
    let mut all = std::collections::BTreeMap::new();
    for event in events {
        if let Event::Step { step, loss, .. } = event {
            let before = all.insert(*step, loss.to_bits());
            assert!(
                before.is_none_or(|b| b == loss.to_bits()),
                "step {step} was done again with another loss"
            );
        }
    }
    all.into_iter().collect()
}

#[test]
fn a_run_learns_and_leaves_a_whole_folder() {
    let world = world();
    let recipe = world.recipe("r.toml", SETTING);
    let answer = world
        .run(&[
            "train",
            &recipe,
            "--run",
            "run",
            "--set",
            "optim.max_steps=30",
            "--json",
        ])
        .ok();
    let run = world.path("run");
    let recorded = events(&run);
    assert!(matches!(recorded.last(), Some(Event::Done)));
    assert!(
        recorded
            .iter()
            .any(|e| matches!(e, Event::Eval { rows, .. } if *rows > 0))
    );
    assert!(recorded.iter().any(|e| matches!(e, Event::Sample { .. })));
    let steps: Vec<Value> = answer.lines().into_iter().filter(|e| e["event"] == "step").collect();
    assert_eq!(steps.len(), 30);
    for field in [
        "step",
        "loss",
        "lr",
        "grad_norm",
        "tokens",
        "supervised_tokens",
        "seconds",
    ] {
        assert!(steps[0][field].is_number(), "{field}");
    }
    let loss = |i: usize| steps[i]["loss"].as_f64().unwrap();
    assert!(loss(29) < loss(0) * 0.8, "{} -> {}", loss(0), loss(29));
    for file in [
        "recipe.toml",
        "final/adapter_model.safetensors",
        "final/adapter_config.json",
        "final/chat_template.jinja",
        "final/README.md",
    ] {
        assert!(run.join(file).is_file(), "{file}");
    }
    let again = Recipe::load(&run.join("recipe.toml"), &[]).unwrap();
    assert_eq!(again.data.sha256.len(), 1, "file hashes are part of the recipe");
    assert!(!is_alive(&run));

    let ask = |more: &[&str]| {
        let base = ["score", "rows.jsonl", "--model", "model", "--device", "cpu", "--json"];
        let lines = world.run(&[&base[..], more].concat()).ok().lines();
        lines.iter().map(|l| l["loss"].as_f64().unwrap()).sum::<f64>()
    };
    let adapter = run.join("final").to_string_lossy().into_owned();
    assert!(
        ask(&["--adapter", &adapter]) < ask(&[]) * 0.9,
        "the adapter answers better than the base"
    );
}

/// Starts training and waits until `enough` says so of an event line.
fn start_until(world: &World, arguments: &[&str], enough: impl Fn(&Value) -> bool) -> std::process::Child {
    let mut command = world.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        if enough(&serde_json::from_str(&line).unwrap()) {
            return child;
        }
    }
    let how = child.wait().unwrap();
    panic!("training ended ({how}) before it came so far");
}

#[cfg(unix)]
#[test]
fn a_killed_run_goes_on_with_the_same_losses() {
    let world = world();
    // Steps slow enough to be caught between two of them.
    let slow = SETTING
        .replace("max_steps = 12", "max_steps = 30")
        .replace("accumulation = 2", "accumulation = 12");
    let recipe = world.recipe("r.toml", &slow);
    world.run(&["train", &recipe, "--run", "whole"]).ok();
    let mut child = start_until(&world, &["train", &recipe, "--run", "cut", "--json"], |e| {
        e["event"] == "checkpoint" && e["step"] == 6
    });
    let cut = world.path("cut");
    let control = std::fs::read(cut.join("control.json")).unwrap();
    let pid = serde_json::from_slice::<Value>(&control).unwrap()["pid"]
        .as_i64()
        .unwrap() as i32;
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "a killed worker is a failure");
    while is_alive(&cut) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let done = losses(&events(&cut)).len();
    let (saved, _) = newest_checkpoint(&cut).unwrap();
    assert!(
        (6..30).contains(&saved) && (saved..30).contains(&done),
        "saved {saved}, done {done}"
    );
    world.run(&["train", &recipe, "--run", "cut", "--resume"]).ok();
    assert_eq!(
        losses(&events(&cut)),
        losses(&events(&world.path("whole"))),
        "bit for bit"
    );
    let weights = |run: &str| std::fs::read(world.path(run).join("final/adapter_model.safetensors")).unwrap();
    assert!(weights("cut") == weights("whole"), "the same adapter, byte for byte");
}

#[test]
fn resume_without_a_checkpoint_says_so() {
    let world = world();
    let recipe = world.recipe("r.toml", SETTING);
    world.run(&["train", &recipe, "--resume"]).refuses(2, &["--run"]);
    world
        .run(&["train", &recipe, "--resume", "--run", "new"])
        .refuses(1, &["new", "checkpoint"]);
}

pub fn job(world: &World, run: &Path, steps: usize) -> Job {
    let recipe = world.recipe("job.toml", SETTING);
    let sets = [format!("optim.max_steps={steps}")];
    Job::Train {
        recipe: Box::new(Recipe::load(Path::new(&recipe), &sets).unwrap()),
        run_dir: run.into(),
        resume: false,
        init_adapter: None,
        unpacked: false,
        smooth: false,
        audited: None,
    }
}

/// Reads news until `found`; panics after half a minute.
#[track_caller]
fn wait_for(handle: &RunHandle, what: &str, found: impl Fn(&News) -> bool) -> Vec<News> {
    let start = Instant::now();
    let mut all = vec![];
    while start.elapsed() < Duration::from_secs(60) {
        if let Some(news) = handle.next(Duration::from_millis(100)) {
            all.push(news);
            if found(all.last().unwrap()) {
                return all;
            }
        }
    }
    panic!("{what} did not come; got {all:?}");
}

fn is_step(news: &News) -> bool {
    matches!(news, News::Frame(f) if matches!(f.event, Event::Step { .. }))
}

#[test]
fn a_run_outlives_its_handle_and_obeys_another() {
    use_program(env!("CARGO_BIN_EXE_burnish").into());
    let world = world();
    let run = world.path("run");
    let first = RunHandle::start(1, job(&world, &run, 100_000), Arc::new(|| {})).unwrap();
    wait_for(&first, "a step", is_step);
    drop(first);
    assert!(is_alive(&run));
    assert!(
        RunHandle::start(2, job(&world, &run, 10), Arc::new(|| {})).is_err(),
        "one worker a folder"
    );
    let second = RunHandle::attach(7, &run, Arc::new(|| {})).unwrap();
    let seen = wait_for(&second, "a step", is_step);
    assert!(
        seen.iter()
            .any(|n| matches!(n, News::Frame(f) if f.id == 7 && matches!(f.event, Event::TrainStart { .. }))),
        "history comes first"
    );
    second.control(Control::Pause);
    wait_for(
        &second,
        "the pause",
        |n| matches!(n, News::Frame(f) if matches!(f.event, Event::Paused { .. })),
    );
    second.control(Control::Resume);
    wait_for(
        &second,
        "the end of the pause",
        |n| matches!(n, News::Frame(f) if matches!(f.event, Event::Resumed { .. })),
    );
    second.control(Control::Stop);
    wait_for(
        &second,
        "the end",
        |n| matches!(n, News::Frame(f) if matches!(f.event, Event::TrainEnd { stopped: true, .. })),
    );
    wait_for(&second, "the exit", |n| matches!(n, News::Exit(e) if e.is_clean()));
    assert!(run.join("final/adapter_model.safetensors").is_file());
    assert!(!is_alive(&run));
}

#[cfg(unix)]
#[test]
fn a_kill_is_seen_within_a_second_with_the_checkpoint_named() {
    use_program(env!("CARGO_BIN_EXE_burnish").into());
    let world = world();
    let run = world.path("run");
    let owner = RunHandle::start(1, job(&world, &run, 100_000), Arc::new(|| {})).unwrap();
    let watcher = RunHandle::attach(2, &run, Arc::new(|| {}));
    let is_checkpoint = |n: &News| matches!(n, News::Frame(f) if matches!(f.event, Event::Checkpoint { .. }));
    wait_for(&owner, "a checkpoint", is_checkpoint);
    let watcher = watcher
        .or_else(|_| RunHandle::attach(2, &run, Arc::new(|| {})))
        .unwrap();
    let killed = Instant::now();
    owner.kill();
    for (handle, words) in [(&owner, "signal 9"), (&watcher, "gone")] {
        let news = wait_for(handle, "the exit", |n| matches!(n, News::Exit(_)));
        let Some(News::Exit(exit)) = news.last() else {
            unreachable!()
        };
        assert!(!exit.is_clean());
        let text = exit.in_words();
        assert!(text.contains(words) && text.contains("checkpoint-"), "{text}");
    }
    // It takes a fraction of a second; ten allow for a busy machine.
    assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
}
