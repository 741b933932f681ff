//! The main job with real worker processes: starter, a dropped sample, tokens, Train, a falling loss, chat beside the base.
//! Also: a worker that is killed leaves the window alive, and training goes on from its checkpoint.

use std::path::Path;
use std::time::{Duration, Instant};

use burnish::protocol::Control;
use burnish::session::chats::{ChatCommand, ReplyStatus};
use burnish::session::{Command, QueueCommand, Room, RunPhase, State, TrainCommand};

use crate::kit::Window;

/// A window whose workers are real, on the CPU.
fn window() -> Window {
    let mut window = Window::new();
    window.shell().state.settings.device = Some("cpu".into());
    window
}

/// Draws frames until the state is as wanted.
fn wait(window: &mut Window, what: &str, seconds: u64, until: impl Fn(&State) -> bool) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while !until(&window.shell().state) {
        let state = &window.shell().state;
        let problems: Vec<&str> = state.problems.list.iter().map(|p| p.message.as_str()).collect();
        assert!(
            Instant::now() < end,
            "{what} took over {seconds} s; {:?}; {problems:?}",
            state.run.phase
        );
        std::thread::sleep(Duration::from_millis(30));
        window.harness.step();
    }
}

/// Starter and sample opened as a newcomer would, and a recipe short enough for a test.
fn set_up(window: &mut Window, steps: usize) {
    wait(window, "the starter's card", 20, |s| !s.model.cards.is_empty());
    window.click("Starter");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples/manners.jsonl");
    window.drop_file(&sample);
    wait(window, "reading the sample", 20, |s| !s.data.is_empty());
    assert_eq!(window.shell().state.nav.room, Room::Data);
    let mut recipe = window.shell().state.recipe.recipe.clone();
    recipe.model.device = "cpu".into();
    recipe.data.max_length = 64;
    recipe.optim.max_steps = steps;
    recipe.eval.every = steps;
    recipe.eval.rows = 16;
    recipe.save.every = 4;
    window.send(Command::Train(TrainCommand::Recipe(Box::new(recipe))));
}

#[test]
fn from_the_starter_to_a_chat_with_the_tuned_model() {
    let mut window = window();
    set_up(&mut window, 24);
    window.click("See tokens");
    wait(&mut window, "the tokens of the row", 20, |s| s.preview.shown.is_some());
    window.settle();
    assert!(window.shows("tokens learned"));
    window.click("Train on 900 conversations");
    assert_eq!(window.shell().state.nav.room, Room::Train);
    window.click("Train on 855 conversations");
    wait(&mut window, "the run", 240, |s| s.run.phase == RunPhase::Finished);
    let evals = window.shell().state.run.curves.evals.clone();
    let (first, last) = (evals[0].loss, evals[evals.len() - 1].loss);
    assert!(last < 0.8 * first, "held-out loss {first:.3} -> {last:.3}");
    assert!(!window.shell().state.run.samples.is_empty());
    window.settle();
    window.click("Chat with manners");
    assert_eq!(window.shell().state.nav.room, Room::Chat);
    window.send(Command::Chat(ChatCommand::Ask("What is the capital of Spain?".into())));
    wait(&mut window, "both answers", 120, |state| {
        let turn = state.chats.current().and_then(|chat| chat.turns.last());
        turn.is_some_and(|t| {
            [&t.base, &t.tuned]
                .iter()
                .all(|r| r.as_ref().is_some_and(|r| r.is_over()))
        })
    });
    let chat = window.shell().state.chats.current().expect("an open chat").clone();
    let turn = chat.turns.last().expect("a turn");
    for reply in [&turn.base, &turn.tuned] {
        let reply = reply.as_ref().expect("an answer");
        assert!(matches!(reply.status, ReplyStatus::Ended(_)), "{:?}", reply.status);
        assert!(!reply.text.trim().is_empty());
    }
}

#[cfg(unix)]
#[test]
fn a_killed_worker_leaves_the_window_alive_and_resumes() {
    let mut window = window();
    set_up(&mut window, 400);
    window.click("Train");
    window.click("Train on 855 conversations");
    wait(&mut window, "the first checkpoint", 120, |s| s.run.checkpoint.is_some());
    let dir = window.shell().state.run.dir.clone().expect("a run folder");
    let control: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.join("control.json")).expect("control.json")).expect("JSON");
    let pid = control["pid"].as_i64().expect("a pid") as i32;
    let pid = rustix::process::Pid::from_raw(pid).expect("a real pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("kill");
    wait(&mut window, "noticing the end", 20, |s| {
        matches!(s.run.phase, RunPhase::Broken(_))
    });
    window.settle();
    assert!(window.shows("is safe"), "the checkpoint is named");
    let (step, _) = window.shell().state.run.checkpoint.clone().expect("a checkpoint");
    window.click(&format!("Resume from step {step}"));
    wait(&mut window, "going on", 120, |s| {
        s.run.phase == RunPhase::Training && s.run.step() > step
    });
    window.click("Stop training");
    wait(&mut window, "keeping the result", 60, |s| {
        s.run.phase == RunPhase::Finished
    });
    assert!(
        window
            .shell()
            .state
            .run
            .result
            .as_ref()
            .is_some_and(|r| r.stopped && r.path.is_dir())
    );
}

#[test]
fn a_run_goes_on_without_its_window_and_is_found_again() {
    let mut window = window();
    set_up(&mut window, 4000);
    window.click("Train");
    window.click("Train on 855 conversations");
    wait(&mut window, "a first step", 120, |s| s.run.step() > 0);
    let dir = window.shell().state.run.dir.clone().expect("a run folder");
    let Window { harness, home } = window;
    harness.into_state().shell.finish();
    let mut again = Window::in_home(home, [1280.0, 800.0]);
    wait(&mut again, "finding the run", 60, |s| {
        s.run.phase == RunPhase::Training && s.run.dir.as_ref() == Some(&dir)
    });
    let step = again.shell().state.run.step();
    wait(&mut again, "further steps", 60, |s| s.run.step() > step);
    again.send(Command::Queue(QueueCommand::Add));
    wait(&mut again, "a run that waits", 60, |s| !s.queue.entries.is_empty());
    // The window is closed again, and the run that waits starts when the other one ends.
    let Window { harness, home } = again;
    harness.into_state().shell.finish();
    burnish::worker::control_run(&dir, Control::Stop).expect("a run that goes on");
    let mut third = Window::in_home(home, [1280.0, 800.0]);
    wait(&mut third, "finding the next run", 60, |s| {
        s.run.phase == RunPhase::Training && s.run.dir.as_ref().is_some_and(|found| *found != dir)
    });
    assert!(third.shell().state.queue.entries.is_empty());
    assert!(dir.join("final").is_dir(), "the first one is over");
    third.click("Train");
    third.click("Stop training");
    wait(&mut third, "keeping the result", 60, |s| {
        s.run.phase == RunPhase::Finished
    });
    let result = third.shell().state.run.result.clone().expect("a result");
    assert!(result.stopped && result.path.is_dir());
}
