//! Runs that wait: their order, when the next one starts, what a sweep makes of a recipe, and that a project keeps them.

use burnish::protocol::Event;
use burnish::recipe::Recipe;
use burnish::session::{
    Axis, Command, Effect, Outcome, Project, QueueCommand, RunPhase, Slot, State, SweepForm, absorb, apply,
    combinations,
};

use super::session::ready;

fn queue(state: &mut State, command: QueueCommand) -> Vec<Effect> {
    apply(state, Command::Queue(command))
}

/// The names of the runs that these effects start.
fn started(effects: &[Effect]) -> Vec<String> {
    let name = |effect: &Effect| match effect {
        Effect::StartRun { name, .. } => Some(name.clone()),
        _ => None,
    };
    effects.iter().filter_map(name).collect()
}

fn tell(state: &mut State, event: Event) -> Vec<Effect> {
    let id = state.run.job;
    absorb(
        state,
        Outcome::Worker {
            slot: Slot::Train,
            id,
            event,
        },
    )
}

fn gone(state: &mut State) -> Vec<Effect> {
    let message = "The worker ended.".into();
    absorb(
        state,
        Outcome::WorkerGone {
            slot: Slot::Train,
            message,
        },
    )
}

fn end() -> Event {
    Event::TrainEnd {
        step: 5,
        path: "/final".into(),
        stopped: false,
        seconds: 1.0,
        peak_memory: 0,
    }
}

/// A state in which one run goes on and a sweep over two rates waits.
fn waiting() -> State {
    let mut state = ready();
    state.recipe.name = "pirate".into();
    assert_eq!(started(&queue(&mut state, QueueCommand::Add)), ["pirate"]);
    let form = SweepForm {
        rates: "1e-4, 2e-4".into(),
        ..SweepForm::default()
    };
    queue(&mut state, QueueCommand::Sweep(form));
    assert!(started(&queue(&mut state, QueueCommand::AddSweep)).is_empty());
    state
}

fn names(state: &State) -> Vec<&str> {
    state.queue.entries.iter().map(|e| e.name.as_str()).collect()
}

#[test]
fn a_run_starts_when_the_one_before_it_has_ended_or_failed() {
    let mut state = waiting();
    assert_eq!(names(&state), ["pirate-lr1e-4", "pirate-lr2e-4"]);
    assert!(
        started(&tell(&mut state, end())).is_empty(),
        "its worker still has the memory"
    );
    assert_eq!(started(&gone(&mut state)), ["pirate-lr1e-4"]);
    assert_eq!(state.run.recipe.as_ref().map(|r| r.optim.lr), Some(1e-4));
    assert_eq!(
        started(&gone(&mut state)),
        ["pirate-lr2e-4"],
        "one that breaks is no end of the queue"
    );
    assert!(names(&state).is_empty());
    assert!(started(&gone(&mut state)).is_empty());
}

#[test]
fn a_run_whose_memory_was_freed_holds_the_queue() {
    let mut state = waiting();
    tell(&mut state, Event::Suspended { step: 3 });
    assert_eq!(state.run.phase, RunPhase::Suspended);
    assert!(started(&gone(&mut state)).is_empty());
    assert!(started(&queue(&mut state, QueueCommand::Add)).is_empty());
    assert_eq!(started(&queue(&mut state, QueueCommand::Start)), ["pirate-lr1e-4"]);
}

#[test]
fn the_order_can_be_changed() {
    let mut state = waiting();
    queue(&mut state, QueueCommand::Earlier(1));
    assert_eq!(names(&state), ["pirate-lr2e-4", "pirate-lr1e-4"]);
    queue(&mut state, QueueCommand::Earlier(0));
    queue(&mut state, QueueCommand::Remove(7));
    queue(&mut state, QueueCommand::Remove(0));
    assert_eq!(names(&state), ["pirate-lr1e-4"]);
}

#[test]
fn a_project_keeps_the_queue_and_a_new_window_goes_on_with_it() {
    let state = waiting();
    let text = toml::to_string(&Project::of(&state)).unwrap();
    let project: Project = toml::from_str(&text).unwrap();
    let mut again = State::default();
    project.open(&mut again);
    assert_eq!(again.queue.entries, state.queue.entries);
    assert_eq!(started(&absorb(&mut again, Outcome::NoRun)), ["pirate-lr1e-4"]);
}

#[test]
fn a_value_that_no_recipe_takes_is_named() {
    let mut state = ready();
    for (form, word) in [("1e-4, fast", "fast"), ("7", "optim.lr")] {
        let form = SweepForm {
            rates: form.into(),
            ..SweepForm::default()
        };
        queue(&mut state, QueueCommand::Sweep(form));
        queue(&mut state, QueueCommand::AddSweep);
        let problem = &state.problems.list.last().expect("a problem").message;
        assert!(problem.contains(word), "{problem}");
    }
    assert!(names(&state).is_empty() && !state.run.is_active());
}

#[test]
fn a_sweep_is_every_combination() {
    let axes = ["optim.lr=1e-4,2e-4", "method.r=8,16", "optim.epochs=1"].map(|t| Axis::parse(t).unwrap());
    let all = combinations(&axes);
    let names: Vec<&str> = all.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        names,
        ["lr1e-4-r8-e1", "lr1e-4-r16-e1", "lr2e-4-r8-e1", "lr2e-4-r16-e1"]
    );
    assert_eq!(all[1].sets, ["optim.lr=1e-4", "method.r=16", "optim.epochs=1"]);
    for wrong in ["optim.lr", "=1", "optim.lr=1,,2", "optim.lr="] {
        assert!(Axis::parse(wrong).is_err(), "{wrong}");
    }
    let form = SweepForm {
        ranks: "4, 8,".into(),
        epochs: "2".into(),
        ..SweepForm::default()
    };
    let recipe = Recipe::new("m", vec!["d.jsonl".into()]);
    let made = form.recipes(&recipe).unwrap();
    assert_eq!(made.len(), 2);
    assert_eq!(
        (made[1].0.as_str(), made[1].1.method.r, made[1].1.optim.epochs),
        ("r8-e2", 8, 2.0)
    );
}
