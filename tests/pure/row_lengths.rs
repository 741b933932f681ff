//! Tokens of the rows on show: counted a few at a time, anew when the template changes, as training counts them.
use std::sync::Arc;

use burnish::session::preview::TemplateCommand;
use burnish::session::{Command, DataCommand, State, apply, can_count};

use super::room_kit::{row, select_model, set, tokenizer_read};
use super::tokens_fixture::tokenizer;

fn state(rows: usize) -> State {
    let conversation = |i: usize| row(i, "word ".repeat(i + 1), "Yes.");
    let mut state = State::default();
    state.data.set = Some(Arc::new(set(rows, (0..rows).map(conversation))));
    select_model(&mut state);
    assert!(!can_count(&state), "the tokenizer is not read yet");
    tokenizer_read(&mut state, tokenizer());
    state
}

fn count(state: &mut State, rows: impl Iterator<Item = usize>) {
    apply(state, Command::Data(DataCommand::CountTokens(rows.collect())));
}

#[test]
fn rows_are_counted_a_few_at_a_time_as_the_preview_counts_them() {
    let mut state = state(40);
    assert!(can_count(&state));
    count(&mut state, 0..40);
    let known = |state: &State| (0..40).filter(|row| state.data.lengths.of(*row).is_some()).count();
    let first = known(&state);
    assert!((1..40).contains(&first), "{first} at once");
    for _ in 0..40 {
        count(&mut state, 0..40);
    }
    assert_eq!(known(&state), 40);
    for row in [0, 7, 39] {
        apply(&mut state, Command::Data(DataCommand::Select(row)));
        let tokens = state.preview.shown.as_ref().unwrap().pieces.len();
        assert_eq!(state.data.lengths.of(row), Some(Some(tokens)), "row {row}");
    }
    count(&mut state, 400..401);
    assert_eq!(state.data.lengths.of(400), None, "there is no such row");
}

#[test]
fn another_template_counts_anew_and_a_row_that_it_refuses_is_told() {
    let mut state = state(3);
    count(&mut state, 0..3);
    let before = state.data.lengths.of(1);
    let refuses = "{% for m in messages %}{{ m.content }}{% if m.content | length > 12 %}{{ raise_exception('long') }}{% endif %}{% endfor %}";
    apply(&mut state, Command::Template(TemplateCommand::Edit(refuses.into())));
    count(&mut state, 0..3);
    assert_ne!(state.data.lengths.of(1), before);
    assert!(matches!(state.data.lengths.of(1), Some(Some(_))));
    assert_eq!(state.data.lengths.of(2), Some(None));
}
