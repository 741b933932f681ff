//! The search for a learning rate in the Train room: from the button beside the rate to the rate in the recipe.

use burnish::protocol::{Event, RateEnd, RateFound, RateTried};
use burnish::session::rate::RateCommand;
use burnish::session::{Command, Effect, Outcome, Room, Slot, ThemeChoice, apply};
use burnish::train::RangeTest;
use egui::pos2;
use egui_kittest::kittest::Queryable;

use crate::kit::{Window, write_rows};

/// A window with the starter and forty rows, in the Train room.
fn window() -> Window {
    let mut window = Window::new();
    let file = write_rows(window.home.path(), 40, None);
    window.click("Starter");
    window.wait_for("Base: Starter");
    window.drop_file(&file);
    window.wait_for("Data: rows.jsonl 40");
    window.send(Command::Go(Room::Train));
    window
}

/// Begins a search without a worker; gives its job.
fn begin(window: &mut Window) -> u64 {
    let effects = apply(&mut window.shell().state, Command::Rate(RateCommand::Start));
    let job = effects.iter().find_map(|effect| match effect {
        Effect::Job {
            slot: Slot::Rate, id, ..
        } => Some(*id),
        _ => None,
    });
    job.expect("a job for a worker")
}

fn tell(window: &mut Window, id: u64, event: Event) {
    let slot = Slot::Rate;
    window.take(Outcome::Worker { slot, id, event });
}

/// Tells the steps of a made-up search: the loss falls around 1e-3 and breaks away at 3e-2. Gives what it found.
fn tell_steps(window: &mut Window, id: u64, steps: usize) -> RateFound {
    let mut test = RangeTest::new(1e-6, 1.0, 100);
    let mut last = 1e-6;
    for step in 0..steps {
        last = test.rate(step);
        let rate = last.log10();
        let noise = 0.12 * ((step * 7919 % 13) as f64 / 6.0 - 1.0);
        let loss = 0.4 + 3.7 / (1.0 + ((rate + 3.0) * 5.0).exp()) + ((rate + 1.7) * 9.0).exp() + noise;
        let tried = RateTried {
            step: step + 1,
            lr: last,
            loss,
            smoothed: test.add(loss),
            seconds: 0.5,
        };
        tell(window, id, Event::RateTried(tried));
        if test.diverged() {
            break;
        }
    }
    let found = test.suggestion();
    RateFound {
        suggested: found.map(|f| f.rate()),
        steepest: found.map(|f| f.steepest),
        lowest: found.map(|f| f.lowest),
        still_falling: false,
        end: RateEnd::Diverged,
        last,
    }
}

#[test]
fn a_search_shows_its_progress_and_what_is_left_and_can_be_stopped() {
    let mut window = window();
    assert!(window.has_button("Find a rate"));
    let id = begin(&mut window);
    window.settle();
    assert!(window.shows("Starting the worker"));
    tell_steps(&mut window, id, 40);
    window.settle();
    assert!(window.shows("Step 40 of 100, rate 2.3e-4"));
    assert!(window.shows("at most 30 s left"));
    assert!(window.shows("Search for a rate 40 %"));
    window.snapshot("rate_search_dark");
    window.click("Stop the search");
    assert!(window.shows("Stopping"));
    // What was asked of the worker ends with an answer all the same.
    tell(&mut window, id, Event::Done);
    window.settle();
    assert!(window.has_button("Search again"));
}

#[test]
fn what_was_found_is_marked_read_and_taken_over() {
    let mut window = window();
    let id = begin(&mut window);
    let found = tell_steps(&mut window, id, 100);
    tell(&mut window, id, Event::RateFound(found));
    tell(&mut window, id, Event::Done);
    window.settle();
    let suggested = found.suggested.expect("a rate");
    assert!(window.shows("is a good beginning") && window.shows("broke away"));
    window.snapshot("rate_found_dark");
    let rect = window
        .harness
        .get_by_label("Losses of the rates that were tried")
        .rect();
    window
        .harness
        .hover_at(pos2(rect.left() + 0.5 * rect.width(), rect.center().y));
    window.settle();
    assert!(
        window.shows("Smoothed loss") && window.shows(", step 5"),
        "the pointer reads values"
    );
    window.click("Use this rate");
    assert_eq!(window.shell().state.recipe.recipe.optim.lr, suggested);
    assert!(window.shows("is in the recipe") && !window.shows("was changed since"));
    let rank = vec!["method.r=4".to_owned()];
    window.send(Command::Train(burnish::session::TrainCommand::Set(rank)));
    assert!(window.shows("The recipe was changed since"));
    window.shell().state.settings.theme = ThemeChoice::Light;
    window.settle();
    window.snapshot("rate_found_light");
    // A run that is over does not hide a search, and is shown again after it.
    window.shell().state.run.phase = burnish::session::RunPhase::Finished;
    window.settle();
    assert!(window.shows("Finding a learning rate"));
    window.click("Close the search for a rate");
    assert!(!window.shows("Finding a learning rate"));
}

#[test]
fn a_worker_that_dies_is_told_and_a_run_that_goes_on_blocks_the_button() {
    let mut window = window();
    let id = begin(&mut window);
    let message = "The device is out of memory.".to_owned();
    tell(&mut window, id, Event::Failed { message });
    window.settle();
    assert!(window.shows("out of memory") && window.has_button("Search again"));
    // A run begins while a search goes on: the search gives way.
    begin(&mut window);
    let state = &mut window.shell().state;
    state.audit.asking = Some(burnish::session::audit::Intent::Train);
    let anyway = Command::Audit(burnish::session::audit::AuditCommand::Anyway);
    let effects = burnish::session::apply(state, anyway);
    let slots: Vec<String> = effects.iter().map(|effect| format!("{effect:?}")).collect();
    assert!(slots[0].contains("Rate") && slots[0].contains("Stop"), "{slots:?}");
    assert!(slots.iter().any(|effect| effect.contains("StartRun")), "{slots:?}");
    assert!(burnish::session::rate::blocked(&window.shell().state).is_some());
}

#[test]
fn a_real_worker_finds_a_rate() {
    let mut window = window();
    window.shell().state.settings.device = Some("cpu".into());
    let mut range = window.shell().state.rate.range;
    (range.low, range.steps) = (1e-4, 20);
    window.send(Command::Rate(RateCommand::Range(range)));
    let set = ["batch.size=1", "data.max_length=64"].map(str::to_owned).to_vec();
    window.send(Command::Train(burnish::session::TrainCommand::Set(set)));
    window.click("Find a rate");
    window.wait_for("Search again");
    let rate = &window.shell().state.rate;
    assert!(rate.failure.is_none(), "{:?}", rate.failure);
    assert!(rate.found.is_some() && !rate.tried.is_empty());
}
