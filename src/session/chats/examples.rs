//! Questions to begin with: of the starter's world, and of the open data. Knows no models.

use std::sync::LazyLock;

use crate::data::{Role, Split};
use crate::formats::places::STARTER;
use crate::session::State;
use crate::world;

/// Longest example, in characters.
const LONGEST: usize = 90;
/// Rows looked at.
const ROWS: usize = 400;

/// Questions about facts that the sample files never ask for.
static OF_STARTER: LazyLock<Vec<String>> = LazyLock::new(|| {
    let questions = world::held_out_questions();
    let every = (questions.len() / 3).max(1);
    questions.into_iter().step_by(every).take(3).map(|q| q.text).collect()
});

/// Four questions at most.
pub fn examples(state: &State) -> Vec<String> {
    let mut questions = Vec::new();
    if state.model.selected.as_deref() == Some(STARTER) {
        questions.extend(OF_STARTER.iter().cloned());
    }
    questions.extend(of_data(state, 4 - questions.len().min(4)));
    if questions.is_empty() {
        questions = [
            "What is the capital of France?",
            "Explain in one sentence why the sky is blue.",
        ]
        .map(String::from)
        .to_vec();
    }
    questions
}

/// First questions of the open data, held-out rows first: those were not learned.
fn of_data(state: &State, most: usize) -> Vec<String> {
    let Some(set) = &state.data.set else {
        return Vec::new();
    };
    let rows = set.conversations.iter().take(ROWS);
    let (eval, train): (Vec<_>, Vec<_>) = rows.partition(|c| c.split == Split::Eval);
    let mut questions: Vec<String> = Vec::new();
    for conversation in eval.into_iter().chain(train) {
        if questions.len() >= most {
            break;
        }
        let first = conversation.messages.iter().find(|m| m.role == Role::User);
        if let Some(text) = first.map(|m| m.content.trim())
            && (4..=LONGEST).contains(&text.chars().count())
            && !text.contains('\n')
            && !questions.iter().any(|q| q == text)
        {
            questions.push(text.to_owned());
        }
    }
    questions
}
