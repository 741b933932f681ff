//! The Template room: three panes in step, live while typing, errors at their line, rows stepped by the keyboard.

use std::sync::Arc;
use std::time::Instant;

use burnish::data::{Conversation, DataSet, Kind, Message, Role, Schema, Source, Split};
use burnish::session::preview::{self, PreviewOutcome, TemplateCommand};
use burnish::session::{Command, Effect, State};
use burnish::template::Mode;
use burnish::tokens::Tokenizer;
use burnish::ui::template_room::{ChipLayout, Place, template_room_ui, visible};
use egui::Key;
use egui_kittest::kittest::Queryable;

use crate::stage::{Stage, with_starter};

const SIZE: [f32; 2] = [1180.0, 720.0];

/// The starter with its tokenizer, and some rows.
fn state(rows: Vec<Vec<Message>>) -> State {
    let mut state = with_starter();
    let folder = burnish::formats::places::model_dir("starter");
    let tokenizer = Tokenizer::load(&folder).expect("the starter's tokenizer");
    if !rows.is_empty() {
        state.data.set = Some(Arc::new(data(rows)));
    }
    preview::model_changed(&mut state);
    let outcome = PreviewOutcome::Tokenizer {
        model: "starter".into(),
        result: Ok(Arc::new(tokenizer)),
    };
    preview::absorb(&mut state, outcome);
    state
}

fn data(rows: Vec<Vec<Message>>) -> DataSet {
    let file = Arc::new(std::path::PathBuf::from("rows.jsonl"));
    let conversation = |(row, messages): (usize, Vec<Message>)| Conversation {
        messages,
        tools: None,
        documents: None,
        kind: Kind::Chat,
        source: Source {
            file: file.clone(),
            line: row + 1,
            row,
        },
        split: Split::Train,
    };
    DataSet {
        path: "rows.jsonl".into(),
        schema: Schema::Messages,
        rows_read: rows.len(),
        conversations: rows.into_iter().enumerate().map(conversation).collect(),
        problems: Vec::new(),
        sha256: String::new(),
    }
}

fn pirate() -> Vec<Vec<Message>> {
    vec![
        vec![
            Message::new(Role::System, "You are a pirate. Answer in one sentence."),
            Message::new(Role::User, "What is the capital of France?"),
            Message::new(Role::Assistant, "Arr, the capital of France be Paris, matey!"),
            Message::new(Role::User, "And which colour has the sky?"),
            Message::new(Role::Assistant, "Blue as the seven seas.\nArr!"),
        ],
        vec![
            Message::new(Role::User, "Was heißt 天空 auf Deutsch? 😀"),
            Message::new(Role::Assistant, "Himmel\t(der)"),
        ],
    ]
}

fn long() -> Vec<Vec<Message>> {
    let turns = (0..60).flat_map(|i| {
        [
            Message::new(Role::User, format!("What is {i} plus one, and why is the sky blue?")),
            Message::new(Role::Assistant, "The sky is blue and grass is green. ".repeat(3)),
        ]
    });
    vec![turns.collect()]
}

#[test]
fn three_panes_show_what_is_learned() {
    let mut stage = Stage::new(template_room_ui, state(pirate()), SIZE, true);
    let shown = stage.state().preview.shown.clone().expect("a row is shown");
    let count = format!("{} of {} tokens learned", shown.learned, shown.pieces.len());
    assert!(stage.shows(&count), "{count}");
    assert!(stage.shows("Token 1: 1 \"<|im_start|>\", context"));
    assert!(stage.shows("\"<|im_end|>\", learned"));
    assert!(stage.shows("The model has no template of its own: ChatML is used."));
    stage.snapshot("template_room");
}

#[test]
fn light_theme_and_a_small_window() {
    let mut stage = Stage::new(template_room_ui, state(pirate()), [920.0, 560.0], false);
    stage.send(Command::Template(TemplateCommand::UseBuiltin("llama3".into())));
    assert!(stage.shows("This model has no token for <|eot_id|>"));
    stage.snapshot("template_room_light_small");
}

#[test]
fn other_scripts_and_white_space_are_seen() {
    let mut stage = Stage::new(template_room_ui, state(pirate()), SIZE, true);
    stage.harness.key_press(Key::ArrowRight);
    stage.settle();
    assert_eq!(stage.state().data.selected, 1);
    assert!(stage.shows("of 2"));
    stage.snapshot("template_room_scripts");
    stage.click("Previous row");
    assert_eq!(stage.state().data.selected, 0);
}

#[test]
fn an_example_stands_in_while_there_is_no_data_and_no_model() {
    let mut stage = Stage::new(template_room_ui, State::default(), SIZE, true);
    assert!(stage.shows("Example row"));
    assert!(stage.shows("Pick a model to see tokens"));
    stage.snapshot("template_room_empty");
    stage.click("Pick a model");
    assert_eq!(stage.state().nav.room, burnish::session::Room::Model);
}

#[test]
fn modes_change_what_is_learned() {
    let mut stage = Stage::new(template_room_ui, state(pirate()), SIZE, true);
    let before = stage.state().preview.shown.as_ref().map(|s| s.learned);
    stage.click("Last turn");
    assert_eq!(stage.state().recipe.recipe.data.mode, Mode::Last);
    assert!(stage.state().preview.shown.as_ref().map(|s| s.learned) < before);
    let unmarked = "{% for m in messages %}{{ m.content }}{% endfor %}";
    stage.send(Command::Template(TemplateCommand::Edit(unmarked.into())));
    stage.click("Template's own");
    assert!(stage.shows("marks no {% generation %} blocks"));
}

#[test]
fn typing_renders_at_once_and_an_error_stands_at_its_line() {
    let mut stage = Stage::new(template_room_ui, state(pirate()), SIZE, true);
    stage.send(Command::Template(TemplateCommand::UseBuiltin("chatml".into())));
    stage.effects();
    stage.type_into("Template source", "XYZ");
    assert!(stage.shows("edited"));
    assert!(stage.state().preview.editor.text.contains("XYZ"));
    let rendered = &stage.state().preview.shown.clone().expect("shown").rendered.text;
    assert!(rendered.contains("XYZ"), "{rendered}");
    assert!(
        stage.effects().iter().any(|e| matches!(e, Effect::Preview(_))),
        "the copy is kept"
    );
    let broken =
        "{% for m in messages %}\n<|im_start|>{{ m.role }}\n{{ m.content | nosuchfilter }}<|im_end|>\n{% endfor %}";
    stage.send(Command::Template(TemplateCommand::Edit(broken.into())));
    assert!(stage.shows("Line 3:"));
    stage.snapshot("template_room_error");
    stage.click("Revert");
    assert!(!stage.shows("Line 3:"));
    assert!(!stage.shows("edited"));
}

#[test]
fn undo_takes_back_what_was_typed() {
    let mut stage = Stage::new(template_room_ui, state(pirate()), SIZE, true);
    let before = stage.state().preview.editor.text.clone();
    stage.type_into("Template source", "XYZ");
    assert_ne!(stage.state().preview.editor.text, before);
    stage.click("Undo");
    assert_eq!(stage.state().preview.editor.text, before);
}

#[test]
fn the_pointer_on_a_token_lights_up_the_other_panes_and_says_why() {
    let mut stage = Stage::new(template_room_ui, state(pirate()), SIZE, true);
    let shown = stage.state().preview.shown.clone().expect("shown");
    let index = shown
        .pieces
        .iter()
        .position(|p| p.supervised)
        .expect("something is learned");
    let label = format!("Token {}: ", index + 1);
    stage.harness.get_by_label_contains(&label).hover();
    stage.harness.run_steps(30);
    assert!(stage.shows("Learned: the assistant says it."));
    assert!(stage.shows(&format!(
        "{} of {}, id {}",
        index + 1,
        shown.pieces.len(),
        shown.pieces[index].id
    )));
    stage.harness.snapshot("template_room_hover");
}

#[test]
fn two_thousand_tokens_draw_only_what_is_visible() {
    let mut stage = Stage::new(template_room_ui, state(long()), SIZE, true);
    let tokens = stage.state().preview.shown.as_ref().map_or(0, |s| s.pieces.len());
    assert!(tokens > 2000, "{tokens}");
    let chips = stage.harness.query_all_by_label_contains("Token ").count();
    assert!(chips < 400, "only visible chips are drawn, not {chips}");
    let begin = Instant::now();
    stage.harness.run_steps(20);
    let frame = begin.elapsed().as_secs_f64() * 1000.0 / 20.0;
    println!("{tokens} tokens, {frame:.2} ms a frame");
    // A loose bound against work that grows with the whole; speed itself is measured in benchmarks.
    assert!(frame < 1000.0, "{frame} ms a frame");
    stage.snapshot("template_room_long");
}

#[test]
fn invisible_characters_are_shown_as_marks() {
    let seen = |text: &str| -> String { visible(text).into_iter().map(|p| p.text).collect() };
    assert_eq!(seen(" a\tb\n"), "\u{B7}a\u{2192}b\u{21B5}");
    assert_eq!(seen("x\u{200B}\u{7}"), "x\\u200B\\u7");
    assert_eq!(visible("a b").iter().filter(|p| p.mark).count(), 1);
    assert!(seen(&"y".repeat(100)).chars().count() <= 41);
}

#[test]
fn chips_wrap_at_the_width_and_after_a_newline() {
    let chip = |width: f32, breaks: bool| Place { width, breaks };
    let chips = [
        chip(40.0, false),
        chip(40.0, true),
        chip(40.0, false),
        chip(50.0, false),
        chip(500.0, false),
    ];
    let layout = ChipLayout::new(chips, 100.0);
    let tops: Vec<f32> = (0..5).filter_map(|i| layout.rect(i)).map(|r| r.top()).collect();
    assert_eq!(tops[0], tops[1]);
    assert!(tops[2] > tops[1], "a newline ends the row");
    assert_eq!(tops[2], tops[3]);
    assert!(tops[4] > tops[3], "no room beside it");
    assert_eq!(layout.rect(4).map(|r| r.width()), Some(100.0), "cut to the width");
    assert_eq!(layout.visible(tops[2] + 1.0, tops[2] + 2.0), 2..4);
    assert_eq!(layout.visible(0.0, layout.height()), 0..5);
    assert_eq!(ChipLayout::new([], 100.0).visible(0.0, 50.0), 0..0);
}

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
    happens(Event::Audited { summary });
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
