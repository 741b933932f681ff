//! The prompts that a run answers at each evaluation, so that one can watch the manners appear. Knows conversations, not models.

use std::sync::Arc;

use super::setting::Setting;
use crate::data::{Conversation, Kind, Message, RawRows, ReadOptions, Role, Source, Split};
use crate::engine::observe::SamplePrompt;
use crate::engine::prepare::Origin;

/// Samples at an evaluation.
const SAMPLES: usize = 3;

/// The prompts that are answered at each evaluation: the recipe's own, else the first held-out ones.
pub(super) fn sample_prompts(setting: &Setting) -> Vec<SamplePrompt> {
    let given = &setting.recipe.eval.prompts;
    if !given.is_empty() {
        return given.iter().map(|text| ask(text)).collect();
    }
    let held_out = setting
        .data
        .rows
        .iter()
        .filter(|row| row.held_out && row.kind != Kind::Text);
    let mut open: Option<(usize, RawRows)> = None;
    let mut read = |origin: &Origin| {
        if open.as_ref().is_none_or(|(file, _)| *file != origin.file) {
            let path = setting.data.files.get(origin.file)?;
            open = Some((origin.file, RawRows::open(path).ok()?));
        }
        let (_, rows) = open.as_ref()?;
        Some(rows.row(origin.row, ReadOptions::default())?.read?.0)
    };
    held_out
        .filter_map(|origin| up_to_answer(read(origin)?))
        .take(SAMPLES)
        .collect()
}

fn ask(text: &str) -> SamplePrompt {
    SamplePrompt {
        text: text.into(),
        conversation: Conversation {
            messages: vec![Message::new(Role::User, text)],
            tools: None,
            documents: None,
            kind: Kind::Chat,
            source: Source {
                file: Arc::default(),
                line: 0,
                row: 0,
            },
            split: Split::Eval,
        },
    }
}

/// The messages before the first answer; `None` for raw text.
fn up_to_answer(mut conversation: Conversation) -> Option<SamplePrompt> {
    let first = conversation
        .messages
        .iter()
        .position(|m| m.role == Role::Assistant)
        .filter(|i| *i > 0)?;
    conversation.messages.truncate(first);
    let text = conversation.messages.last()?.content.clone();
    Some(SamplePrompt { text, conversation })
}
