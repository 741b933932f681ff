//! Runs that wait: their data is looked through before, when the next one starts, their order, and what a sweep makes of a recipe.

use burnish::audit::{AuditSummary, Finding, FindingKind, Severity};
use burnish::protocol::{Control, Event};
use burnish::recipe::Recipe;
use burnish::session::audit::{AuditCommand, Intent};
use burnish::session::{
    Axis, Command, Effect, Outcome, QueueChange, QueueCommand, QueueEffect, QueueOutcome, RunPhase, ShellCommand, Slot,
    State, SweepForm, TrainCommand, absorb, apply, change_queue, combinations,
};
use burnish::worker::queue;
use tempfile::TempDir;

use super::session::ready;

/// A window's state with a project folder of its own; what is done with the queue is done at once, but no run is started.
struct Project {
    state: State,
    folder: TempDir,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut state = ready();
        state.project.dir = folder.path().into();
        state.recipe.name = "pirate".into();
        Self { state, folder }
    }

    fn send(&mut self, command: Command) -> Vec<Effect> {
        let effects = apply(&mut self.state, command);
        self.carry_out(effects)
    }

    fn queue(&mut self, command: QueueCommand) -> Vec<Effect> {
        self.send(Command::Queue(command))
    }

    fn takes(&mut self, outcome: Outcome) -> Vec<Effect> {
        let effects = absorb(&mut self.state, outcome);
        self.carry_out(effects)
    }

    /// What is left once the queue was changed: audits, runs to be started.
    fn carry_out(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut left = vec![];
        for effect in effects {
            match effect {
                Effect::Queue(effect) if !matches!(effect.change, QueueChange::Turn | QueueChange::Start) => {
                    let outcome = change_queue(effect);
                    left.extend(self.takes(Outcome::Queue(outcome)));
                }
                other => left.push(other),
            }
        }
        left
    }

    /// An event of the audit that is under way.
    fn audit(&mut self, event: Event) -> Vec<Effect> {
        let id = self.state.audit.flight.as_ref().expect("an audit").job;
        self.takes(Outcome::Worker {
            slot: Slot::Audit,
            id,
            event,
        })
    }

    /// The audit ends; it called the data `abc`.
    fn audited(&mut self) -> Vec<Effect> {
        let summary = AuditSummary {
            seen: "abc".into(),
            ..AuditSummary::default()
        };
        self.audit(Event::Audited {
            summary: Box::new(summary),
        })
    }

    /// The training worker is gone.
    fn gone(&mut self) -> Vec<Effect> {
        self.takes(Outcome::WorkerGone {
            slot: Slot::Train,
            message: "The worker ended.".into(),
        })
    }

    fn tell(&mut self, event: Event) -> Vec<Effect> {
        let id = self.state.run.job;
        self.takes(Outcome::Worker {
            slot: Slot::Train,
            id,
            event,
        })
    }

    /// The names in the file and in the window, which are the same.
    fn names(&self) -> Vec<String> {
        let file = queue::read(&self.folder.path().join("runs")).unwrap();
        assert_eq!(file.runs, self.state.queue.entries);
        file.runs.into_iter().map(|run| run.name).collect()
    }

    /// One run goes on and a sweep over two rates waits.
    fn waiting() -> Self {
        let mut project = Self::new();
        project.state.run.phase = RunPhase::Training;
        let form = SweepForm {
            rates: "1e-4, 2e-4".into(),
            ..SweepForm::default()
        };
        project.queue(QueueCommand::Sweep(form));
        project.queue(QueueCommand::AddSweep);
        assert!(project.names().is_empty(), "looked through first");
        let effects = project.audited();
        assert!(turns(&effects).is_empty(), "one goes on: {effects:?}");
        project
    }
}

/// The effects that start runs of the queue.
fn turns(effects: &[Effect]) -> Vec<&QueueChange> {
    let change = |effect| match effect {
        &Effect::Queue(QueueEffect { ref change, .. }) => Some(change),
        _ => None,
    };
    effects.iter().filter_map(change).collect()
}

fn is_turn(effects: &[Effect]) -> bool {
    matches!(turns(effects)[..], [QueueChange::Turn])
}

fn audits(effects: &[Effect]) -> usize {
    let audit = |e: &&Effect| matches!(e, Effect::Job { slot: Slot::Audit, .. });
    effects.iter().filter(audit).count()
}

/// What starting the next run gave: nothing, or this folder.
fn turned(project: &Project, goes_on: Option<&str>) -> Outcome {
    Outcome::Queue(QueueOutcome {
        queue: Ok(queue::read(&project.folder.path().join("runs")).unwrap()),
        turned: true,
        goes_on: goes_on.map(Into::into),
    })
}

#[test]
fn what_waits_was_looked_through_and_starts_at_once_when_nothing_runs() {
    let mut project = Project::new();
    let effects = project.queue(QueueCommand::Add);
    assert_eq!(audits(&effects), 1);
    assert!(project.names().is_empty());
    let effects = project.audited();
    assert_eq!(project.names(), ["pirate"]);
    assert_eq!(project.state.queue.entries[0].audited, "abc");
    assert!(is_turn(&effects), "{effects:?}");
    // Known data are not looked through again, and the run before is still being started.
    let effects = project.queue(QueueCommand::Add);
    assert_eq!((audits(&effects), turns(&effects).len()), (0, 0));
    assert_eq!(project.names().len(), 2);
}

#[test]
fn something_serious_is_asked_about_before_it_waits() {
    let mut project = Project::new();
    project.state.queue.sweep.ranks = "4, 8".into();
    project.queue(QueueCommand::AddSweep);
    project.audit(Event::Finding(Finding {
        kind: FindingKind::NothingLearned,
        severity: Severity::Serious,
        count: 1,
        rows: vec![],
        message: "Nothing is learned.".into(),
        fix: None,
    }));
    project.audited();
    assert_eq!(project.state.audit.asking, Some(Intent::Queue { sweep: true }));
    assert!(project.names().is_empty());
    project.send(Command::Audit(AuditCommand::Anyway));
    assert_eq!(project.names(), ["pirate-r4", "pirate-r8"]);
    assert_eq!(project.state.audit.asking, None);
}

#[test]
fn an_audit_that_fails_keeps_no_run_from_waiting() {
    let mut project = Project::new();
    project.queue(QueueCommand::Add);
    project.audit(Event::Failed {
        message: "No device.".into(),
    });
    assert_eq!(project.names(), ["pirate"]);
    assert_eq!(project.state.queue.entries[0].audited, "", "the run itself tells");
}

#[test]
fn one_look_at_the_data_serves_a_sweep_and_says_so() {
    let project = Project::waiting();
    assert_eq!(project.names(), ["pirate-lr1e-4", "pirate-lr2e-4"]);
    let entries = &project.state.queue.entries;
    assert!(entries.iter().all(|e| e.audited == "abc"));
    assert_eq!(entries[0].recipe.for_audit(), entries[1].recipe.for_audit());
    assert_ne!(entries[0].recipe, entries[1].recipe);
    let toast = &project.state.problems.toasts.last().expect("a toast").message;
    assert!(toast.contains("2 runs") && toast.contains("One look"), "{toast}");
}

#[test]
fn recipes_that_see_other_rows_need_an_audit_each() {
    let recipe = Recipe::new("m", vec!["d.jsonl".into()]);
    for (set, same) in [
        ("optim.lr=1e-5", true),
        ("method.r=2", true),
        ("optim.epochs=3", true),
        ("data.max_length=64", false),
        ("template=chatml", false),
        ("data.mode=all", false),
        ("method.kind=full", false),
        ("model.path=other", false),
        ("batch.size=3", false),
    ] {
        let other = recipe.with(set).unwrap();
        assert_eq!(recipe.for_audit() == other.for_audit(), same, "{set}");
    }
}

#[test]
fn the_next_run_is_followed_when_the_one_before_it_has_ended_or_failed() {
    let mut project = Project::waiting();
    assert!(is_turn(&project.gone()));
    assert!(project.gone().is_empty(), "one turn at a time");
    // Whoever was first has started it: its supervisor or this window.
    let effects = project.takes(turned(&project, Some("/runs/2026-11-21-170000-pirate")));
    let [Effect::FollowRun { id, dir }] = &effects[..] else {
        panic!("{effects:?}");
    };
    let recipe = Box::new(Recipe::new("starter", vec!["rows.jsonl".into()]));
    let (id, dir) = (*id, dir.clone());
    project.takes(Outcome::RunFound { id, dir, recipe });
    assert_eq!((project.state.run.name.as_str(), project.state.run.job), ("pirate", id));
    let toast = &project.state.problems.toasts.last().expect("a toast").message;
    assert!(toast.contains("waited in the queue"), "{toast}");
    assert!(is_turn(&project.gone()), "one that breaks is no end of the queue");
    assert!(
        project.takes(turned(&project, None)).is_empty(),
        "nothing was started, so nothing is asked again"
    );
}

#[test]
fn a_window_that_opens_asks_whose_turn_it_is() {
    let mut project = Project::new();
    assert!(is_turn(&project.takes(Outcome::NoRun)));
}

#[test]
fn a_run_whose_memory_was_freed_holds_the_queue() {
    let mut project = Project::waiting();
    project.tell(Event::Suspended { step: 3 });
    assert_eq!(project.state.run.phase, RunPhase::Suspended);
    assert!(project.gone().is_empty());
    assert!(project.queue(QueueCommand::Add).is_empty());
    let effects = project.queue(QueueCommand::Start);
    assert!(matches!(turns(&effects)[..], [QueueChange::Start]));
}

#[test]
fn who_stops_training_with_the_window_holds_the_queue() {
    let mut project = Project::waiting();
    let effects = project.send(Command::Shell(ShellCommand::CloseAnswer { keep: false }));
    let stop = |e: &Effect| {
        matches!(
            e,
            Effect::Control {
                control: Control::Stop,
                ..
            }
        )
    };
    assert!(effects.iter().any(stop));
    assert!(queue::read(&project.folder.path().join("runs")).unwrap().held);
    assert!(project.state.queue.held && project.names().len() == 2);
    project.state.run.phase = RunPhase::None;
    assert!(project.queue(QueueCommand::Add).is_empty(), "held");
}

#[test]
fn the_order_can_be_changed() {
    let mut project = Project::waiting();
    project.queue(QueueCommand::Earlier(1));
    assert_eq!(project.names(), ["pirate-lr2e-4", "pirate-lr1e-4"]);
    project.queue(QueueCommand::Earlier(0));
    project.queue(QueueCommand::Remove(7));
    project.queue(QueueCommand::Remove(0));
    assert_eq!(project.names(), ["pirate-lr1e-4"]);
    project.send(Command::Train(TrainCommand::Smooth(true)));
    assert!(project.state.queue.entries[0].smooth);
}

#[test]
fn a_queue_that_cannot_be_read_is_told_and_left_alone() {
    let mut project = Project::new();
    let path = project.folder.path().join("runs/queue.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "runs = 7").unwrap();
    project.queue(QueueCommand::Add);
    project.audited();
    let problem = &project.state.problems.list.last().expect("a problem").message;
    assert!(problem.contains("queue.toml"), "{problem}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "runs = 7");
}

#[test]
fn a_value_that_no_recipe_takes_is_named() {
    let mut project = Project::new();
    for (form, word) in [("1e-4, fast", "fast"), ("7", "optim.lr")] {
        let form = SweepForm {
            rates: form.into(),
            ..SweepForm::default()
        };
        project.queue(QueueCommand::Sweep(form));
        assert!(project.queue(QueueCommand::AddSweep).is_empty());
        let problem = &project.state.problems.list.last().expect("a problem").message;
        assert!(problem.contains(word), "{problem}");
    }
    assert!(project.names().is_empty() && !project.state.run.is_active());
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
