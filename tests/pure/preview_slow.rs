//! Rows that take longer than a frame are rendered on a thread: the window goes on, and an old result never replaces a newer row.
use std::time::{Duration, Instant};

use burnish::session::preview::{self, PreviewEffect, TemplateCommand, Trial};
use burnish::session::{Command, Effect, Outcome, State, absorb, apply};

use super::room_kit::ready;
use super::tokens_fixture::tokenizer;

const ENDLESS: &str = "{% for a in range(99999) %}{% for b in range(99999) %}{{ b }}{% endfor %}{% endfor %}";

fn send(state: &mut State, command: TemplateCommand) -> Vec<Effect> {
    apply(state, Command::Template(command))
}

fn build(effects: &[Effect]) -> Option<PreviewEffect> {
    effects.iter().find_map(|e| match e {
        Effect::Preview(build @ PreviewEffect::Build(_)) => Some(build.clone()),
        _ => None,
    })
}

#[test]
fn a_hostile_template_leaves_the_window_alive_and_is_refused_later() {
    let mut state = ready(tokenizer());
    let before = state.preview.shown.clone();
    let start = Instant::now();
    let effects = send(&mut state, TemplateCommand::Edit(ENDLESS.into()));
    // Far below what the template takes where it is let; a frame itself is measured, not tested.
    assert!(start.elapsed() < Duration::from_millis(400), "{:?}", start.elapsed());
    let work = build(&effects).expect("it goes on elsewhere");
    assert!(state.preview.slow.is_busy());
    assert_eq!(state.preview.shown, before, "the last good rendering stays");
    absorb(&mut state, Outcome::Preview(preview::perform(work)));
    assert!(!state.preview.slow.is_busy());
    let trouble = state.preview.trouble.clone().expect("refused");
    assert!(!trouble.message.is_empty());
    send(&mut state, TemplateCommand::Revert);
    assert_eq!(state.preview.trouble, None);
}

#[test]
fn a_long_row_is_built_elsewhere_and_an_old_result_is_dropped() {
    let mut state = ready(tokenizer());
    let long = "many words ".repeat(20_000);
    let effects = send(&mut state, TemplateCommand::Try(1, Trial::Text(long.clone())));
    let first = build(&effects).expect("too long for a frame");
    let longer = format!("{long}and one");
    let effects = send(&mut state, TemplateCommand::Try(1, Trial::Text(longer.clone())));
    assert!(build(&effects).is_none(), "one at a time");
    let effects = absorb(&mut state, Outcome::Preview(preview::perform(first)));
    let text = |state: &State| {
        state
            .preview
            .shown
            .as_ref()
            .map(|s| s.rendered.text.clone())
            .unwrap_or_default()
    };
    assert!(!text(&state).contains("many words"), "another row is wanted by now");
    let second = build(&effects).expect("the newest");
    absorb(&mut state, Outcome::Preview(preview::perform(second)));
    assert!(text(&state).contains("and one"));
    assert!(
        state.preview.asked.as_ref().is_some_and(|a| a.is_ok()),
        "its prompt is known too"
    );
    assert!(!state.preview.slow.is_busy());
}
