//! Rows that cannot be rendered within a frame (foreign templates may do anything): built on a thread, one at a time, the newest last.
//! Knows inputs and results, not drawing.

use std::sync::Arc;

use super::asked::{self, Asked};
use super::{Inputs, PreviewEffect, PreviewOutcome, Shown, Trouble, row};
use crate::data::Conversation;
use crate::session::{Effect, State};
use crate::template::{Mode, Template};
use crate::tokens::Tokenizer;

/// Everything that a slow row is built from.
#[derive(Clone, Debug)]
pub struct SlowRow {
    /// Tells whether the result is still wanted.
    pub key: u64,
    template: Template,
    conversation: Conversation,
    mode: Mode,
    tokenizer: Option<Arc<Tokenizer>>,
    answer: Option<usize>,
}

/// What came of a slow row.
pub struct BuiltRow {
    key: u64,
    result: Result<Shown, Trouble>,
    asked: Option<Asked>,
}

/// Which row waits, and which is being built.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slow {
    wanted: Option<u64>,
    flight: Option<u64>,
}

impl Slow {
    /// Is a row being built?
    pub fn is_busy(&self) -> bool {
        self.wanted.is_some() || self.flight.is_some()
    }

    pub(super) fn want(&mut self, key: Option<u64>) {
        self.wanted = key;
    }
}

/// Sends the row that waits to a thread, when none is there.
pub fn follow(state: &mut State) -> Vec<Effect> {
    let slow = &mut state.preview.slow;
    if slow.flight.is_some() {
        return Vec::new();
    }
    let Some(key) = slow.wanted.take() else {
        return Vec::new();
    };
    let Some(template) = state.preview.editor.template() else {
        return Vec::new();
    };
    state.preview.slow.flight = Some(key);
    let work = SlowRow {
        key,
        template,
        conversation: row(state).into_owned(),
        mode: state.recipe.recipe.data.mode,
        tokenizer: state.preview.tokenizer.clone(),
        answer: state.preview.look.answer,
    };
    vec![Effect::Preview(PreviewEffect::Build(Box::new(work)))]
}

/// Builds a row, however long it takes; called on a thread.
pub(super) fn build(work: &SlowRow) -> PreviewOutcome {
    let inputs = Inputs {
        template: &work.template,
        conversation: &work.conversation,
        mode: work.mode,
        tokenizer: work.tokenizer.as_ref(),
    };
    let result = inputs.build();
    let asked = work.tokenizer.as_ref().filter(|_| result.is_ok());
    let asked = asked.and_then(|t| asked::ask_for(&work.template, t, &work.conversation, work.answer, false));
    PreviewOutcome::Built(Box::new(BuiltRow {
        key: work.key,
        result,
        asked,
    }))
}

/// Takes in what was built, unless another row is wanted by now.
pub(super) fn built(state: &mut State, built: BuiltRow) {
    let preview = &mut state.preview;
    preview.slow.flight = None;
    if preview.key != Some(built.key) {
        return;
    }
    preview.asked = built.asked;
    match built.result {
        Ok(shown) => {
            preview.shown = Some(Arc::new(shown));
            preview.trouble = None;
        }
        Err(trouble) => preview.trouble = Some(trouble),
    }
}
