//! When the window asks a model for the shown row: once for each row, one job at a time, again when the row changes.

use burnish::protocol::{Control, Event, Job, Lesson, TokenLesson, TopToken};
use burnish::session::lesson::LessonCommand;
use burnish::session::preview::{TemplateCommand, Trial};
use burnish::session::{Command, Effect, Outcome, Slot, State, absorb, apply};

use super::room_kit::ready;
use super::tokens_fixture::tokenizer;

fn send(state: &mut State, command: LessonCommand) -> Vec<Effect> {
    apply(state, Command::Lesson(command))
}

/// The lesson that was asked for: job id, ids, from where on its own, with a step.
fn asked(effects: &[Effect]) -> Option<(u64, usize, usize, bool)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Job {
            slot: Slot::Chat,
            id,
            job: Job::Lesson { row, own, step, .. },
        } => {
            assert_eq!(row.ids.len(), row.mask.len());
            Some((*id, row.ids.len(), own.from, step.is_some()))
        }
        _ => None,
    })
}

fn happens(state: &mut State, id: u64, event: Event) -> Vec<Effect> {
    absorb(
        state,
        Outcome::Worker {
            slot: Slot::Chat,
            id,
            event,
        },
    )
}

/// A lesson over so many tokens.
fn lesson(tokens: usize) -> Event {
    let one = |id: u32| TokenLesson {
        nll: 0.5,
        likely: vec![TopToken {
            id,
            text: "x".into(),
            logit: 1.0,
            probability: 0.6,
        }],
    };
    Event::Lesson {
        lesson: Lesson {
            tokens: (0..tokens).map(|i| (i > 0).then(|| one(i as u32))).collect(),
            own: vec![],
            step: None,
        },
    }
}

#[test]
fn a_row_is_asked_for_once_and_again_when_it_changes() {
    let mut state = ready(tokenizer());
    let shown = state.preview.shown.clone().unwrap();
    let first = shown.pieces.iter().position(|p| p.supervised).unwrap();
    let effects = send(&mut state, LessonCommand::Show(true));
    let (id, tokens, from, step) = asked(&effects).expect("a job");
    assert_eq!((tokens, from, step), (shown.pieces.len(), first, false));
    assert_eq!(
        asked(&send(&mut state, LessonCommand::Select(Some(3)))),
        None,
        "one job at a time"
    );
    happens(&mut state, id, lesson(tokens));
    assert_eq!(asked(&happens(&mut state, id, Event::Done)), None, "it is known now");
    assert!(state.lesson.of(&shown).is_some());

    let tried = TemplateCommand::Try(2, Trial::Text("Four.".into()));
    let effects = apply(&mut state, Command::Template(tried));
    let (_, shorter, ..) = asked(&effects).expect("the row is another one now");
    assert!(shorter < tokens);
    assert_eq!(state.lesson.token, None, "its tokens are others");
    let shown = state.preview.shown.clone().unwrap();
    assert!(
        state.lesson.of(&shown).is_none(),
        "numbers of another row are not shown"
    );
}

#[test]
fn what_changes_while_it_reads_is_asked_for_when_it_is_done() {
    let mut state = ready(tokenizer());
    let (id, tokens, from, _) = asked(&send(&mut state, LessonCommand::Show(true))).unwrap();
    assert!(asked(&send(&mut state, LessonCommand::Step)).is_none());
    happens(&mut state, id, lesson(tokens));
    let (second, _, _, step) = asked(&happens(&mut state, id, Event::Done)).expect("with a step");
    assert!(step && second > id);
    happens(&mut state, second, lesson(tokens));
    happens(&mut state, second, Event::Done);
    let (_, _, own, _) = asked(&send(&mut state, LessonCommand::OwnFrom(from + 1))).expect("from elsewhere");
    assert_eq!(own, from + 1);
}

#[test]
fn a_failure_is_told_and_not_repeated_until_asked() {
    let mut state = ready(tokenizer());
    let (id, ..) = asked(&send(&mut state, LessonCommand::Show(true))).unwrap();
    let message = "The device failed.".to_owned();
    let effects = happens(&mut state, id, Event::Failed { message });
    assert_eq!(asked(&effects), None);
    assert!(state.lesson.failure.as_ref().unwrap().1.contains("device"));
    let (id, ..) = asked(&send(&mut state, LessonCommand::Again)).expect("again");
    let gone = Outcome::WorkerGone {
        slot: Slot::Chat,
        message: "The worker was killed.".into(),
    };
    assert_eq!(asked(&absorb(&mut state, gone)), None);
    assert!(state.lesson.failure.as_ref().unwrap().1.contains("killed"));
    assert!(
        happens(&mut state, id, Event::Done).is_empty(),
        "an old job says nothing more"
    );
}

#[test]
fn hiding_it_stops_the_job() {
    let mut state = ready(tokenizer());
    send(&mut state, LessonCommand::Show(true));
    let effects = send(&mut state, LessonCommand::Show(false));
    let stop = |e: &Effect| {
        matches!(
            e,
            Effect::Control {
                slot: Slot::Chat,
                control: Control::Stop
            }
        )
    };
    assert!(effects.iter().any(stop), "{effects:?}");
}
