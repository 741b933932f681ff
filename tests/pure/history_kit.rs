//! Run folders for tests, as training leaves them.
use std::path::{Path, PathBuf};

use burnish::protocol::Event;
use burnish::recipe::Recipe;

/// A step of a run that falls towards `floor`.
pub fn step(step: usize, floor: f64) -> Event {
    Event::Step {
        step,
        loss: floor + 3.0 * (-(step as f64) / 30.0).exp() + 0.3 * (((step * 7919) % 97) as f64 / 97.0 - 0.5),
        lr: 2e-4,
        grad_norm: 1.0,
        tokens: 1024,
        supervised_tokens: 300,
        seconds: 0.5,
        epoch: step as f64 / 100.0,
        norms: vec![],
        rows: vec![(0, step)],
        loss_scale: None,
        memory: 0,
    }
}

/// The events of a run of so many steps out of 120, with an evaluation every 40.
pub fn events(steps: usize, floor: f64) -> Vec<Event> {
    let mut events = vec![Event::TrainStart {
        run: "run".into(),
        device: "cpu".into(),
        steps: 120,
        epochs: 1.0,
        train_rows: 772,
        eval_rows: 40,
        skipped_rows: 0,
        trainable: 98_304,
        total_params: 4_100_000,
        template: "chatml".into(),
        start_step: 0,
    }];
    for i in 1..=steps {
        events.push(step(i, floor));
        if i % 40 == 0 {
            events.push(Event::Eval {
                step: i,
                loss: floor + 0.1 + 3.0 * (-(i as f64) / 30.0).exp(),
                rows: 40,
                supervised_tokens: 900,
                seconds: 1.0,
                entropy: Some(0.5),
            });
        }
    }
    events
}

/// The end of a run in this folder.
pub fn end(dir: &Path, step: usize, stopped: bool) -> Event {
    Event::TrainEnd {
        step,
        path: dir.join("final"),
        stopped,
        seconds: 61.0,
        peak_memory: 98_000_000,
    }
}

/// A recipe for `starter`, changed as `--set` does.
pub fn recipe(sets: &[&str]) -> Recipe {
    let mut recipe = Recipe::new("starter", vec!["rows.jsonl".into()]);
    for set in sets {
        recipe = recipe.with(set).expect("a setting");
    }
    recipe
}

/// Writes `runs/FOLDER` with recipe and events; gives the run folder.
pub fn write(runs: &Path, folder: &str, recipe: &Recipe, events: &[Event]) -> PathBuf {
    let dir = runs.join(folder);
    std::fs::create_dir_all(&dir).expect("run folder");
    std::fs::write(dir.join("recipe.toml"), recipe.to_toml().expect("TOML")).expect("recipe");
    append(&dir, events);
    dir
}

/// Adds events to a run.
pub fn append(dir: &Path, events: &[Event]) {
    use std::io::Write;
    let path = dir.join("events.jsonl");
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .expect("events");
    for event in events {
        let line = serde_json::to_string(event).expect("JSON");
        writeln!(file, "{line}").expect("written");
    }
}

/// A finished run with its result.
pub fn finished(runs: &Path, folder: &str, recipe: &Recipe, floor: f64) -> PathBuf {
    let dir = write(runs, folder, recipe, &events(120, floor));
    append(&dir, &[end(&dir, 120, false), Event::Done]);
    std::fs::create_dir_all(dir.join("final")).expect("final");
    dir
}

/// Empties a folder for a checkpoint and makes it whole.
pub fn checkpoint(dir: &Path, step: usize) {
    let folder = dir.join(format!("checkpoint-{step}"));
    std::fs::create_dir_all(&folder).expect("checkpoint");
    std::fs::write(folder.join("trainer_state.json"), "{}").expect("state");
}
