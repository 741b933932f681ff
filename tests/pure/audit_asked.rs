//! The audit as the window uses it: asked before training, its rows stepped through, its fixes applied.
use std::sync::Arc;

use burnish::audit::{AuditSummary, Finding, FindingKind, Fix, RowRef, Severity};
use burnish::protocol::{Control, Event, Job};
use burnish::session::audit::{self, AuditCommand, Intent};
use burnish::session::{
    Command, DataCommand, Effect, Outcome, Room, RunPhase, Slot, State, TrainCommand, absorb, apply,
};
use burnish::template::Mode;

use super::room_kit::{row, set};

/// Ten rows of a file in which row 3 is broken, and a model.
fn state() -> State {
    let mut state = State::default();
    state.model.selected = Some("some/model".into());
    state.recipe.recipe.model.path = "some/model".into();
    state.recipe.recipe.data.files = vec!["rows.jsonl".into()];
    let kept = (0..10)
        .filter(|i| *i != 3)
        .map(|i| row(i, format!("Question {i}?"), "Yes."));
    state.data.set = Some(Arc::new(set(10, kept)));
    burnish::session::preview::row_changed(&mut state);
    state
}

fn finding(kind: FindingKind, severity: Severity, rows: &[usize], fix: Option<Fix>) -> Finding {
    Finding {
        kind,
        severity,
        count: rows.len(),
        rows: rows.iter().map(|row| RowRef { file: 0, row: *row }).collect(),
        message: format!("{} rows.", rows.len()),
        fix,
    }
}

fn audited(effects: &[Effect]) -> Option<u64> {
    effects.iter().find_map(|effect| match effect {
        Effect::Job {
            slot: Slot::Audit,
            id,
            job: Job::Audit { recipe },
        } => {
            assert_eq!(recipe.model.path, "some/model");
            Some(*id)
        }
        _ => None,
    })
}

fn starts(effects: &[Effect]) -> bool {
    effects.iter().any(|e| matches!(e, Effect::StartRun { .. }))
}

fn send(state: &mut State, command: AuditCommand) -> Vec<Effect> {
    apply(state, Command::Audit(command))
}

fn happens(state: &mut State, id: u64, event: Event) -> Vec<Effect> {
    let slot = Slot::Audit;
    absorb(state, Outcome::Worker { slot, id, event })
}

/// Answers the audit `id` with findings.
fn answer(state: &mut State, id: u64, findings: Vec<Finding>) -> Vec<Effect> {
    for finding in findings {
        happens(state, id, Event::Finding(finding));
    }
    let summary = AuditSummary::default();
    let effects = happens(
        state,
        id,
        Event::Audited {
            summary: Box::new(summary),
        },
    );
    happens(state, id, Event::Done);
    effects
}

#[test]
fn training_looks_through_the_data_first_and_starts_when_nothing_is_serious() {
    let mut state = state();
    let effects = apply(&mut state, Command::Train(TrainCommand::Start));
    let id = audited(&effects).expect("an audit");
    assert!(!starts(&effects));
    assert_eq!(state.nav.room, Room::Train);
    let note = finding(FindingKind::Padding, Severity::Note, &[1], None);
    assert!(starts(&answer(&mut state, id, vec![note])));
    assert_eq!(state.run.phase, RunPhase::Preparing);
    state.run = Default::default();
    let effects = apply(&mut state, Command::Train(TrainCommand::Start));
    assert!(starts(&effects), "it is known already: {effects:?}");
}

#[test]
fn something_serious_is_asked_about() {
    let mut state = state();
    let effects = apply(&mut state, Command::Train(TrainCommand::Start));
    let id = audited(&effects).unwrap();
    let serious = finding(FindingKind::NothingLearned, Severity::Serious, &[4], None);
    assert!(!starts(&answer(&mut state, id, vec![serious])));
    assert_eq!(state.audit.asking, Some(Intent::Train));
    send(&mut state, AuditCommand::Look);
    assert_eq!(
        (state.nav.room, state.audit.asking, state.audit.open),
        (Room::Template, None, true)
    );
    apply(&mut state, Command::Train(TrainCommand::Start));
    assert_eq!(state.audit.asking, Some(Intent::Train), "still serious");
    assert!(starts(&send(&mut state, AuditCommand::Anyway)));
}

#[test]
fn a_changed_setting_makes_the_report_old() {
    let mut state = state();
    let id = audited(&send(&mut state, AuditCommand::Run)).unwrap();
    answer(&mut state, id, vec![]);
    assert!(audit::fresh(&state).is_some());
    state.recipe.recipe.data.mode = Mode::All;
    assert!(audit::fresh(&state).is_none());
    let effects = apply(&mut state, Command::Train(TrainCommand::Start));
    assert!(audited(&effects).is_some(), "looked through again");
    assert!(audited(&send(&mut state, AuditCommand::Run)).is_none(), "one at a time");
}

#[test]
fn rows_of_a_finding_are_stepped_through() {
    let mut state = state();
    let id = audited(&send(&mut state, AuditCommand::Run)).unwrap();
    let findings = vec![
        finding(FindingKind::TooLong, Severity::Warning, &[2, 5, 9], None),
        finding(FindingKind::Broken, Severity::Warning, &[3], None),
        finding(FindingKind::Duplicates, Severity::Note, &[7], None),
    ];
    answer(&mut state, id, findings);
    send(&mut state, AuditCommand::ShowRows(0));
    // Row 3 is broken, so rows 5 and 9 are conversations 4 and 8.
    assert_eq!((state.data.selected, state.nav.room), (2, Room::Template));
    let step = |state: &mut State, by| {
        apply(state, Command::Data(DataCommand::Step(by)));
        state.data.selected
    };
    assert_eq!(step(&mut state, 1), 4);
    assert_eq!(step(&mut state, 1), 8);
    assert_eq!(step(&mut state, 1), 8, "the last one");
    assert_eq!(step(&mut state, -1), 4);
    assert_eq!(step(&mut state, -1), 2);
    assert_eq!(step(&mut state, -1), 2, "the first one");
    send(&mut state, AuditCommand::AllRows);
    assert_eq!(step(&mut state, 1), 3);
    send(&mut state, AuditCommand::NextProblem);
    assert_eq!(state.data.selected, 4);
    send(&mut state, AuditCommand::ShowRows(1));
    assert_eq!(state.nav.room, Room::Data, "a broken row has no conversation to show");
    assert!(state.data.show_problems);
    for _ in 0..3 {
        send(&mut state, AuditCommand::NextProblem);
    }
    assert_eq!(
        state.data.selected, 4,
        "8, then around to 2, then 4: notes are no problems"
    );
}

#[test]
fn a_fix_changes_the_recipe_and_audits_again() {
    let mut state = state();
    let id = audited(&send(&mut state, AuditCommand::Run)).unwrap();
    let findings = vec![
        finding(
            FindingKind::TooLong,
            Severity::Warning,
            &[2],
            Some(Fix::SetMaxLength(1024)),
        ),
        finding(
            FindingKind::OthersLearned,
            Severity::Serious,
            &[2],
            Some(Fix::SetMode(Mode::Last)),
        ),
        finding(
            FindingKind::UntrainedTokens,
            Severity::Serious,
            &[2],
            Some(Fix::TrainMarkers),
        ),
    ];
    answer(&mut state, id, findings.clone());
    for (index, done) in [0, 1, 2].into_iter().zip([1024, 1024, 1024]) {
        let effects = send(&mut state, AuditCommand::Fix(index));
        assert_eq!(state.recipe.recipe.data.max_length, done);
        let id = audited(&effects).expect("again");
        answer(&mut state, id, findings.clone());
    }
    assert_eq!(state.recipe.recipe.data.mode, Mode::Last);
    assert_eq!(state.recipe.recipe.method.train_markers, "on");
}

#[test]
fn a_stopped_audit_starts_nothing_and_a_failed_one_lets_the_run_say_why() {
    let mut state = state();
    let id = audited(&apply(&mut state, Command::Train(TrainCommand::Start))).unwrap();
    let effects = send(&mut state, AuditCommand::Stop);
    let stop = |e: &Effect| {
        matches!(
            e,
            Effect::Control {
                slot: Slot::Audit,
                control: Control::Stop
            }
        )
    };
    assert!(effects.iter().any(stop));
    let message = "Stopped.".to_owned();
    assert!(!starts(&happens(&mut state, id, Event::Failed { message })));
    assert!(state.problems.list.is_empty(), "the user knows");

    let id = audited(&apply(&mut state, Command::Train(TrainCommand::Start))).unwrap();
    let message = "The tokenizer is missing.".to_owned();
    assert!(starts(&happens(&mut state, id, Event::Failed { message })));
    assert!(state.problems.list[0].message.contains("tokenizer"));
}
