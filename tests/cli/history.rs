//! `burnish runs`: the list, TensorBoard files, logs of other programs.

use super::history_kit::{checkpoint, events, finished, recipe, write};
use super::kit::World;

fn world() -> World {
    let world = World::new();
    let runs = world.path("project/runs");
    finished(&runs, "2026-11-20-090000-pirate", &recipe(&[]), 0.7);
    finished(&runs, "2026-11-21-100000-haiku", &recipe(&["method.r=64"]), 0.5);
    world
}

#[test]
fn a_run_that_broke_is_told_apart() {
    let world = World::new();
    let dir = write(
        &world.path("runs"),
        "2026-11-21-100000-haiku",
        &recipe(&[]),
        &events(50, 1.0),
    );
    checkpoint(&dir, 40);
    // Without a project, the runs of the current folder are listed.
    let lines = world.run(&["runs", "--json"]).ok().lines();
    assert_eq!(
        (&lines[0]["state"], &lines[0]["steps"], &lines[0]["of_steps"]),
        (&"broken".into(), &50.into(), &120.into())
    );
}

#[test]
fn runs_are_listed_as_text_and_as_json() {
    let world = world();
    let lines = world.run(&["runs", "project", "--json"]).ok().lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["name"], &lines[0]["state"]),
        (&"haiku".into(), &"finished".into())
    );
    assert_eq!(
        (&lines[1]["method"], &lines[1]["steps"]),
        (&"LoRA r=16".into(), &120.into())
    );
    assert!(lines[1]["eval_loss"].as_f64().is_some_and(|loss| loss < 1.0));
    let text = world.run(&["runs", "project"]).ok().stdout;
    assert!(text.contains("pirate") && text.contains("120 steps"), "{text}");
}

#[test]
fn a_project_without_runs_says_so() {
    let world = World::new();
    let answer = world.run(&["runs", "project"]).ok();
    assert!(answer.stderr.contains("There are no runs"), "{}", answer.stderr);
    assert!(answer.stdout.is_empty());
}

#[test]
fn a_run_is_exported_and_a_log_is_imported() {
    let world = world();
    let run = "project/runs/2026-11-20-090000-pirate";
    let made = world
        .run(&["runs", "export", run, "--tensorboard", "board", "--json"])
        .ok()
        .lines();
    let path = made[0]["path"].as_str().expect("a path");
    assert!(world.path(path).is_file(), "{path}");
    world
        .run(&["runs", "export", "project", "--tensorboard", "board"])
        .refuses(1, &["holds no run"]);

    let log = "{\"log_history\": [{\"step\": 1, \"loss\": 2.5}, {\"step\": 2, \"eval_loss\": 2.0}]}";
    world.write("elsewhere/sft/checkpoint-2/trainer_state.json", log);
    let file = "elsewhere/sft/checkpoint-2/trainer_state.json";
    world.run(&["runs", "import", file, "--project", "project"]).ok();
    let lines = world.run(&["runs", "project", "--json"]).ok().lines();
    let imported: Vec<_> = lines.iter().filter(|line| line["state"] == "imported").collect();
    assert_eq!((imported.len(), &imported[0]["name"]), (1, &"sft".into()));
    world.write("bad/trainer_state.json", "{\"log_history\": [{\"loss\": true}]}");
    let answer = world.run(&["runs", "import", "bad/trainer_state.json", "--project", "project"]);
    answer.refuses(1, &["bad/trainer_state.json", "log_history[0].loss is a flag"]);
}
