//! The queue without a window: supervisors start the next run, none twice, and nothing is lost by a crash.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use burnish::protocol::{Control, Event};
use burnish::recipe::Recipe;
use burnish::worker::queue::{Queued, change, read, start_next};
use burnish::worker::{control_run, is_alive, use_program};
use rustix::process::{Pid, Signal, getpgid, kill_process_group};
use serde_json::Value;

use super::kit::World;
use super::runs::events;

const SHORT: &str = "optim.max_steps=3";
/// Steps slow enough to be caught between two of them.
const LONG: &str = "optim.max_steps=100000";

struct Line {
    world: World,
    runs: PathBuf,
    recipe: String,
}

impl Line {
    fn new() -> Self {
        use_program(env!("CARGO_BIN_EXE_burnish").into());
        let world = World::new();
        world.rows("rows.jsonl", 24);
        let recipe = world.recipe("r.toml", "[batch]\nsize = 2\n[eval]\nevery = 100000\n");
        let runs = world.path("runs");
        Self { world, runs, recipe }
    }

    /// Puts a run at the end.
    fn add(&self, name: &str, set: &str, audited: &str) {
        let recipe = Recipe::load(Path::new(&self.recipe), &[set.into()]).unwrap();
        let run = Queued {
            id: rand::random::<u32>().into(),
            name: name.into(),
            smooth: false,
            audited: audited.into(),
            recipe,
        };
        change(&self.runs, |queue| queue.runs.push(run)).unwrap();
    }

    fn waiting(&self) -> Vec<String> {
        read(&self.runs).unwrap().runs.into_iter().map(|run| run.name).collect()
    }

    /// The folders of runs.
    fn folders(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.runs).unwrap().flatten().map(|e| e.path());
        entries.filter(|path| path.is_dir()).collect()
    }

    /// The folder of the run of this name, once it is there.
    fn folder(&self, name: &str) -> PathBuf {
        wait(name, || {
            let end = format!("-{name}");
            self.folders().into_iter().find(|f| f.to_string_lossy().ends_with(&end))
        })
    }

    /// What the audit calls the data now.
    fn seen(&self) -> String {
        let answer = self.world.run(&[
            "audit",
            "rows.jsonl",
            "--model",
            "model",
            "--max-length",
            "64",
            "--json",
        ]);
        let lines = answer.lines();
        let summary = lines.iter().find_map(|line| line["summary"]["seen"].as_str());
        summary.expect("a summary").to_owned()
    }
}

/// Waits until there is something; panics after a minute.
#[track_caller]
fn wait<T>(what: &str, get: impl Fn() -> Option<T>) -> T {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        if let Some(found) = get() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{what} did not come within a minute");
}

fn so_far(run: &Path) -> Vec<Event> {
    let text = std::fs::read_to_string(run.join("events.jsonl")).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn wait_for_step(run: &Path) {
    wait("a step", || {
        so_far(run)
            .iter()
            .any(|e| matches!(e, Event::Step { .. }))
            .then_some(())
    });
}

/// Ends worker and supervisor as a crash of the machine would.
fn crash(run: &Path) {
    let control: Value = serde_json::from_slice(&std::fs::read(run.join("control.json")).unwrap()).unwrap();
    let worker = Pid::from_raw(control["pid"].as_i64().unwrap() as i32);
    kill_process_group(getpgid(worker).unwrap(), Signal::KILL).unwrap();
    wait("the end", || (!is_alive(run)).then_some(()));
}

/// How many trainings began in a folder, and whether the last one came to its end.
fn told(run: &Path) -> (usize, bool) {
    let events = events(run);
    let starts = events.iter().filter(|e| matches!(e, Event::TrainStart { .. })).count();
    (starts, matches!(events.last(), Some(Event::Done)))
}

#[test]
fn the_next_run_starts_when_the_one_before_it_ends_and_none_starts_twice() {
    let line = Line::new();
    for name in ["one", "two", "three"] {
        line.add(name, SHORT, "");
    }
    // Many who want to start the next one: windows, supervisors.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..4 {
                    start_next(&line.runs).unwrap();
                }
            });
        }
    });
    let third = line.folder("three");
    wait("the end of the third", || third.join("final").is_dir().then_some(()));
    wait("the end of its worker", || (!is_alive(&third)).then_some(()));
    let folders = line.folders();
    assert_eq!(folders.len(), 3, "{folders:?}");
    for folder in &folders {
        assert_eq!(told(folder), (1, true), "{}", folder.display());
    }
    assert!(line.waiting().is_empty());
    assert_eq!(start_next(&line.runs).unwrap(), None);
}

#[test]
fn a_crash_loses_nothing() {
    let line = Line::new();
    line.add("first", LONG, "");
    line.add("second", SHORT, "");
    let first = start_next(&line.runs).unwrap().expect("a run");
    wait_for_step(&first);
    assert_eq!(start_next(&line.runs).unwrap(), Some(first.clone()), "it is at work");
    crash(&first);
    assert_eq!(line.waiting(), ["second"]);
    // A crash between the claim of a run and its start: the claim names run and folder.
    let dir = line.runs.join("claimed");
    std::fs::create_dir(&dir).unwrap();
    let file = line.runs.join("queue.toml");
    let mut queue: toml::Table = toml::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let run = queue["runs"].as_array_mut().unwrap().remove(0);
    let mut starting = toml::Table::new();
    starting.insert("dir".into(), dir.to_string_lossy().into_owned().into());
    starting.insert("run".into(), run);
    queue.insert("starting".into(), starting.into());
    std::fs::write(&file, toml::to_string(&queue).unwrap()).unwrap();
    assert_eq!(start_next(&line.runs).unwrap(), Some(dir.clone()));
    wait("the end of the second", || dir.join("final").is_dir().then_some(()));
    wait("the end of its worker", || (!is_alive(&dir)).then_some(()));
    assert_eq!(told(&dir), (1, true));
    assert_eq!(start_next(&line.runs).unwrap(), None, "started once");
}

#[test]
fn a_run_whose_data_changed_since_they_were_looked_through_does_not_begin() {
    let line = Line::new();
    let seen = line.seen();
    line.add("good", SHORT, &seen);
    line.add("bad", "data.max_length=63", &seen);
    line.add("last", SHORT, "");
    start_next(&line.runs).unwrap();
    let last = line.folder("last");
    wait("the end of the last", || last.join("final").is_dir().then_some(()));
    assert_eq!(told(&line.folder("good")), (1, true));
    let bad = events(&line.folder("bad"));
    let Some(Event::Failed { message }) = bad.last() else {
        panic!("{bad:?}");
    };
    assert!(
        message.contains("changed since the data of this run was looked through"),
        "{message}"
    );
    // Another row, and the file is not the same any more either.
    line.world.rows("rows.jsonl", 25);
    assert_ne!(line.seen(), seen);
}

#[test]
fn a_run_that_frees_its_memory_holds_the_queue_until_it_goes_on() {
    let line = Line::new();
    line.add("first", LONG, "");
    line.add("second", SHORT, "");
    let first = start_next(&line.runs).unwrap().expect("a run");
    wait_for_step(&first);
    control_run(&first, Control::Suspend).unwrap();
    wait("the end", || (!is_alive(&first)).then_some(()));
    assert!(matches!(events(&first)[..], [.., Event::Suspended { .. }, Event::Done]));
    // Its supervisor ends a moment after it has let go of the run.
    wait("the hold", || read(&line.runs).unwrap().held.then_some(()));
    assert_eq!(start_next(&line.runs).unwrap(), None);
    assert_eq!(line.waiting(), ["second"]);
    let recipe = first.join("recipe.toml").to_string_lossy().into_owned();
    let mut resumed = line
        .world
        .command(&["train", &recipe, "--resume"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let training = |e: &Event| matches!(e, Event::TrainStart { start_step, .. } if *start_step > 0);
    wait("the resumed run", || so_far(&first).iter().any(training).then_some(()));
    assert!(!read(&line.runs).unwrap().held);
    control_run(&first, Control::Stop).unwrap();
    assert!(resumed.wait().unwrap().success());
    let second = line.folder("second");
    wait("the end of the second", || second.join("final").is_dir().then_some(()));
    assert_eq!(told(&second).0, 1);
    wait("the end of its worker", || (!is_alive(&second)).then_some(()));
}

#[test]
fn a_sweep_looks_through_the_data_once_for_each_kind_of_rows() {
    let line = Line::new();
    let sweep = |more: &[&str]| {
        let base = [
            "train",
            &line.recipe,
            "--run",
            "all",
            "--set",
            "optim.max_steps=1",
            "--sweep",
            "optim.lr=1e-3,2e-3",
        ];
        line.world.run(&[&base[..], more].concat())
    };
    let answer = sweep(&[]).ok();
    assert_eq!(
        answer.stderr.matches("Looking through the data").count(),
        1,
        "{}",
        answer.stderr
    );
    std::fs::remove_dir_all(line.world.path("all")).unwrap();
    // Of the second length no answer is left: that is found before any run begins.
    let answer = sweep(&["--sweep", "data.max_length=64,6"]);
    assert_eq!(
        answer.stderr.matches("Looking through the data").count(),
        2,
        "{}",
        answer.stderr
    );
    answer.refuses(1, &["Training was not started"]);
    assert!(!line.world.path("all").exists());
}
