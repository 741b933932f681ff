//! What the Template room offers beside its panes: messages to try, the prompt of chat, search, comparison, the lesson, the audit.

use burnish::data::Role;
use burnish::session::preview::TemplateCommand;
use burnish::session::{Command, Effect};
use burnish::ui::template_room::template_room_ui;
use egui_kittest::kittest::Queryable;

use crate::stage::Stage;
use crate::template_room::{SIZE, pirate, state};

#[test]
fn messages_are_tried_in_place() {
    let mut stage = Stage::new(template_room_ui, state(pirate()), SIZE, true);
    stage.click("Messages");
    stage.type_into("Message 3 (assistant)", "Ho! ");
    let shown = stage.state().preview.shown.clone().expect("shown");
    assert!(shown.rendered.text.contains("Ho! "), "{}", shown.rendered.text);
    assert!(stage.shows("tried"));
    stage.snapshot("template_room_messages");
    stage.click("Back to the row");
    assert!(stage.shows("Change a message to see what would be learned."));
    stage.click("Flags");
    stage.click("Learn message 2");
    let learned = |stage: &mut Stage| stage.state().preview.shown.as_ref().map_or(0, |s| s.learned);
    let with = learned(&mut stage);
    stage.click("Learn message 2");
    assert!(learned(&mut stage) < with, "the question was learned too");
}

#[test]
fn the_prompt_of_chat_is_shown_with_where_it_parts() {
    let mut stage = Stage::new(template_room_ui, state(pirate()), SIZE, true);
    stage.click("Prompt");
    assert!(stage.shows("Chat sends exactly what stands before this answer in training"));
    let thinking = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
                    {% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}";
    stage.send(Command::Template(TemplateCommand::Edit(thinking.into())));
    assert!(stage.shows("They part at byte"));
    assert!(stage.shows("with other words than it was trained after"));
    stage.snapshot("template_room_prompt");
}

#[test]
fn tokens_are_found_and_templates_compared() {
    let mut stage = Stage::new(template_room_ui, state(pirate()), SIZE, false);
    stage.type_into("Find tokens", "arr");
    assert!(stage.shows("1 of 2"));
    stage.click("Next match");
    assert!(stage.shows("2 of 2"));
    assert!(!stage.shows("Show the difference"), "nothing was changed");
    stage.type_into("Template source", "{# mine #}");
    stage.click("Show the difference");
    assert!(stage.shows("Against what it was: 1 line added, 0 removed."));
    stage.snapshot("template_room_difference");
}

/// A lesson with made-up numbers for the shown row: every tenth token is hard.
fn lesson(stage: &mut Stage) -> burnish::protocol::Lesson {
    use burnish::protocol::{Lesson, LessonStep, OwnToken, TokenLesson, TopToken};
    let shown = stage.state().preview.shown.clone().expect("shown");
    let likely = |id: u32, text: &str, probability: f32| TopToken {
        id,
        text: text.into(),
        logit: 0.0,
        probability,
    };
    let nll = |i: usize| {
        if i.is_multiple_of(10) {
            5.2
        } else {
            0.1 * (i % 10) as f32
        }
    };
    let token = |i: usize| TokenLesson {
        nll: nll(i),
        likely: vec![
            likely(2249, "You", 0.4),
            likely(shown.pieces[i].id, &shown.pieces[i].text, (-nll(i)).exp()),
        ],
    };
    let first = shown.pieces.iter().position(|p| p.supervised).expect("learned");
    let own = |i: usize| OwnToken {
        id: shown.pieces[first + i].id,
        text: shown.pieces[first + i].text.clone(),
        probability: Some(0.5),
    };
    let other = OwnToken {
        id: 1,
        text: " Lyon".into(),
        probability: Some(0.3),
    };
    Lesson {
        tokens: (0..shown.pieces.len()).map(|i| (i > 0).then(|| token(i))).collect(),
        own: vec![own(0), own(1), own(2), other],
        step: Some(LessonStep {
            lr: 2e-4,
            grad_norm: 1.25,
            trainable: 82_944,
            before: 1.2,
            after: 1.1,
            nll: (0..shown.pieces.len()).map(|i| (i > 0).then(|| nll(i) * 0.9)).collect(),
        }),
    }
}

#[test]
fn a_row_is_read_by_the_model_and_each_token_explained() {
    use burnish::protocol::{Event, Job};
    use burnish::session::{Outcome, Slot};
    let mut stage = Stage::new(template_room_ui, state(pirate()), [1280.0, 900.0], true);
    stage.click("See what the model makes of it");
    let id = stage.effects().into_iter().find_map(|e| match e {
        Effect::Job {
            slot: Slot::Chat,
            id,
            job: Job::Lesson { .. },
        } => Some(id),
        _ => None,
    });
    let id = id.expect("the chat worker is asked");
    for event in [
        Event::Lesson {
            lesson: lesson(&mut stage),
        },
        Event::Done,
    ] {
        let slot = Slot::Chat;
        burnish::session::absorb(stage.state(), Outcome::Worker { slot, id, event });
    }
    stage.settle();
    assert!(stage.shows("Loss of this row:"));
    assert!(stage.shows("After one step of LoRA on this row alone (82,944 values"));
    assert!(stage.shows("It parts from the row after 3 tokens."));
    let shown = stage.state().preview.shown.clone().expect("shown");
    let index = shown.pieces.iter().position(|p| p.supervised).expect("learned") + 3;
    stage
        .harness
        .get_by_label_contains(&format!("Token {}: ", index + 1))
        .click();
    stage.settle();
    for words in [
        "1. Forward",
        "2. Compare",
        "3. Loss",
        "4. Gradient",
        "5. Update",
        "By the scores it is p - y",
    ] {
        assert!(stage.shows(words), "{words}");
    }
    stage.snapshot("template_room_lesson");
    stage.click("Leave it on its own here");
    let asked = stage
        .effects()
        .into_iter()
        .any(|e| matches!(e, Effect::Job { job: Job::Lesson { own, .. }, .. } if own.from == index));
    assert!(asked, "from that token on");
}

#[test]
fn an_audit_says_what_is_wrong_and_shows_the_rows() {
    use burnish::audit::{
        AuditSummary, Bucket, Finding, FindingKind, Fix, Pace, Padding, RowCounts, RowRef, Severity, TokenCounts,
        TurnEnds,
    };
    use burnish::protocol::{Event, Job};
    use burnish::session::{Outcome, Slot};
    let mut stage = Stage::new(template_room_ui, state(pirate()), [1280.0, 800.0], true);
    assert!(stage.shows("Not looked through yet."));
    let recipe = &mut stage.state().recipe.recipe;
    (recipe.model.path, recipe.data.files) = ("starter".into(), vec!["rows.jsonl".into()]);
    stage.click("Audit 2 rows");
    let id = stage.effects().into_iter().find_map(|e| match e {
        Effect::Job {
            slot: Slot::Audit,
            id,
            job: Job::Audit { .. },
        } => Some(id),
        _ => None,
    });
    let id = id.expect("an audit");
    let mut happens = |event| {
        let slot = Slot::Audit;
        burnish::session::absorb(stage.state(), Outcome::Worker { slot, id, event });
    };
    let finding = |kind, severity, row, message: &str, fix| {
        Event::Finding(Finding {
            kind,
            severity,
            count: 1,
            rows: vec![RowRef { file: 0, row }],
            message: message.into(),
            fix,
        })
    };
    happens(finding(
        FindingKind::EndNotLearned,
        Severity::Serious,
        1,
        "1 row learns an answer but not the token that ends it: the model will not stop.",
        Some(Fix::SetTemplate("chatml".into())),
    ));
    happens(finding(
        FindingKind::TooLong,
        Severity::Warning,
        0,
        "1 row is too long even when cut to its last turn (at most 64 tokens).",
        Some(Fix::SetMaxLength(128)),
    ));
    happens(finding(
        FindingKind::Padding,
        Severity::Note,
        0,
        "Half of the places would be padding.",
        None,
    ));
    let bucket = |up_to, rows| Bucket { up_to, rows };
    let summary = AuditSummary {
        template: "chatml".into(),
        seen: "abc".into(),
        rows: RowCounts {
            read: 2,
            kept: 2,
            ..RowCounts::default()
        },
        tokens: TokenCounts {
            all: 130,
            supervised: 41,
            longest: 91,
            dropped: 0,
            dropped_messages: 0,
        },
        lengths: vec![bucket(32, 0), bucket(64, 1), bucket(96, 1)],
        shares: (1..=10)
            .map(|i| bucket(i * 10, usize::from(i == 3 || i == 4)))
            .collect(),
        padding: Padding {
            unpacked: 0.5,
            packed: 0.1,
            packing: false,
        },
        ends: vec![TurnEnds {
            role: Role::Assistant,
            seen: 3,
            learned: 2,
        }],
        pace: Pace {
            seconds: 0.01,
            rows_per_second: 200.0,
            tokens_per_second: 13_000.0,
            cached: false,
        },
    };
    happens(Event::Audited {
        summary: Box::new(summary),
    });
    happens(Event::Done);
    stage.settle();
    for words in [
        "1 serious finding",
        "1 warning",
        "1 note",
        "the model will not stop",
        "Ends of assistant turns learned",
    ] {
        assert!(stage.shows(words), "{words}");
    }
    stage.snapshot("template_room_audit");
    stage.click("Show 1 row: end not learned");
    assert_eq!(stage.state().data.selected, 1);
    assert!(stage.shows("end not learned: 1 of 1"));
    stage.click("All rows");
    stage.click("Raise the maximum length to 128");
    assert_eq!(stage.state().recipe.recipe.data.max_length, 128);
    assert!(stage.effects().iter().any(|e| matches!(
        e,
        Effect::Job {
            job: Job::Audit { .. },
            ..
        }
    )));
    assert!(stage.shows("Data or settings have changed since."));
}
