//! The history of runs: what a folder says, what is read again, notes, the bin, differences, logs of other programs, TensorBoard.

use std::path::{Path, PathBuf};

use burnish::formats::tensorboard::{EventWriter, Scalar};
use burnish::formats::trainer_state;
use burnish::recipe::Recipe;
use burnish::session::runs::{self, Column, RunEnd, RunsCommand, RunsEffect, RunsOutcome, Sort};
use burnish::session::{Command, Effect, Measure, Outcome, Room, RunPhase, State, absorb, apply};

use crate::history_kit::{append, checkpoint, end, events, finished, recipe, step, write};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/logs")
        .join(name)
}

/// A project with three runs, and a state that has listed them.
fn three_runs() -> (tempfile::TempDir, State) {
    let project = tempfile::tempdir().expect("temporary folder");
    let runs = project.path().join("runs");
    finished(&runs, "2026-11-20-090000-pirate", &recipe(&[]), 0.7);
    finished(
        &runs,
        "2026-11-21-100000-pirate-2",
        &recipe(&["method.r=64", "optim.lr=1e-3"]),
        0.5,
    );
    let broken = write(
        &runs,
        "2026-11-21-113000-haiku",
        &recipe(&["method.r=8"]),
        &events(50, 1.0),
    );
    checkpoint(&broken, 40);
    let mut state = State::default();
    state.project.dir = project.path().to_owned();
    settle(&mut state, Command::Go(Room::Runs));
    (project, state)
}

/// Carries out a command and the effects of the Runs room that follow from it.
fn settle(state: &mut State, command: Command) {
    let mut effects = apply(state, command);
    while let Some(effect) = effects.pop() {
        if let Effect::Runs(effect) = effect {
            effects.extend(absorb(state, Outcome::Runs(runs::perform(effect))));
        }
    }
}

fn names(state: &State) -> Vec<&str> {
    state.runs.visible().iter().map(|run| run.name.as_str()).collect()
}

fn dir_of(state: &State, name: &str) -> PathBuf {
    let run = state.runs.list.iter().find(|run| run.name == name);
    run.unwrap_or_else(|| panic!("no run {name}")).dir.clone()
}

#[test]
fn a_folder_of_runs_becomes_a_history() {
    let (_project, state) = three_runs();
    assert_eq!(names(&state), ["haiku", "pirate-2", "pirate"], "newest first");
    let [haiku, second, first] = &state.runs.list[..] else {
        panic!("three runs")
    };
    assert_eq!((haiku.end, second.end), (RunEnd::Broken, RunEnd::Finished));
    assert_eq!((haiku.figures.steps, haiku.figures.of), (50, 120));
    assert_eq!(haiku.checkpoint.as_ref().map(|(step, _)| *step), Some(40));
    assert_eq!(
        (first.when.as_str(), first.model.as_str()),
        ("2026-11-20 09:00", "starter")
    );
    assert_eq!(second.method, "LoRA r=64");
    assert_eq!((second.figures.seconds, second.figures.tokens), (61.0, 120 * 1024));
    let best = second.figures.eval_loss.expect("evaluated");
    assert!((best - (0.6 + 3.0 * (-4.0_f64).exp())).abs() < 1e-9, "{best}");
    let loss = second.figures.loss.expect("a loss");
    assert!((loss - 0.6).abs() < 0.2, "{loss}");
}

#[test]
fn a_run_that_was_stopped_or_is_empty_is_told_apart() {
    let project = tempfile::tempdir().expect("temporary folder");
    let dir = write(project.path(), "2026-11-21-100000-a", &recipe(&[]), &events(30, 1.0));
    append(&dir, &[end(&dir, 30, true)]);
    std::fs::create_dir_all(project.path().join("not-a-run")).expect("folder");
    std::fs::create_dir_all(project.path().join("b")).expect("folder");
    std::fs::write(
        project.path().join("b/events.jsonl"),
        "{\"event\":\"ready\",\"pid\":1}\n{\"event\":\"st",
    )
    .expect("events");
    let (runs, problems) = runs::list(project.path(), &[]);
    assert!(problems.is_empty(), "{problems:?}");
    let ends: Vec<_> = runs
        .iter()
        .map(|run| (run.name.as_str(), run.end, run.figures.steps))
        .collect();
    assert_eq!(ends, [("b", RunEnd::Broken, 0), ("a", RunEnd::Stopped, 30)]);
    assert_eq!(runs::list(Path::new("nowhere"), &[]).0.len(), 0);
}

#[test]
fn only_records_that_changed_are_read_again() {
    let (_project, state) = three_runs();
    let runs_folder = state.project_dir().join("runs");
    let dir = dir_of(&state, "haiku");
    let mut known = state.runs.list.clone();
    // A mark that only survives where the record is not read again.
    known.iter_mut().for_each(|run| run.model = "as it was".into());
    let models = |known: &[runs::RunEntry]| -> Vec<String> {
        runs::list(&runs_folder, known)
            .0
            .into_iter()
            .map(|run| run.model)
            .collect()
    };
    assert_eq!(models(&known), ["as it was", "as it was", "as it was"]);
    append(&dir, &[step(51, 1.0)]);
    assert_eq!(models(&known), ["starter", "as it was", "as it was"]);
    assert_eq!(runs::list(&runs_folder, &known).0[0].figures.steps, 51);
}

#[test]
fn the_search_and_the_order_of_the_table() {
    let (_project, mut state) = three_runs();
    let dir = dir_of(&state, "pirate");
    settle(
        &mut state,
        Command::Runs(RunsCommand::Tags(dir, "first try, keep,, keep".into())),
    );
    let find = |state: &mut State, text: &str| {
        settle(state, Command::Runs(RunsCommand::Search(text.into())));
        names(state).join(" ")
    };
    assert_eq!(find(&mut state, "PIRATE r=64"), "pirate-2");
    assert_eq!(find(&mut state, "keep"), "pirate");
    assert_eq!(find(&mut state, "broken"), "haiku");
    assert_eq!(find(&mut state, ""), "haiku pirate-2 pirate");
    let sort = |state: &mut State, by| {
        settle(state, Command::Runs(RunsCommand::Sort(by)));
        names(state).join(" ")
    };
    assert_eq!(sort(&mut state, Column::EvalLoss), "pirate-2 pirate haiku");
    assert_eq!(sort(&mut state, Column::EvalLoss), "haiku pirate pirate-2");
    assert_eq!(sort(&mut state, Column::Name), "haiku pirate pirate-2");
    assert_eq!(
        sort(&mut state, Column::Steps),
        "haiku pirate-2 pirate",
        "equal ones by age"
    );
    assert!(!Sort::default().clicked(Column::When).descending);
}

#[test]
fn notes_and_the_colour_are_kept_in_the_run_folder() {
    let (_project, mut state) = three_runs();
    let dirs = ["pirate", "haiku"].map(|name| dir_of(&state, name));
    for dir in &dirs {
        settle(&mut state, Command::Runs(RunsCommand::Toggle(dir.clone())));
    }
    for text in ["A", "A g", "A good \"one\""] {
        settle(
            &mut state,
            Command::Runs(RunsCommand::Text(dirs[0].clone(), text.into())),
        );
    }
    let (runs, problems) = runs::list(&state.project_dir().join("runs"), &[]);
    assert!(problems.is_empty(), "{problems:?}");
    let read = |name: &str| runs.iter().find(|run| run.name == name).expect("the run").notes.clone();
    assert_eq!(read("pirate").text, "A good \"one\"");
    let colours = [read("pirate").colour, read("haiku").colour];
    assert!(
        colours[0].is_some() && colours[1].is_some() && colours[0] != colours[1],
        "{colours:?}"
    );
    assert_eq!(read("pirate-2").colour, None, "was never selected");
    std::fs::write(dirs[0].join("notes.toml"), "text = 3").expect("written");
    let (runs, problems) = runs::list(&state.project_dir().join("runs"), &[]);
    assert_eq!(runs.len(), 3, "a broken note hides no run");
    assert!(problems[0].contains("notes.toml"), "{problems:?}");
}

#[test]
fn a_note_that_cannot_be_written_is_said() {
    let (_project, mut state) = three_runs();
    let dir = dir_of(&state, "pirate");
    std::fs::remove_dir_all(&dir).expect("removed");
    settle(&mut state, Command::Runs(RunsCommand::Text(dir, "lost".into())));
    let problem = &state.problems.list.last().expect("a problem").message;
    assert!(problem.contains("notes.toml"), "{problem}");
}

#[test]
fn deleted_runs_lie_in_the_bin_and_come_back() {
    let (project, mut state) = three_runs();
    let dirs = ["pirate", "haiku"].map(|name| dir_of(&state, name));
    for dir in &dirs {
        settle(&mut state, Command::Runs(RunsCommand::Toggle(dir.clone())));
    }
    settle(&mut state, Command::Runs(RunsCommand::Delete));
    assert_eq!(names(&state), ["pirate-2"]);
    assert!(state.runs.picked.is_empty() && dirs.iter().all(|dir| !dir.exists()));
    assert!(
        project
            .path()
            .join("bin/2026-11-20-090000-pirate/events.jsonl")
            .is_file()
    );
    settle(&mut state, Command::Runs(RunsCommand::UndoDelete));
    assert_eq!(names(&state), ["haiku", "pirate-2", "pirate"]);
    assert!(state.runs.deleted.is_empty());
    // The same folder may be deleted again.
    std::fs::create_dir_all(project.path().join("bin/2026-11-20-090000-pirate")).expect("folder");
    settle(&mut state, Command::Runs(RunsCommand::Pick(dirs[0].clone())));
    settle(&mut state, Command::Runs(RunsCommand::Delete));
    assert!(project.path().join("bin/2026-11-20-090000-pirate-2").is_dir());
    settle(&mut state, Command::Runs(RunsCommand::Pick(dirs[1].clone())));
    settle(&mut state, Command::Runs(RunsCommand::Delete));
    for _ in 0..2 {
        settle(&mut state, Command::Runs(RunsCommand::UndoDelete));
    }
    assert_eq!(names(&state), ["haiku", "pirate-2", "pirate"], "one after the other");
}

#[test]
fn only_settings_that_differ_are_compared() {
    let (_project, mut state) = three_runs();
    settle(&mut state, Command::Runs(RunsCommand::PickAll));
    let lines: Vec<String> = state
        .runs
        .differences
        .iter()
        .map(|d| format!("{}: {}", d.key, d.values.join(" | ")))
        .collect();
    assert_eq!(lines, ["method.r: 8 | 64 | 16", "optim.lr: 0.0002 | 0.001 | 0.0002"]);
    let dir = dir_of(&state, "pirate");
    settle(&mut state, Command::Runs(RunsCommand::Pick(dir)));
    assert!(state.runs.differences.is_empty());
    assert_eq!(state.runs.opened.len(), 1, "only selected runs stay in memory");
}

#[test]
fn a_duplicate_puts_the_recipe_into_the_form() {
    let (_project, mut state) = three_runs();
    let dir = dir_of(&state, "pirate-2");
    let effects = apply(&mut state, Command::Runs(RunsCommand::Duplicate(dir)));
    assert_eq!(state.nav.room, Room::Train);
    assert_eq!((state.recipe.recipe.method.r, state.recipe.recipe.optim.lr), (64, 1e-3));
    assert_eq!(state.recipe.name, "pirate-2");
    assert!(
        effects
            .iter()
            .any(|e| matches!(e, Effect::ReadModel(path) if path == "starter"))
    );
    assert!(
        effects
            .iter()
            .any(|e| matches!(e, Effect::ReadData { path, .. } if path.ends_with("rows.jsonl")))
    );
}

#[test]
fn a_duplicate_of_several_files_opens_all_of_them() {
    let (project, mut state) = three_runs();
    let two = Recipe::new("starter", vec!["a.jsonl".into(), "b.jsonl".into()]);
    let dir = finished(&project.path().join("runs"), "2026-11-21-120000-two", &two, 0.5);
    settle(&mut state, Command::Runs(RunsCommand::Refresh));
    let effects = apply(&mut state, Command::Runs(RunsCommand::Duplicate(dir)));
    let read = effects.iter().find_map(|e| match e {
        Effect::ReadData { path, more, .. } => Some((path.clone(), more.clone())),
        _ => None,
    });
    assert_eq!(read, Some(("a.jsonl".into(), vec!["b.jsonl".into()])));
    assert!(state.problems.list.is_empty(), "nothing to excuse");
    // What comes back keeps them all in the recipe.
    let mut set = crate::room_kit::set(2, [crate::room_kit::row(0, "Ahoy?", "Ahoy!")].into_iter());
    (set.path, set.more) = ("a.jsonl".into(), vec!["b.jsonl".into()]);
    let result = Ok(burnish::session::ReadRows::of(set));
    let path = "a.jsonl".into();
    absorb(&mut state, Outcome::Data { path, result });
    let files: Vec<PathBuf> = vec!["a.jsonl".into(), "b.jsonl".into()];
    assert_eq!(state.recipe.recipe.data.files, files);
    // Changing the held-out share reads both again.
    let effects = apply(&mut state, Command::Data(burnish::session::DataCommand::HoldOut(20.0)));
    let again = |e: &Effect| matches!(e, Effect::ReadData { more, .. } if more.len() == 1);
    assert!(effects.iter().any(again), "{effects:?}");
}

#[test]
fn a_broken_run_goes_on_with_its_curves() {
    let (_project, mut state) = three_runs();
    let dir = dir_of(&state, "haiku");
    settle(&mut state, Command::Runs(RunsCommand::Pick(dir.clone())));
    let effects = apply(&mut state, Command::Runs(RunsCommand::Resume(dir.clone())));
    let resumes = |e: &Effect| matches!(e, Effect::Job { job: burnish::protocol::Job::Train { resume: true, run_dir, .. }, .. } if *run_dir == dir);
    assert!(effects.iter().any(resumes), "{effects:?}");
    assert_eq!(
        (state.run.phase.clone(), state.run.curves.steps.len()),
        (RunPhase::Preparing, 50)
    );
    assert_eq!(state.nav.room, Room::Train);
}

#[test]
fn a_past_run_is_shown_in_the_train_room_but_not_over_one_that_goes_on() {
    let (_project, mut state) = three_runs();
    let dir = dir_of(&state, "pirate");
    settle(&mut state, Command::Runs(RunsCommand::Pick(dir.clone())));
    state.run.phase = RunPhase::Training;
    settle(&mut state, Command::Runs(RunsCommand::Open(dir.clone())));
    assert_eq!(state.nav.room, Room::Runs);
    assert_eq!(state.problems.list.len(), 1);
    state.run.phase = RunPhase::None;
    settle(&mut state, Command::Runs(RunsCommand::Open(dir)));
    assert_eq!(
        (state.nav.room, state.run.phase.clone()),
        (Room::Train, RunPhase::Finished)
    );
    assert_eq!(state.run.curves.steps.len(), 120);
}

#[test]
fn a_log_of_transformers_becomes_a_run_to_compare_with() {
    let (_project, mut state) = three_runs();
    settle(
        &mut state,
        Command::Runs(RunsCommand::Import(golden("trainer_state.json"))),
    );
    assert!(state.problems.list.is_empty(), "{:?}", state.problems.list);
    let run = state.runs.current().expect("it is selected");
    assert_eq!((run.name.as_str(), run.end), ("logs", RunEnd::Imported));
    assert_eq!((run.figures.steps, run.figures.of), (12, 12));
    let curves = &state.runs.opened[&run.dir].curves;
    assert_eq!(curves.value(Measure::Loss, 0), Some(4.165989398956299));
    assert_eq!(curves.value(Measure::Rate, 3), Some(0.0075));
    assert_eq!(curves.evals.len(), 3);
    assert_eq!(curves.evals[0].loss, 4.153352737426758);
    assert!(
        !curves.has(Measure::Share) && !curves.has(Measure::Memory),
        "what was not logged is unknown"
    );
    // It is listed again from the folder alone.
    let (runs, _) = runs::list(&state.project_dir().join("runs"), &[]);
    assert_eq!(runs[0].end, RunEnd::Imported);
}

/// The error of a log with this text.
fn refused(text: &str) -> String {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("trainer_state.json");
    std::fs::write(&path, text).expect("written");
    let error = trainer_state::read(&path).expect_err("refused").to_string();
    assert!(error.contains("trainer_state.json"), "{error}");
    error
}

#[test]
fn wrong_logs_name_the_field() {
    assert!(refused("{\"log_history\": 3}").contains("log_history is 3, but must be a list"));
    assert!(refused("{}").contains("log_history is missing"));
    assert!(refused("[]").contains("the file is a list"));
    assert!(refused("{\"log_history\": [{\"loss\": 1.0}, 7]}").contains("log_history[1] is 7"));
    assert!(
        refused("{\"log_history\": [{\"loss\": \"low\"}]}")
            .contains("log_history[0].loss is a text, but must be a number")
    );
    assert!(refused("{\"log_history\": [{\"step\": 1.5}]}").contains("log_history[0].step is 1.5"));
    assert!(refused("{\"log_history\": [").contains("not JSON"));
    assert!(refused("\u{0}").contains("not JSON"));
}

#[test]
fn logs_may_lack_keys_and_hold_numbers_that_are_not_finite() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("trainer_state.json");
    let text = r#"{"log_history": [{"step": 2, "loss": NaN, "note": "a \"NaN\" \\"}, {"step": 1, "loss": 3.5, "grad_norm": Infinity,
        "num_tokens": 90.0}, {"step": 2, "eval_loss": 2.5, "eval_entropy": 0.25}, {"step": 2, "train_runtime": 8.0, "train_loss": 3.0},
        {"step": 2, "loss": -Infinity, "learning_rate": 1e-3}], "max_steps": -1}"#;
    std::fs::write(&path, text).expect("written");
    let log = trainer_state::read(&path).expect("a log");
    assert_eq!(
        log.steps.iter().map(|s| (s.step, s.loss)).collect::<Vec<_>>(),
        [(1, Some(3.5)), (2, None)]
    );
    assert_eq!(
        (log.steps[0].grad_norm, log.steps[0].tokens, log.steps[1].lr),
        (None, Some(90), Some(1e-3))
    );
    assert_eq!((log.evals[0].loss, log.evals[0].entropy), (2.5, Some(0.25)));
    assert_eq!((log.max_steps, log.seconds_per_step), (0, Some(4.0)));
}

#[test]
fn a_log_without_losses_is_no_run() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("trainer_state.json");
    std::fs::write(&path, "{\"log_history\": []}").expect("written");
    let effect = RunsEffect::Import {
        file: path,
        folder: folder.path().join("runs"),
    };
    let RunsOutcome::Imported(Err(message)) = runs::perform(effect) else {
        panic!("refused")
    };
    assert!(message.contains("no losses"), "{message}");
    assert!(!folder.path().join("runs").exists(), "nothing is left behind");
}

#[test]
fn event_files_are_byte_for_byte_tensorboards() {
    let mut writer = EventWriter::new(Vec::new(), 1_700_000_000.0).expect("in memory");
    let scalars = [
        ("train/loss", 1, 1_700_000_000.5, 4.25),
        ("train/learning_rate", 1, 1_700_000_000.5, 2e-4),
        ("train/grad_norm/attention", 300, 1_700_000_150.25, 0.125),
        ("eval/loss", 100_000, 1_700_009_000.0, 1.0 / 3.0),
        ("train/loss", 0, 1_700_000_000.0, -1.5),
    ];
    for (tag, step, wall_time, value) in scalars {
        writer
            .scalar(&Scalar {
                tag,
                step,
                wall_time,
                value,
            })
            .expect("in memory");
    }
    let written = writer.finish().expect("in memory");
    assert_eq!(
        written,
        std::fs::read(golden("events.out.tfevents.golden")).expect("golden file")
    );
}

#[test]
fn a_runs_event_file_lies_in_its_folder_and_is_written_over() {
    let (_project, mut state) = three_runs();
    let dir = dir_of(&state, "pirate");
    for _ in 0..2 {
        settle(&mut state, Command::Runs(RunsCommand::TensorBoard(dir.clone())));
    }
    let files: Vec<_> = std::fs::read_dir(dir.join("tensorboard"))
        .expect("folder")
        .flatten()
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let bytes = std::fs::read(files[0].path()).expect("file");
    let count = |tag: &str| bytes.windows(tag.len()).filter(|part| *part == tag.as_bytes()).count();
    assert_eq!(
        (count("train/loss_smoothed"), count("eval/loss"), count("eval/entropy")),
        (120, 3, 3)
    );
    assert_eq!(count("train/memory"), 0, "what is unknown is not written");
}

#[test]
fn the_theme_has_a_colour_for_every_number() {
    for dark in [true, false] {
        let theme = burnish::ui::Theme::new(dark);
        let colours: std::collections::BTreeSet<_> = (0..runs::COLOURS).map(|i| theme.palette(i).to_array()).collect();
        assert_eq!(colours.len(), runs::COLOURS);
    }
}
