//! What the Chat room keeps and finds on disk: chats, deleted ones, the runs of the project with their adapters.

use burnish::protocol::{Event, Job};
use burnish::session::chats::{self, ChatCommand, ChatsEffect, ChatsOutcome, ReplyStatus, run_name};
use burnish::session::{Command, Effect, State, apply};
use std::path::{Path, PathBuf};

use super::chats_kit::{answer, ask, chat, job, state, token};

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
        more: Vec::new(),
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
            norms: vec![],
            rows: vec![],
            loss_scale: None,
            memory: 0,
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
