//! The Chat room's state machine: routing of events, branches, stopping, what each column's model is asked.

use burnish::protocol::{Control, Ending, Event, Job, Reading, StopReason, TopToken};
use burnish::session::chats::{self, ChatCommand, Column, ReplyStatus};
use burnish::session::{Effect, State};
use std::path::Path;

use super::chats_kit::{adapter, answer, ask, chat, generated, has_job, job, messages, state, texts, token};

#[test]
fn base_answers_first_then_the_tuned_model_with_the_same_prompt() {
    let mut state = state(true);
    let effects = ask(&mut state, "What is the capital of Elbonia?");
    let (first, base) = job(&effects);
    assert_eq!(adapter(base), None);
    let asked = messages(base);
    assert_eq!(asked, [("user", "What is the capital of Elbonia?")]);
    chats::on_event(&mut state, first, token("It "));
    chats::on_event(&mut state, first, token("is"));
    assert_eq!(texts(&state, Column::Base), ["It is"]);
    assert_eq!(texts(&state, Column::Tuned), [""]);

    let effects = chats::on_event(&mut state, first, generated("It is X.", StopReason::Length));
    let (second, tuned) = job(&effects);
    assert_ne!(first, second);
    assert_eq!(adapter(tuned), Some(Path::new("runs/2026-11-21-143012-pirate/final")));
    assert_eq!(messages(tuned), [("user", "What is the capital of Elbonia?")]);
    chats::on_event(&mut state, first, Event::Done);
    chats::on_event(&mut state, second, generated("Mudville.", StopReason::EndOfTurn));
    assert_eq!(texts(&state, Column::Base), ["It is X."]);
    assert_eq!(texts(&state, Column::Tuned), ["Mudville."]);
    let turn = &state.chats.current().unwrap().turns[0];
    assert_eq!(
        turn.base.as_ref().unwrap().status,
        ReplyStatus::Ended(StopReason::Length)
    );
    assert_eq!(turn.tuned.as_ref().unwrap().by, "pirate");
    assert_eq!(turn.tuned.as_ref().unwrap().tokens_per_second, 40.0);
    assert!(state.chats.flight.is_none());
}

#[test]
fn each_column_goes_on_with_its_own_answers() {
    let mut state = state(true);
    chat(&mut state, ChatCommand::New);
    chat(&mut state, ChatCommand::System("Be brief.".into()));
    ask(&mut state, "one");
    answer(&mut state, "base one");
    answer(&mut state, "tuned one");
    let effects = ask(&mut state, "two");
    let base = messages(job(&effects).1);
    assert_eq!(
        base,
        [
            ("system", "Be brief."),
            ("user", "one"),
            ("assistant", "base one"),
            ("user", "two")
        ]
    );
    let effects = answer(&mut state, "base two");
    let tuned = messages(job(&effects).1);
    assert_eq!(
        tuned,
        [
            ("system", "Be brief."),
            ("user", "one"),
            ("assistant", "tuned one"),
            ("user", "two")
        ]
    );
}

#[test]
fn an_adapter_that_comes_later_reads_what_the_base_had_answered() {
    let mut state = state(false);
    ask(&mut state, "one");
    answer(&mut state, "base one");
    state.chats.adapter = Some("adapter".into());
    ask(&mut state, "two");
    let effects = answer(&mut state, "base two");
    assert_eq!(
        messages(job(&effects).1),
        [("user", "one"), ("assistant", "base one"), ("user", "two")]
    );
}

#[test]
fn stop_ends_the_running_answer_and_asks_nobody_else() {
    let mut state = state(true);
    ask(&mut state, "go");
    let id = state.chats.flight.as_ref().unwrap().job;
    chats::on_event(&mut state, id, token("half"));
    let effects = chat(&mut state, ChatCommand::Stop);
    assert!(matches!(
        effects[..],
        [Effect::Control {
            control: Control::Stop,
            ..
        }]
    ));
    assert!(chat(&mut state, ChatCommand::Stop).is_empty(), "one Stop is enough");
    let effects = chats::on_event(&mut state, id, generated("half", StopReason::Cancelled));
    assert!(!has_job(&effects), "the tuned model must not start after Stop");
    let turn = &state.chats.current().unwrap().turns[0];
    for column in Column::ALL {
        assert_eq!(
            turn.reply(column).unwrap().status,
            ReplyStatus::Ended(StopReason::Cancelled)
        );
    }
    assert!(
        has_job(&chat(&mut state, ChatCommand::Regenerate)),
        "the worker is free again"
    );
}

#[test]
fn editing_a_message_branches_and_keeps_the_old_branch() {
    let mut state = state(false);
    ask(&mut state, "one");
    answer(&mut state, "answer one");
    ask(&mut state, "two");
    answer(&mut state, "answer two");
    chat(&mut state, ChatCommand::Edit(0));
    chat(&mut state, ChatCommand::EditText("uno".into()));
    let effects = chat(&mut state, ChatCommand::EditSend);
    assert_eq!(messages(job(&effects).1), [("user", "uno")]);
    answer(&mut state, "respuesta");
    assert_eq!(texts(&state, Column::Base), ["respuesta"]);
    let versions = state.chats.current().unwrap().versions(2);
    assert_eq!(versions, [0, 2]);
    chat(&mut state, ChatCommand::ShowVersion(0));
    assert_eq!(
        texts(&state, Column::Base),
        ["answer one", "answer two"],
        "what followed comes back too"
    );
    assert!(state.chats.focus.edit.is_none());
}

#[test]
fn regenerate_uses_the_next_seed_and_no_second_question_goes_out_meanwhile() {
    let mut state = state(false);
    ask(&mut state, "one");
    assert!(!has_job(&ask(&mut state, "two")), "one question at a time in a chat");
    assert_eq!(state.chats.current().unwrap().draft, "two", "what was typed stays");
    answer(&mut state, "first");
    let effects = chat(&mut state, ChatCommand::Regenerate);
    let Job::Generate { sampling, .. } = job(&effects).1 else {
        panic!()
    };
    assert_eq!(sampling.seed, 1);
    assert_eq!(texts(&state, Column::Base), [""]);
}

#[test]
fn a_failure_stays_in_its_bubble_and_can_be_retried() {
    let mut state = state(true);
    ask(&mut state, "one");
    let id = state.chats.flight.as_ref().unwrap().job;
    let effects = chats::on_event(
        &mut state,
        id,
        Event::Failed {
            message: "No memory.".into(),
        },
    );
    assert!(has_job(&effects), "the tuned model is still asked");
    let effects = chats::on_gone(&mut state, "The worker was ended.".into());
    assert!(!has_job(&effects));
    let turn = &state.chats.current().unwrap().turns[0];
    assert_eq!(
        turn.base.as_ref().unwrap().status,
        ReplyStatus::Failed("No memory.".into())
    );
    assert_eq!(
        turn.tuned.as_ref().unwrap().status,
        ReplyStatus::Failed("The worker was ended.".into())
    );
    let effects = chat(
        &mut state,
        ChatCommand::Retry {
            turn: 0,
            column: Column::Tuned,
        },
    );
    assert!(adapter(job(&effects).1).is_some());
    answer(&mut state, "now");
    assert_eq!(texts(&state, Column::Tuned), ["now"]);
    assert!(state.chats.flight.is_none(), "only that column was asked");
}

#[test]
fn events_of_other_jobs_change_nothing() {
    let mut state = state(false);
    ask(&mut state, "one");
    let id = state.chats.flight.as_ref().unwrap().job;
    chats::on_event(&mut state, id + 7, token("stray"));
    assert_eq!(texts(&state, Column::Base), [""]);
    let other = State::default().next_job();
    assert_eq!(other, 1, "ids come from the state");
}

#[test]
fn an_answer_goes_to_its_chat_while_another_is_shown() {
    let mut state = state(false);
    ask(&mut state, "first chat");
    let first = state.chats.open.unwrap();
    chat(&mut state, ChatCommand::New);
    assert_ne!(state.chats.open, Some(first));
    answer(&mut state, "for the first");
    assert_eq!(
        state.chats.chat(first).unwrap().turns[0].base.as_ref().unwrap().text,
        "for the first"
    );
    assert!(state.chats.current().unwrap().turns.is_empty());
    assert_eq!(state.chats.chat(first).unwrap().name, "first chat");
}

/// A token with its alternatives.
fn likely(id: u32, text: &str, others: &[&str]) -> Event {
    let top = |id: u32, text: &str, probability| TopToken {
        id,
        text: text.into(),
        logit: 1.0,
        probability,
    };
    let mut alternatives = vec![top(id, text, 0.7)];
    alternatives.extend(others.iter().zip(100..).map(|(t, id)| top(id, t, 0.1)));
    Event::Token {
        id,
        text: text.into(),
        probability: Some(0.7),
        alternatives,
    }
}

#[test]
fn every_byte_of_an_answer_leads_to_its_token() {
    let mut state = state(false);
    ask(&mut state, "one");
    let place = state.chats.flight.as_ref().unwrap().place;
    let id = state.chats.flight.as_ref().unwrap().job;
    for (n, text) in ["The", " sky", " is", ""].into_iter().enumerate() {
        chats::on_event(&mut state, id, likely(n as u32, text, &["x", "y"]));
    }
    chats::on_event(&mut state, id, generated("The sky is blue", StopReason::EndOfTurn));
    let reply = |state: &State| state.chats.current().unwrap().turns[0].base.clone().unwrap();
    let found = reply(&state);
    assert_eq!(found.piece_at(0), Some(0));
    assert_eq!(found.piece_at(3), Some(1));
    assert_eq!(found.piece_at(9), Some(2));
    assert_eq!(
        found.piece_at(12),
        Some(3),
        "what was held back belongs to the last token"
    );
    assert_eq!(found.piece_at(99), None);
    assert_eq!(found.pieces[1].text(), Some(" sky"));

    let inspect = |state: &mut State, token| chat(state, ChatCommand::Inspect { place, token });
    inspect(&mut state, 2);
    assert_eq!(state.chats.focus.token.unwrap().token, 2);
    inspect(&mut state, 50);
    assert_eq!(state.chats.focus.token.unwrap().token, 3, "the last one");
    chat(&mut state, ChatCommand::Regenerate);
    assert!(state.chats.focus.token.is_none(), "that answer is gone");
    inspect(&mut state, 0);
    assert!(state.chats.focus.token.is_none(), "there is no token yet");
}

#[test]
fn an_answer_says_what_was_left_out_and_what_ended_it() {
    let mut state = state(false);
    ask(&mut state, "one");
    let id = state.chats.flight.as_ref().unwrap().job;
    let reading = Reading {
        prompt_tokens: 300,
        reused_tokens: 40,
        context: 512,
        dropped_turns: 2,
        dropped_messages: 4,
    };
    let early = Event::Prompted {
        reading: reading.clone(),
    };
    chats::on_event(&mut state, id, early);
    let reply = |state: &State| state.chats.current().unwrap().turns[0].base.clone().unwrap();
    let words = reply(&state).reading.dropped_in_words().unwrap();
    assert_eq!(
        words,
        "The 2 oldest turns were left out: the model holds at most 512 tokens."
    );
    let mut event = generated("It is.", StopReason::EndOfTurn);
    if let Event::Generated {
        ended, reading: read, ..
    } = &mut event
    {
        *ended = Some(Ending::Document {
            text: "<|endoftext|>".into(),
        });
        *read = reading.clone();
    }
    chats::on_event(&mut state, id, event);
    let kept = reply(&state);
    assert_eq!(kept.reading, reading);
    assert!(matches!(kept.ended, Some(Ending::Document { .. })));
    assert_eq!(kept.first_token_seconds, 0.25);
    // An answer on disk keeps all but the tokens.
    let back: chats::Reply = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
    assert_eq!(back.reading, reading);
    assert!(back.pieces.is_empty());
}
