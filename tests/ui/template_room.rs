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

pub const SIZE: [f32; 2] = [1180.0, 720.0];

/// The starter with its tokenizer, and some rows.
pub fn state(rows: Vec<Vec<Message>>) -> State {
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
        more: Vec::new(),
        schema: Schema::Messages,
        rows_read: rows.len(),
        conversations: rows.into_iter().enumerate().map(conversation).collect(),
        problems: Vec::new(),
        sha256: String::new(),
    }
}

pub fn pirate() -> Vec<Vec<Message>> {
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
