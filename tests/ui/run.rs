//! A run from recorded events: charts, pause, end, a crashed worker, the question on closing.

use std::path::PathBuf;

use burnish::audit::{AuditSummary, Finding, FindingKind, Severity};
use burnish::protocol::{Event, GroupNorm};
use burnish::session::{Command, Outcome, QueueCommand, RunPhase, ShellCommand, Slot, SweepForm, ThemeChoice};
use burnish::worker::queue::Queued;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable;

use crate::kit::{Window, write_rows};
use crate::rooms::write_model;

/// Norms of three groups that together make `norm`.
pub fn groups(norm: f64) -> Vec<GroupNorm> {
    let parts = [("attention", 0.6), ("feed-forward", 0.75), ("embedding", 0.28)];
    let group = |(group, part): (&str, f64)| GroupNorm {
        group: group.into(),
        norm: norm * part,
    };
    parts.map(group).into()
}

/// The events of a run of `steps` steps out of 200, with an evaluation every 40.
pub fn events(steps: usize) -> Vec<Event> {
    let mut events = vec![
        Event::Ready { pid: 1 },
        Event::Stage {
            stage: "Tokenising".into(),
            done: 800,
            total: 800,
        },
        Event::TrainStart {
            run: "pirate".into(),
            device: "CPU".into(),
            steps: 200,
            epochs: 2.0,
            train_rows: 772,
            eval_rows: 40,
            skipped_rows: 3,
            trainable: 98_304,
            total_params: 4_100_000,
            template: "chatml".into(),
            start_step: 0,
        },
    ];
    for step in 1..=steps {
        let fall = (-(step as f64) / 60.0).exp();
        let noise = ((step * 7919) % 97) as f64 / 97.0 - 0.5;
        events.push(Event::Step {
            step,
            loss: 0.7 + 3.2 * fall + 0.5 * noise + if step == 97 { 3.0 } else { 0.0 },
            lr: 2e-4 * (1.0 - step as f64 / 200.0),
            grad_norm: 0.4 + fall + 0.2 * noise,
            tokens: 1024,
            supervised_tokens: 300,
            seconds: 0.5 + 0.05 * noise,
            epoch: step as f64 / 100.0,
            norms: groups(0.4 + fall + 0.2 * noise),
            rows: vec![(0, step % 40), (0, (step + 7) % 40)],
            loss_scale: None,
            memory: 310_000_000 + 100_000 * step as u64,
        });
        if step % 40 == 0 {
            events.push(Event::Eval {
                step,
                loss: 0.8 + 3.1 * fall,
                rows: 40,
                supervised_tokens: 900,
                seconds: 1.0,
                entropy: None,
            });
            let text = match step {
                40 => "France is a country. France is a country. France",
                _ => "Arr, the capital be Paris, matey.",
            };
            let text = text.into();
            events.push(Event::Sample {
                step,
                prompt: "What is the capital of France?".into(),
                text,
            });
            events.push(Event::Checkpoint {
                step,
                path: PathBuf::from(format!("/runs/pirate/checkpoint-{step}")),
            });
        }
    }
    events
}

/// A window with a run under way.
pub fn running(steps: usize) -> Window {
    under_way(Window::new(), steps)
}

/// A run under way in this window.
pub fn under_way(mut window: Window, steps: usize) -> Window {
    let model = write_model(window.home.path());
    let file = write_rows(window.home.path(), 40, None);
    window.drop_file(&model);
    window.wait_for("Base: tiny-base");
    window.drop_file(&file);
    window.wait_for("Line 2");
    let state = &mut window.shell().state;
    state.run.phase = RunPhase::Preparing;
    state.run.name = "pirate".into();
    state.run.job = 900;
    state.run.dir = Some("/runs/pirate".into());
    state.run.recipe = Some(Box::new(state.recipe.recipe.clone()));
    for event in events(steps) {
        window.take(Outcome::Worker {
            slot: Slot::Train,
            id: 900,
            event,
        });
    }
    window.click("Train");
    window
}

#[test]
fn a_run_shows_its_curves_samples_and_events() {
    let mut window = running(140);
    assert!(window.shows("Step 140 / 200"));
    assert!(window.shows("Training pirate"));
    assert!(window.shows("Memory of the device: 324 MB / 8.0 GB"));
    assert!(window.shows("30 s left"), "60 steps at half a second");
    assert!(window.shows("Arr, the capital be Paris"));
    assert!(window.shows("Checkpoint written"));
    window.snapshot("train_run_dark");
    window.send(Command::Shell(ShellCommand::Theme(ThemeChoice::Light)));
    window.snapshot("train_run_light");
}

#[test]
fn events_of_other_jobs_change_nothing() {
    let mut window = running(40);
    let stray = Event::Failed {
        message: "not ours".into(),
    };
    window.take(Outcome::Worker {
        slot: Slot::Train,
        id: 899,
        event: stray,
    });
    assert_eq!(window.shell().state.run.phase, RunPhase::Training);
}

#[test]
fn a_finished_run_offers_to_chat() {
    let mut window = running(200);
    let end = Event::TrainEnd {
        step: 200,
        path: "/runs/pirate/final".into(),
        stopped: false,
        seconds: 100.0,
        peak_memory: 98_000_000,
    };
    window.take(Outcome::Worker {
        slot: Slot::Train,
        id: 900,
        event: end,
    });
    window.settle();
    assert!(window.shows("peak memory 98 MB"));
    assert!(window.has_button("Chat with pirate"));
}

#[test]
fn a_killed_worker_names_the_checkpoint_and_offers_to_go_on() {
    let mut window = running(130);
    let message = "The worker was ended from outside (signal 9).".into();
    window.take(Outcome::WorkerGone {
        slot: Slot::Train,
        message,
    });
    window.settle();
    assert!(window.shows("ended from outside (signal 9)"));
    assert!(window.shows("The checkpoint of step 120 is safe"));
    assert!(
        window
            .harness
            .query_all_by_label("Resume from step 120")
            .next()
            .is_some()
    );
    window.snapshot("train_broken_dark");
}

#[test]
fn closing_during_a_run_asks_first() {
    let mut window = running(50);
    window.send(Command::Shell(ShellCommand::CloseAsked));
    assert!(window.shows("Keep training in the background?"));
    window.snapshot("closing");
    window.click("Cancel");
    assert!(!window.shows("Keep training in the background?"));
    let recipe = window.shell().state.recipe.recipe.clone();
    window.shell().state.queue.entries = vec![Queued {
        id: 1,
        name: "next".into(),
        smooth: false,
        audited: String::new(),
        recipe,
    }];
    window.send(Command::Shell(ShellCommand::CloseAsked));
    assert!(window.shows("1 run waits in the queue: also started without the window"));
}

#[test]
fn a_frame_stays_short_during_a_long_run() {
    let mut window = running(0);
    for event in (0..50).flat_map(|_| events(200)) {
        window.take(Outcome::Worker {
            slot: Slot::Train,
            id: 900,
            event,
        });
    }
    let start = std::time::Instant::now();
    for _ in 0..20 {
        window.harness.step();
    }
    let frame = start.elapsed() / 20;
    // A loose bound against work that grows with the whole; speed itself is measured in benchmarks.
    assert!(frame.as_millis() < 1000, "a frame took {frame:?}");
}

/// Ends the audit that stands before the queue.
fn find_something_serious(window: &mut Window) {
    let id = window.shell().state.audit.flight.as_ref().expect("an audit").job;
    let finding = Event::Finding(Finding {
        kind: FindingKind::NothingLearned,
        severity: Severity::Serious,
        count: 1,
        rows: vec![],
        message: "Nothing of the rows is learned.".into(),
        fix: None,
    });
    let summary = AuditSummary::default();
    for event in [
        finding,
        Event::Audited {
            summary: Box::new(summary),
        },
    ] {
        let slot = Slot::Audit;
        window.take(Outcome::Worker { slot, id, event });
    }
    window.settle();
    assert!(window.shows("Nothing of the rows is learned."));
}

#[test]
fn runs_wait_in_the_queue_and_a_run_can_be_held_in_two_ways() {
    let mut window = running(40);
    for button in ["Pause training", "Pause and free memory", "Save a checkpoint now"] {
        assert!(window.has_button(button), "{button}");
    }
    window.click("Queue and sweep");
    window.click("Add this recipe to the queue");
    find_something_serious(&mut window);
    window.click("Add to the queue anyway");
    window.wait_for("1 run waiting");
    window.send(Command::Queue(QueueCommand::Sweep(SweepForm {
        ranks: "4, 8".into(),
        ..SweepForm::default()
    })));
    window.click("Add 2 runs");
    window.click("Add to the queue anyway");
    window.wait_for("3 runs waiting");
    let names = |window: &mut Window| -> Vec<String> {
        let entries = &window.shell().state.queue.entries;
        entries.iter().map(|e| e.name.clone()).collect()
    };
    assert_eq!(names(&mut window), ["rows", "rows-r4", "rows-r8"]);
    window.click("Run rows-r8 earlier");
    window.click("Remove rows from the queue");
    window.wait_for("2 runs waiting");
    assert_eq!(names(&mut window), ["rows-r8", "rows-r4"]);
    let mut switches = window
        .harness
        .query_all_by_role_and_label(Role::CheckBox, "Keep my desktop smooth");
    switches.next().expect("a switch").click();
    drop(switches);
    window.settle();
    assert!(window.shell().state.settings.smooth);
    window.take(Outcome::Worker {
        slot: Slot::Train,
        id: 900,
        event: Event::Suspended { step: 40 },
    });
    window.settle();
    assert!(window.has_button("Resume training") && window.shows("paused, memory free"));
}
