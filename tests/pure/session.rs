//! The window's state without a window: commands, outcomes, a run from its events, the one-click journey, words.

use burnish::data::Split;
use burnish::protocol::{Control, Event};
use burnish::session::words::{bytes, count, duration, first_words, parameters, small, thousands};
use burnish::session::{
    Bins, Command, Curves, Effect, EvalPoint, ModelCard, Outcome, PathKind, ReadRows, Room, RunPhase, ShellCommand,
    Slot, State, StepPoint, TrainCommand, absorb, apply, catalogue,
};

use super::room_kit::{row, set};

fn rows(number: usize) -> ReadRows {
    let one = |i: usize| {
        let mut row = row(i, format!("Question {i}"), "Answer");
        if i.is_multiple_of(10) {
            row.split = Split::Eval;
        }
        row
    };
    ReadRows::of(set(number, (0..number).map(one)))
}

fn card(path: &str) -> ModelCard {
    ModelCard {
        path: path.into(),
        name: path.into(),
        architecture: "Llama".into(),
        parameters: 4_000_000,
        context: 512,
        vocab: 3072,
        bytes: 8_000_000,
        config: None,
        tried: None,
        has_template: false,
        details: Vec::new(),
    }
}

/// A state with a model and a hundred rows.
pub fn ready() -> State {
    let mut state = State::default();
    absorb(
        &mut state,
        Outcome::Model {
            path: "starter".into(),
            result: Ok(card("starter")),
        },
    );
    absorb(
        &mut state,
        Outcome::Data {
            path: "rows.jsonl".into(),
            result: Ok(rows(100)),
        },
    );
    state
}

fn step(step: usize, loss: f64) -> StepPoint {
    StepPoint {
        step,
        loss,
        lr: 0.1,
        grad_norm: 1.0,
        tokens: 200,
        seconds: 2.0,
        epoch: 0.5,
        ..StepPoint::default()
    }
}

#[test]
fn numbers_are_said_as_people_say_them() {
    assert_eq!(
        [thousands(7), thousands(1234), thousands(1_234_567)],
        ["7", "1,234", "1,234,567"]
    );
    assert_eq!([count(1, "row"), count(2000, "row")], ["1 row", "2,000 rows"]);
    assert_eq!(
        [bytes(512), bytes(98_000_000), bytes(3_100_000_000)],
        ["512 bytes", "98 MB", "3.1 GB"]
    );
    assert_eq!(
        [parameters(999), parameters(4_130_000), parameters(7_600_000_000)],
        ["999", "4.1 M", "7.6 B"]
    );
    assert_eq!(
        [duration(45.4), duration(250.0), duration(7500.0)],
        ["45 s", "4 min", "2 h 5 min"]
    );
    assert_eq!(
        [small(2e-4), small(0.05), small(0.0), small(1.5)],
        ["2e-4", "0.05", "0", "1.5"]
    );
    assert_eq!(first_words("one\n two  three", 7), "one two…");
}

#[test]
fn closed_rooms_cannot_be_entered() {
    let mut state = State::default();
    apply(&mut state, Command::Go(Room::Export));
    assert_eq!(state.nav.room, Room::Model);
    apply(&mut state, Command::Go(Room::Chat));
    assert_eq!(state.nav.room, Room::Chat);
}

#[test]
fn a_dropped_folder_goes_where_it_belongs() {
    let mut state = State::default();
    let effects = absorb(&mut state, Outcome::Classified(vec![("/m".into(), PathKind::Model)]));
    assert!(matches!(&effects[..], [Effect::ReadModel(path)] if path == "/m"));
    let adapter = PathKind::Adapter { base: None };
    absorb(&mut state, Outcome::Classified(vec![("/a".into(), adapter)]));
    assert_eq!(state.nav.room, Room::Chat);
    let unknown = PathKind::Unknown("No idea.".into());
    absorb(&mut state, Outcome::Classified(vec![("/x".into(), unknown)]));
    assert_eq!(state.problems.list.last().expect("a problem").message, "No idea.");
}

/// Starts a run of data in which an audit finds nothing.
fn start(state: &mut State) -> Vec<Effect> {
    let effects = apply(state, Command::Train(TrainCommand::Start));
    audited(state, effects)
}

/// Answers the audit among the effects.
fn audited(state: &mut State, effects: Vec<Effect>) -> Vec<Effect> {
    let asked = effects.iter().find_map(|e| match e {
        Effect::Job {
            slot: Slot::Audit, id, ..
        } => Some(*id),
        _ => None,
    });
    let event = Event::Audited {
        summary: Default::default(),
    };
    absorb(
        state,
        Outcome::Worker {
            slot: Slot::Audit,
            id: asked.expect("an audit"),
            event,
        },
    )
}

#[test]
fn training_needs_model_and_data() {
    let mut state = State::default();
    apply(&mut state, Command::Train(TrainCommand::Start));
    assert_eq!(state.run.phase, RunPhase::None);
    assert_eq!(state.problems.list[0].message, "Pick a model first.");
    let mut state = ready();
    let effects = start(&mut state);
    assert!(matches!(&effects[..], [Effect::StartRun { name, .. }] if name == "rows"));
    assert!(state.run.is_active());
    assert!(
        apply(&mut state, Command::Train(TrainCommand::Start)).is_empty(),
        "one run at a time"
    );
}

#[test]
fn a_recipe_out_of_range_is_refused_by_name() {
    let mut state = ready();
    state.recipe.recipe.optim.lr = -1.0;
    assert!(apply(&mut state, Command::Train(TrainCommand::Start)).is_empty());
    let message = &state.problems.list.last().expect("a problem").message;
    assert!(message.contains("optim.lr"), "{message}");
}

#[test]
fn the_forecast_counts_held_out_rows_and_epochs() {
    let mut state = ready();
    let mut recipe = state.recipe.recipe.clone();
    recipe.optim.epochs = 3.0;
    apply(&mut state, Command::Train(TrainCommand::Recipe(Box::new(recipe))));
    let plan = state.plan.expect("a forecast");
    assert_eq!((plan.train_rows, plan.eval_rows), (90, 10));
    // 90 rows in batches of 8, three times.
    assert_eq!(plan.steps, 36);
}

#[test]
fn one_click_reads_model_and_sample_and_then_trains() {
    let mut state = State::default();
    let effects = apply(&mut state, Command::TryIt);
    assert!(
        effects
            .iter()
            .any(|e| matches!(e, Effect::ReadModel(path) if path == "starter"))
    );
    let sample = effects.iter().find_map(|e| match e {
        Effect::ReadData { path, .. } => Some(path.clone()),
        _ => None,
    });
    let first = absorb(
        &mut state,
        Outcome::Model {
            path: "starter".into(),
            result: Ok(card("starter")),
        },
    );
    assert!(
        !first.iter().any(|e| matches!(e, Effect::StartRun { .. })),
        "the data is still missing"
    );
    let path = sample.expect("the sample is read");
    let second = absorb(
        &mut state,
        Outcome::Data {
            path,
            result: Ok(rows(50)),
        },
    );
    let second = audited(&mut state, second);
    assert!(second.iter().any(|e| matches!(e, Effect::StartRun { .. })));
    assert_eq!(state.nav.room, Room::Train);
    let id = state.run.job;
    let end = Event::TrainEnd {
        step: 5,
        path: "/final".into(),
        stopped: false,
        seconds: 1.0,
        peak_memory: 0,
    };
    absorb(
        &mut state,
        Outcome::Worker {
            slot: Slot::Train,
            id,
            event: end,
        },
    );
    assert_eq!(state.nav.room, Room::Chat, "the chat opens at the end");
}

#[test]
fn a_failed_reading_ends_the_journey() {
    let mut state = State::default();
    apply(&mut state, Command::TryIt);
    absorb(
        &mut state,
        Outcome::Model {
            path: "starter".into(),
            result: Err("No starter.".into()),
        },
    );
    assert!(!state.recipe.journey);
}

#[test]
fn a_worker_that_dies_leaves_a_way_to_go_on() {
    let mut state = ready();
    start(&mut state);
    let id = state.run.job;
    absorb(
        &mut state,
        Outcome::RunDir {
            id,
            dir: "/runs/a".into(),
        },
    );
    let event = Event::Checkpoint {
        step: 20,
        path: "/runs/a/checkpoint-20".into(),
    };
    absorb(
        &mut state,
        Outcome::Worker {
            slot: Slot::Train,
            id,
            event,
        },
    );
    absorb(
        &mut state,
        Outcome::WorkerGone {
            slot: Slot::Train,
            message: "Killed.".into(),
        },
    );
    assert_eq!(state.run.phase, RunPhase::Broken("Killed.".into()));
    let way = state.problems.list.last().expect("a problem").ways[0].clone();
    assert_eq!(way.label, "Resume from step 20");
    let effects = apply(&mut state, way.command);
    let resumes = |e: &Effect| {
        matches!(
            e,
            Effect::Job {
                slot: Slot::Train,
                job: burnish::protocol::Job::Train { resume: true, .. },
                ..
            }
        )
    };
    assert!(effects.iter().any(resumes));
}

#[test]
fn a_worker_that_ends_after_its_run_is_no_problem() {
    let mut state = ready();
    start(&mut state);
    let id = state.run.job;
    let end = Event::TrainEnd {
        step: 5,
        path: "/final".into(),
        stopped: true,
        seconds: 1.0,
        peak_memory: 0,
    };
    absorb(
        &mut state,
        Outcome::Worker {
            slot: Slot::Train,
            id,
            event: end,
        },
    );
    absorb(
        &mut state,
        Outcome::WorkerGone {
            slot: Slot::Train,
            message: "The worker ended.".into(),
        },
    );
    assert_eq!(state.run.phase, RunPhase::Finished);
    assert!(state.problems.list.is_empty());
}

#[test]
fn pause_and_stop_reach_the_worker_only_during_a_run() {
    let mut state = ready();
    assert!(apply(&mut state, Command::Train(TrainCommand::Pause)).is_empty());
    start(&mut state);
    let effects = apply(&mut state, Command::Train(TrainCommand::Pause));
    assert!(matches!(
        &effects[..],
        [Effect::Control {
            slot: Slot::Train,
            control: Control::Pause
        }]
    ));
    let effects = apply(&mut state, Command::Train(TrainCommand::Stop));
    assert!(matches!(
        &effects[..],
        [Effect::Control {
            slot: Slot::Train,
            control: Control::Stop
        }]
    ));
    assert_eq!(state.run.phase, RunPhase::Stopping);
}

#[test]
fn closing_asks_only_during_a_run() {
    let mut state = ready();
    let closes = |effects: &[Effect]| effects.iter().any(|e| matches!(e, Effect::CloseWindow));
    assert!(closes(&apply(&mut state, Command::Shell(ShellCommand::CloseAsked))));
    start(&mut state);
    assert!(!closes(&apply(&mut state, Command::Shell(ShellCommand::CloseAsked))));
    assert!(state.nav.asking_to_close);
    let stops = apply(&mut state, Command::Shell(ShellCommand::CloseAnswer { keep: false }));
    assert!(
        closes(&stops)
            && stops.iter().any(|e| matches!(
                e,
                Effect::Control {
                    control: Control::Stop,
                    ..
                }
            ))
    );
}

#[test]
fn the_smoothed_loss_starts_at_the_first_loss_and_follows() {
    let mut curves = Curves::default();
    (1..=200).for_each(|i| curves.add(step(i, if i < 100 { 4.0 } else { 1.0 })));
    assert!((curves.steps[0].smoothed - 4.0).abs() < 1e-9);
    assert!((curves.steps[199].smoothed - 1.0).abs() < 1e-3);
}

#[test]
fn a_machine_that_slept_through_a_step_does_not_change_the_time_left() {
    let mut curves = Curves::default();
    (1..=20).for_each(|i| curves.add(step(i, 3.0)));
    curves.add(StepPoint {
        seconds: 28_800.0,
        ..step(21, 3.0)
    });
    assert_eq!(curves.seconds_per_step(), Some(2.0));
}

#[test]
fn steps_made_again_after_a_resume_replace_the_old_ones() {
    let mut curves = Curves::default();
    (1..=50).for_each(|i| curves.add(step(i, 3.0)));
    curves.add_eval(EvalPoint {
        step: 40,
        loss: 2.0,
        entropy: None,
    });
    curves.add(step(21, 1.0));
    assert_eq!(curves.steps.len(), 21);
    assert!(curves.evals.is_empty());
    assert_eq!(curves.steps[20].loss, 1.0);
}

#[test]
fn a_loss_that_is_not_finite_does_not_spoil_the_average() {
    let mut curves = Curves::default();
    curves.add(step(1, 2.0));
    curves.add(step(2, f64::NAN));
    curves.add(step(3, 2.0));
    assert!((curves.steps[2].smoothed - 2.0).abs() < 1e-9);
}

#[test]
fn shortcuts_are_unique() {
    let mut state = ready();
    for room in [Room::Model, Room::Train, Room::Chat] {
        state.nav.room = room;
        let mut shortcuts: Vec<String> = catalogue(&state)
            .iter()
            .filter_map(|e| Some(e.shortcut?.text()))
            .collect();
        let all = shortcuts.len();
        shortcuts.sort();
        shortcuts.dedup();
        assert_eq!(shortcuts.len(), all);
    }
}

#[test]
fn the_same_problem_is_listed_once_and_toasts_are_three_at_most() {
    let mut state = State::default();
    (0..3).for_each(|_| state.problems.report("Twice the same.", Vec::new()));
    assert_eq!(state.problems.list.len(), 1);
    (0..5).for_each(|i| state.problems.toast(format!("Done {i}")));
    assert_eq!(state.problems.toasts.len(), 3);
}

#[test]
fn histograms_have_round_bars_that_hold_every_value() {
    let bins = Bins::of((0..=470).collect());
    assert_eq!(
        (bins.width, bins.counts.len(), bins.largest, bins.median),
        (20, 24, 470, 235)
    );
    assert_eq!(bins.counts.iter().sum::<usize>(), 471);
    let few = Bins::of(vec![2, 2, 3]);
    assert_eq!((few.from, few.counts), (2, vec![2, 1]));
    assert_eq!(Bins::of(Vec::new()).counts.len(), 0);
}

#[test]
fn settings_that_nobody_touched_follow_the_size_of_the_model() {
    let mut state = State::default();
    let usual = state.recipe.recipe.optim.lr;
    absorb(
        &mut state,
        Outcome::Model {
            path: "starter".into(),
            result: Ok(card("starter")),
        },
    );
    let small = state.recipe.recipe.optim.lr;
    assert!(small > 5.0 * usual, "a small model takes larger steps");
    let large = ModelCard {
        parameters: 7_000_000_000,
        ..card("/seven")
    };
    absorb(
        &mut state,
        Outcome::Model {
            path: "/seven".into(),
            result: Ok(large),
        },
    );
    assert_eq!(state.recipe.recipe.optim.lr, usual);
    state.recipe.recipe.optim.lr = 7e-5;
    absorb(
        &mut state,
        Outcome::Model {
            path: "starter".into(),
            result: Ok(card("starter")),
        },
    );
    assert_eq!(state.recipe.recipe.optim.lr, 7e-5, "what the user chose stays");
}
