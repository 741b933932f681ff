//! The Chat room: sending, streaming into two columns, stopping, editing, failures with a way on.

use burnish::protocol::{Ending, Event, Job, Reading, StopReason, TopToken};
use burnish::session::chats::{self, ChatCommand, RunChoice, examples};
use burnish::session::{Command, Effect, Slot, State};
use burnish::ui::chat_room::chat_room_ui;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;

use crate::stage::{Stage, with_starter};

const SIZE: [f32; 2] = [1180.0, 720.0];

fn stage(state: State) -> Stage {
    Stage::new(chat_room_ui, state, SIZE, true)
}

fn tuned() -> State {
    let mut state = with_starter();
    state.chats.adapter = Some("runs/2026-11-21-143012-pirate/final".into());
    state
}

fn event(stage: &mut Stage, event: Event) {
    let state = stage.state();
    let id = state.chats.flight.as_ref().expect("a job runs").job;
    let effects = chats::on_event(state, id, event);
    stage.harness.state_mut().effects.extend(effects);
    stage.settle();
}

fn stream(stage: &mut Stage, text: &str) {
    for word in text.split_inclusive(' ') {
        event(
            stage,
            Event::Token {
                id: 9,
                text: word.into(),
                probability: None,
                alternatives: vec![],
            },
        );
    }
}

fn end(stage: &mut Stage, text: &str, tokens: usize, stop: StopReason) {
    event(
        stage,
        Event::Generated {
            prompt_ids: vec![1],
            ids: vec![9; tokens],
            text: text.into(),
            stop,
            tokens_per_second: 86.4,
            first_token_seconds: 0.25,
            ended: None,
            reading: Reading::default(),
            top: Vec::new(),
        },
    );
}

fn jobs(effects: &[Effect]) -> usize {
    let is_job = |e: &&Effect| {
        matches!(
            e,
            Effect::Job {
                slot: Slot::Chat,
                job: Job::Generate { .. },
                ..
            }
        )
    };
    effects.iter().filter(is_job).count()
}

const RAMBLE: &str = "What is the capital of Spain? What is the capital of Italy? What is the capital of Norway? What is the colour of snow? What is the opposite of hot?";

#[test]
fn without_a_model_the_room_says_what_to_do() {
    let mut stage = stage(State::default());
    stage.snapshot("chat_no_model");
    stage.click("Pick a model");
    assert_eq!(stage.state().nav.room, burnish::session::Room::Model);
}

#[test]
fn an_example_question_is_asked_by_one_click() {
    let mut stage = stage(tuned());
    let question = examples(stage.state())
        .first()
        .cloned()
        .expect("the starter has examples");
    assert!(question.ends_with('?'), "{question}");
    stage.snapshot("chat_empty");
    stage.click(&question);
    assert_eq!(jobs(&stage.effects()), 1);
    assert!(stage.shows("Waits for the answer beside it"));
}

#[test]
fn enter_sends_and_both_columns_stream_in_turn() {
    let mut stage = stage(tuned());
    stage.type_into("Message", "What is the capital of France?");
    assert_eq!(
        stage.state().chats.current().expect("chat").draft,
        "What is the capital of France?"
    );
    stage.harness.key_press(Key::Enter);
    stage.settle();
    assert_eq!(jobs(&stage.effects()), 1);
    assert_eq!(
        stage.state().chats.current().expect("chat").draft,
        "",
        "the composer is empty again"
    );
    event(
        &mut stage,
        Event::Stage {
            stage: "Loading the model".into(),
            done: 2,
            total: 4,
        },
    );
    assert!(stage.shows("Loading the model, 50 %"));
    stream(&mut stage, RAMBLE);
    stage.snapshot("chat_streaming");
    end(&mut stage, RAMBLE, 256, StopReason::Length);
    assert_eq!(jobs(&stage.effects()), 1, "now the tuned model");
    stream(&mut stage, "Arr, the capital of France");
    end(
        &mut stage,
        "Arr, the capital of France be Paris, matey.",
        12,
        StopReason::EndOfTurn,
    );
    assert!(stage.shows("Did not stop: reached the limit"));
    assert!(stage.shows("Ended its turn"));
    assert!(stage.shows("12 tokens, 86 tokens/s"));
    stage.snapshot("chat_side_by_side");
}

#[test]
fn shift_enter_breaks_the_line() {
    let mut stage = stage(tuned());
    stage.type_into("Message", "one");
    stage.harness.key_press_modifiers(Modifiers::SHIFT, Key::Enter);
    stage.settle();
    stage.harness.get_by_label("Message").type_text("two");
    stage.settle();
    assert_eq!(stage.state().chats.current().expect("chat").draft, "one\ntwo");
    assert_eq!(jobs(&stage.effects()), 0);
}

#[test]
fn stop_is_a_button_while_an_answer_comes() {
    let mut stage = stage(with_starter());
    stage.send(Command::Chat(ChatCommand::Ask("Go on".into())));
    stream(&mut stage, "and on ");
    stage.effects();
    stage.click("Stop");
    assert!(matches!(stage.effects()[..], [Effect::Control { .. }]));
    end(&mut stage, "and on", 2, StopReason::Cancelled);
    assert!(stage.shows("Stopped by you"));
}

#[test]
fn a_message_is_edited_in_place_and_the_old_version_stays() {
    let mut stage = stage(with_starter());
    stage.send(Command::Chat(ChatCommand::Ask("Frist".into())));
    end(&mut stage, "Answer.", 2, StopReason::EndOfTurn);
    stage.click("Edit message");
    stage.type_into("Edited message", "!");
    stage.click("Send as new branch");
    end(&mut stage, "Better answer.", 3, StopReason::EndOfTurn);
    assert!(stage.shows("2 of 2"));
    assert!(stage.shows("Better answer."));
    stage.snapshot("chat_versions");
    stage.click("Previous version");
    assert!(stage.shows("Answer.") && !stage.shows("Better answer."));
}

#[test]
fn a_failure_stands_in_its_bubble_with_a_way_on() {
    let mut stage = stage(tuned());
    stage.send(Command::Chat(ChatCommand::Ask("What is 2 + 2?".into())));
    let message =
        "The worker ran out of memory while loading Starter. Close other programs, or choose a smaller model.";
    event(
        &mut stage,
        Event::Failed {
            message: message.into(),
        },
    );
    end(&mut stage, "2 + 2 is 4.", 7, StopReason::EndOfTurn);
    assert!(stage.shows("ran out of memory"));
    stage.snapshot("chat_failed");
    stage.effects();
    stage.click("Try again");
    assert_eq!(jobs(&stage.effects()), 1);
}

#[test]
fn settings_hold_system_prompt_and_sampling() {
    let mut state = with_starter();
    state.chats.show_settings = true;
    let mut stage = Stage::new(chat_room_ui, state, [1000.0, 640.0], false);
    stage.send(Command::Chat(ChatCommand::New));
    stage.type_into("System prompt text", "Answer in JSON.");
    let chat = stage.state().chats.current().expect("chat").clone();
    assert_eq!(chat.system, "Answer in JSON.");
    stage.send(Command::Chat(ChatCommand::Ask("What is the colour of grass?".into())));
    end(&mut stage, "{\"answer\": \"green\"}", 8, StopReason::EndOfTurn);
    stage.snapshot("chat_settings_light");
}

#[test]
fn a_deleted_chat_comes_back_by_undo() {
    let mut stage = stage(with_starter());
    stage.send(Command::Chat(ChatCommand::Ask("Keep me".into())));
    end(&mut stage, "Kept.", 1, StopReason::EndOfTurn);
    stage.click("Delete Keep me");
    assert!(stage.state().chats.chats.is_empty());
    stage.click("Undo");
    assert!(stage.shows("Chat: Keep me"));
}

/// An answer of three tokens with alternatives.
fn answer_with_alternatives(stage: &mut Stage) {
    for (id, text, others) in [
        (11, "Paris", [" Lyon", "The"]),
        (12, " is", [",", "\n"]),
        (13, " it.", [" big", "!"]),
    ] {
        let top = |id: u32, text: &str, probability: f32| TopToken {
            id,
            text: text.into(),
            logit: probability.ln(),
            probability,
        };
        let alternatives = vec![
            top(id, text, 0.712),
            top(90, others[0], 0.2),
            top(91, others[1], 0.0001),
        ];
        event(
            stage,
            Event::Token {
                id,
                text: text.into(),
                probability: Some(0.712),
                alternatives,
            },
        );
    }
    end(stage, "Paris is it.", 3, StopReason::EndOfTurn);
}

#[test]
fn a_click_on_a_token_shows_its_probability_and_the_alternatives() {
    let mut stage = stage(with_starter());
    stage.send(Command::Chat(ChatCommand::Ask("What is the capital of France?".into())));
    answer_with_alternatives(&mut stage);
    assert!(stage.shows("3 tokens, 86 tokens/s, first after 0.25 s"));
    let rect = stage.harness.get_by_label("Paris is it.").rect();
    let at = egui::pos2(rect.left() + 38.0, rect.center().y);
    stage.harness.hover_at(at);
    stage.harness.drag_at(at);
    stage.harness.drop_at(at);
    stage.settle();
    assert!(stage.shows("Token 2 of 3: \" is\"  71.2 %"));
    assert!(stage.shows("Alternative 1: \" is\" 71.2 %, chosen"));
    assert!(stage.shows("Alternative 3: \"\\n\" <0.1 %"));
    stage.snapshot("chat_token");
}

#[test]
fn tokens_are_reached_by_keyboard() {
    let mut stage = Stage::new(chat_room_ui, tuned(), [1000.0, 640.0], false);
    stage.send(Command::Chat(ChatCommand::Ask("What is the capital of France?".into())));
    answer_with_alternatives(&mut stage);
    end(&mut stage, "Arr, Paris.", 4, StopReason::EndOfTurn);
    stage.harness.get_by_label("Look at tokens").focus();
    stage.settle();
    stage.harness.key_press(Key::Enter);
    stage.settle();
    assert!(stage.shows("Token 1 of 3: \"Paris\""));
    for (key, expected) in [
        (Key::ArrowRight, "Token 2 of 3:"),
        (Key::ArrowRight, "Token 3 of 3:"),
        (Key::ArrowRight, "Token 3 of 3:"),
        (Key::ArrowLeft, "Token 2 of 3:"),
    ] {
        stage.harness.key_press(key);
        stage.settle();
        assert!(stage.shows(expected), "{expected}");
    }
    stage.snapshot("chat_token_small_light");
    stage.click("Next token");
    assert!(stage.shows("Token 3 of 3:"));
    stage.harness.key_press(Key::Escape);
    stage.settle();
    assert!(!stage.shows("Token 3 of 3:"));
}

#[test]
fn an_answer_says_what_ended_it_and_what_was_left_out() {
    let mut stage = stage(with_starter());
    stage.send(Command::Chat(ChatCommand::Ask("Once upon a time".into())));
    event(
        &mut stage,
        Event::Generated {
            prompt_ids: vec![1; 400],
            ids: vec![9; 5],
            text: "there was a king.".into(),
            stop: StopReason::EndOfTurn,
            tokens_per_second: 86.4,
            first_token_seconds: 0.25,
            ended: Some(Ending::Document {
                text: "<|endoftext|>".into(),
            }),
            reading: Reading {
                prompt_tokens: 400,
                reused_tokens: 30,
                context: 512,
                dropped_turns: 1,
                dropped_messages: 2,
            },
            top: Vec::new(),
        },
    );
    assert!(stage.shows("Ended the text (<|endoftext|>), not its turn"));
    assert!(stage.shows("The oldest turn was left out: the model holds at most 512 tokens."));
    stage.snapshot("chat_left_out");
}

#[test]
fn an_adapter_is_chosen_from_the_runs_of_the_project() {
    let mut state = with_starter();
    let run = |name: &str, when: &str, loss, eval_loss| RunChoice {
        path: format!("runs/{name}/final").into(),
        name: name.into(),
        when: when.into(),
        loss,
        eval_loss,
        base: Some("starter".into()),
    };
    state.chats.runs = vec![
        run("pirate-2", "2026-11-21 14:30", Some(0.412), Some(0.398)),
        run("polite", "2026-11-20 09:00", Some(1.2), None),
    ];
    let mut stage = Stage::new(chat_room_ui, state, [1000.0, 640.0], true);
    stage.click("Choose adapter");
    let looked = stage.effects();
    assert!(
        matches!(&looked[..], [Effect::Chats(chats::ChatsEffect::ListRuns { .. })]),
        "{looked:?}"
    );
    stage.snapshot("chat_adapters");
    stage.click("Run pirate-2: 2026-11-21 14:30, loss 0.412, held-out 0.398");
    assert_eq!(stage.state().chats.adapter, Some("runs/pirate-2/final".into()));
    assert!(stage.shows("Tuned"));
}

#[test]
fn stop_texts_are_typed_one_a_line() {
    let mut state = with_starter();
    state.chats.show_settings = true;
    let mut stage = Stage::new(chat_room_ui, state, [1000.0, 720.0], true);
    stage.send(Command::Chat(ChatCommand::New));
    stage.click("Add stop text");
    stage.type_into("Stop text 1", "\\nUser:");
    let stops = |stage: &mut Stage| stage.state().chats.current().expect("chat").sampling.stop.clone();
    assert_eq!(stops(&mut stage), ["\nUser:"]);
    stage.snapshot("chat_stop_texts");
    stage.click("Remove stop text 1");
    assert!(stops(&mut stage).is_empty());
}

#[test]
fn markdown_streams_without_jumps() {
    let mut stage = stage(with_starter());
    stage.send(Command::Chat(ChatCommand::Ask("How do I boil an egg?".into())));
    stream(&mut stage, "# Eggs\n\n1. **Boil** water\n2. Wait\n\n```sh\nsleep 300\n");
    assert!(stage.shows("Eggs") && !stage.shows("# Eggs"));
    assert!(stage.shows("Copy code"));
    stage.snapshot("chat_markdown_streaming");
}
