//! The Chat room's state machine: routing of events, branches, stopping, what each column's model is asked.
use std::path::{Path, PathBuf};

use burnish::protocol::{ChatMessage, Control, Ending, Event, Job, Prompt, Reading, StopReason, TopToken};
use burnish::session::chats::{self, ChatCommand, ChatsEffect, ChatsOutcome, Column, ReplyStatus, run_name};
use burnish::session::{Command, Effect, State, apply};

fn state(tuned: bool) -> State {
    let mut state = State::default();
    state.model.selected = Some("starter".into());
    if tuned {
        state.chats.adapter = Some("runs/2026-11-21-143012-pirate/final".into());
    }
    state
}

fn chat(state: &mut State, command: ChatCommand) -> Vec<Effect> {
    apply(state, Command::Chat(command))
}

fn ask(state: &mut State, text: &str) -> Vec<Effect> {
    chat(state, ChatCommand::Draft(text.into()));
    chat(state, ChatCommand::Send)
}

/// The one job among the effects.
fn job(effects: &[Effect]) -> (u64, &Job) {
    let jobs: Vec<_> = effects
        .iter()
        .filter_map(|e| match e {
            Effect::Job { id, job, .. } => Some((*id, job)),
            _ => None,
        })
        .collect();
    assert_eq!(jobs.len(), 1, "exactly one job: {effects:?}");
    jobs[0]
}

fn has_job(effects: &[Effect]) -> bool {
    effects.iter().any(|e| matches!(e, Effect::Job { .. }))
}

fn messages(job: &Job) -> Vec<(&str, &str)> {
    let Job::Generate {
        prompt: Prompt::Messages(messages),
        ..
    } = job
    else {
        panic!("not a chat job: {job:?}");
    };
    messages
        .iter()
        .map(|ChatMessage { role, content }| (role.as_str(), content.as_str()))
        .collect()
}

fn adapter(job: &Job) -> Option<&Path> {
    let Job::Generate { model, .. } = job else {
        panic!("not a chat job: {job:?}");
    };
    model.adapter.as_deref()
}

fn token(text: &str) -> Event {
    Event::Token {
        id: 1,
        text: text.into(),
        probability: None,
        alternatives: vec![],
    }
}

fn generated(text: &str, stop: StopReason) -> Event {
    Event::Generated {
        prompt_ids: vec![1],
        ids: vec![5, 6],
        text: text.into(),
        stop,
        tokens_per_second: 40.0,
        first_token_seconds: 0.25,
        ended: None,
        reading: Reading::default(),
        top: Vec::new(),
    }
}

/// Answers the job that runs, and returns what follows.
fn answer(state: &mut State, text: &str) -> Vec<Effect> {
    let id = state.chats.flight.as_ref().expect("a job runs").job;
    chats::on_event(state, id, token(text));
    chats::on_event(state, id, generated(text, StopReason::EndOfTurn))
}

fn texts(state: &State, column: Column) -> Vec<String> {
    let chat = state.chats.current().expect("a chat is open");
    let reply = |turn: usize| chat.turns[turn].reply(column).map_or(String::new(), |r| r.text.clone());
    chat.path().into_iter().map(reply).collect()
}

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

#[test]
fn one_write_at_a_time_and_the_last_state_is_written() {
    let mut state = state(false);
    let saves = |effects: &[Effect]| -> Vec<String> {
        let drafts = effects.iter().filter_map(|e| match e {
            Effect::Chats(ChatsEffect::Save { chats, .. }) => Some(chats[0].draft.clone()),
            _ => None,
        });
        drafts.collect()
    };
    chat(&mut state, ChatCommand::New);
    assert!(
        saves(&chat(&mut state, ChatCommand::Draft("a".into()))).is_empty(),
        "New is being written"
    );
    assert!(saves(&chat(&mut state, ChatCommand::Draft("ab".into()))).is_empty());
    assert_eq!(saves(&chats::absorb(&mut state, ChatsOutcome::Saved(None))), ["ab"]);
    assert!(saves(&chats::absorb(&mut state, ChatsOutcome::Saved(None))).is_empty());
}

#[test]
fn both_columns_use_the_template_that_came_with_the_adapter() {
    let mut state = state(true);
    let path = state.chats.adapter.clone().unwrap();
    let template = Some(path.join("chat_template.jinja"));
    chats::absorb(
        &mut state,
        ChatsOutcome::Adapter {
            path,
            template: template.clone(),
        },
    );
    let effects = ask(&mut state, "one");
    let Job::Generate { model, .. } = job(&effects).1 else {
        panic!()
    };
    assert_eq!(model.template.as_deref().map(PathBuf::from), template);
}

#[test]
fn chats_survive_on_disk_and_deleted_ones_go_to_the_bin() {
    let home = tempfile::tempdir().unwrap();
    let mut state = state(false);
    state.project.dir = home.path().into();
    ask(&mut state, "kept question");
    let id = state.chats.flight.as_ref().unwrap().job;
    chats::on_event(&mut state, id, token("half an ans"));
    chat(&mut state, ChatCommand::Draft("unsent".into()));
    let open = state.chats.current().unwrap().clone();
    let folder = home.path().join("chats");
    let save = ChatsEffect::Save {
        folder: folder.clone(),
        chats: vec![open.clone()],
    };
    assert!(matches!(chats::perform(save), ChatsOutcome::Saved(None)));

    let mut fresh = State::default();
    fresh.project.dir = home.path().into();
    let [Effect::Chats(load)] = &chats::start(&mut fresh)[..] else {
        panic!()
    };
    let outcome = chats::perform(load.clone());
    chats::absorb(&mut fresh, outcome);
    let chat = fresh.chats.current().expect("the last chat is open");
    assert_eq!(chat.draft, "unsent");
    assert_eq!(chat.turns[0].base.as_ref().unwrap().text, "half an ans");
    assert_eq!(chat.turns[0].base.as_ref().unwrap().status, ReplyStatus::Interrupted);

    let effects = apply(&mut fresh, Command::Chat(ChatCommand::Delete(open.id)));
    let [Effect::Chats(bin)] = &effects[..] else {
        panic!("{effects:?}")
    };
    chats::perform(bin.clone());
    assert!(chats::load(&folder).0.is_empty());
    assert_eq!(std::fs::read_dir(folder.join("bin")).unwrap().count(), 1);
    apply(&mut fresh, Command::Chat(ChatCommand::UndoDelete));
    assert_eq!(fresh.chats.current().unwrap().name, "kept question");
}

#[test]
fn a_broken_chat_file_is_named_and_the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    chats::save(folder.path(), &chats::Chat::new(3, String::new())).unwrap();
    std::fs::write(folder.path().join("chat-0009.json"), "{ not json").unwrap();
    let (chats, problems) = chats::load(folder.path());
    assert_eq!(chats.len(), 1);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("chat-0009.json"), "{}", problems[0]);
}

#[test]
fn an_adapter_opens_a_fresh_chat_with_the_system_prompt_of_the_data() {
    let mut state = state(false);
    ask(&mut state, "old question");
    answer(&mut state, "old answer");
    let row = burnish::data::Conversation {
        messages: vec![burnish::data::Message::new(
            burnish::data::Role::System,
            "You are a pirate.",
        )],
        ..burnish::session::preview::example()
    };
    state.data.set = Some(std::sync::Arc::new(burnish::data::DataSet {
        path: "rows.jsonl".into(),
        schema: burnish::data::Schema::Messages,
        conversations: vec![row],
        problems: Vec::new(),
        rows_read: 1,
        sha256: String::new(),
    }));
    let effects = chats::open_adapter(&mut state, "runs/x/final".into(), Some("starter".into()));
    let looks = |e: &Effect| matches!(e, Effect::Chats(ChatsEffect::LookAtAdapter { .. }));
    assert!(effects.iter().any(looks));
    assert_eq!(state.nav.room, burnish::session::Room::Chat);
    let chat = state.chats.current().unwrap();
    assert!(chat.turns.is_empty());
    assert_eq!(chat.system, "You are a pirate.");
    assert_eq!(state.chats.chats.len(), 2);
}

#[test]
fn runs_are_called_by_their_names() {
    assert_eq!(
        run_name(Path::new("p/runs/2026-11-21-143012-pirate-2/final")),
        "pirate-2"
    );
    assert_eq!(
        run_name(Path::new("p/runs/2026-11-21-143012-pirate/checkpoint-120")),
        "pirate, step 120"
    );
    assert_eq!(run_name(Path::new("/downloads/some-lora")), "some-lora");
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

fn run_folder(runs: &Path, name: &str, adapter: &str, events: &str) {
    let dir = runs.join(name).join(adapter);
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(
        dir.join("adapter_config.json"),
        r#"{"base_model_name_or_path": "starter"}"#,
    )
    .unwrap();
    std::fs::write(runs.join(name).join("events.jsonl"), events).unwrap();
}

#[test]
fn the_projects_runs_are_listed_with_date_and_final_loss() {
    let home = tempfile::tempdir().unwrap();
    let runs = home.path().join("runs");
    let step = |step: usize, loss: f64| {
        let event = Event::Step {
            step,
            loss,
            lr: 1e-3,
            grad_norm: 1.0,
            tokens: 1,
            supervised_tokens: 1,
            seconds: 0.1,
            epoch: 1.0,
        };
        serde_json::to_string(&event).unwrap()
    };
    let eval = r#"{"event":"eval","step":2,"loss":0.75,"rows":3,"supervised_tokens":9,"seconds":0.1}"#;
    let events = format!("{}\n{eval}\n{}\n{{broken", step(1, 2.0), step(2, 0.5));
    run_folder(&runs, "2026-11-21-143012-pirate", "final", &events);
    run_folder(&runs, "2026-11-20-090000-polite", "checkpoint-20", "");
    run_folder(&runs, "2026-11-20-090000-polite", "checkpoint-100", "");
    std::fs::create_dir_all(runs.join("2026-11-22-000000-empty")).unwrap();

    let mut state = state(false);
    state.project.dir = home.path().into();
    let [Effect::Chats(effect)] = &chat(&mut state, ChatCommand::LookForRuns)[..] else {
        panic!()
    };
    let outcome = chats::perform(effect.clone());
    chats::absorb(&mut state, outcome);
    let [pirate, polite] = &state.chats.runs[..] else {
        panic!("{:?}", state.chats.runs)
    };
    assert_eq!(
        (pirate.name.as_str(), pirate.when.as_str()),
        ("pirate", "2026-11-21 14:30")
    );
    assert_eq!((pirate.loss, pirate.eval_loss), (Some(0.5), Some(0.75)));
    assert_eq!(polite.name, "polite, step 100");
    assert_eq!((polite.loss, polite.base.as_deref()), (None, Some("starter")));

    ask(&mut state, "before");
    let open = state.chats.open;
    let chosen = state.chats.runs[0].clone();
    let use_it = ChatCommand::UseAdapter {
        path: chosen.path.clone(),
        base: chosen.base,
    };
    chat(&mut state, use_it);
    assert_eq!(state.chats.adapter, Some(chosen.path));
    assert_eq!(state.chats.open, open, "the open chat goes on");
}
