//! What the tests of the window's rooms begin with: rows of a file, and a model whose tokenizer has been read.
use std::path::PathBuf;
use std::sync::Arc;

use burnish::data::{Conversation, DataSet, Message, Role, Schema, Source};
use burnish::session::State;
use burnish::session::preview::{self, PreviewOutcome};
use burnish::tokens::Tokenizer;

/// A question and an answer in row `row` of rows.jsonl.
pub fn row(row: usize, question: impl Into<String>, answer: &str) -> Conversation {
    let messages = vec![
        Message::new(Role::User, question),
        Message::new(Role::Assistant, answer),
    ];
    let mut conversation = Conversation::unfiled(messages);
    conversation.source = Source {
        file: Arc::new(PathBuf::from("rows.jsonl")),
        line: row + 1,
        row,
    };
    conversation
}

/// rows.jsonl as it was read.
pub fn set(rows_read: usize, conversations: impl Iterator<Item = Conversation>) -> DataSet {
    DataSet {
        path: "rows.jsonl".into(),
        more: Vec::new(),
        schema: Schema::Messages,
        rows_read,
        conversations: conversations.collect(),
        problems: Vec::new(),
        sha256: "abc".into(),
    }
}

/// Selects a model; its tokenizer is asked for.
pub fn select_model(state: &mut State) {
    state.model.selected = Some("some/model".into());
    preview::model_changed(state);
}

/// The tokenizer of the selected model has been read.
pub fn tokenizer_read(state: &mut State, tokenizer: Tokenizer) {
    let outcome = PreviewOutcome::Tokenizer {
        model: "some/model".into(),
        result: Ok(Arc::new(tokenizer)),
    };
    preview::absorb(state, outcome);
}

/// The example row under a model whose tokenizer has been read.
pub fn ready(tokenizer: Tokenizer) -> State {
    let mut state = State::default();
    select_model(&mut state);
    tokenizer_read(&mut state, tokenizer);
    state
}
