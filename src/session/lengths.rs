//! How many tokens the rows on show have: counted a few at a time, as the table asks for them, with the template and tokenizer that
//! training would use. Knows counts, not drawing.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::State;
use crate::template::RenderOptions;
use crate::tokens::prepare;

/// Rows counted at a time.
const AT_ONCE: usize = 16;
/// Characters of these rows, so that a frame stays short with long rows too.
const CHARACTERS: usize = 24_000;

/// Tokens of rows, as far as they were asked for.
#[derive(Clone, Debug, Default)]
pub struct RowLengths {
    /// What the counts hold for: data, template and tokenizer.
    of: u64,
    /// By the conversation's index; `None` for a row that the template refuses or renders too slowly.
    counts: HashMap<usize, Option<usize>>,
}

impl RowLengths {
    /// What is known of a row: not yet counted, not to be counted, or its tokens.
    pub fn of(&self, row: usize) -> Option<Option<usize>> {
        self.counts.get(&row).copied()
    }
}

/// Can rows be counted?
pub fn can_count(state: &State) -> bool {
    state.preview.tokenizer.is_some() && state.preview.trouble.is_none()
}

/// Counts the first of the rows that are not counted yet.
pub fn count(state: &mut State, rows: &[usize]) {
    let (Some(set), Some(tokenizer)) = (state.data.set.clone(), state.preview.tokenizer.clone()) else {
        return;
    };
    let Some(template) = state.preview.editor.template() else {
        return;
    };
    let mut hasher = DefaultHasher::new();
    (&set.path, &set.more, &set.sha256, &template.source).hash(&mut hasher);
    std::sync::Arc::as_ptr(&tokenizer).hash(&mut hasher);
    let of = hasher.finish();
    let lengths = &mut state.data.lengths;
    if lengths.of != of {
        *lengths = RowLengths {
            of,
            counts: HashMap::new(),
        };
    }
    let mut characters = 0;
    let options = RenderOptions {
        hurried: true,
        ..RenderOptions::default()
    };
    let missing: Vec<usize> = rows.iter().copied().filter(|row| lengths.of(*row).is_none()).collect();
    for row in missing.into_iter().take(AT_ONCE) {
        let Some(conversation) = set.conversations.get(row) else {
            continue;
        };
        let found = prepare(&template, conversation, &tokenizer, &options);
        lengths
            .counts
            .insert(row, found.ok().map(|(_, encoded)| encoded.ids.len()));
        characters += conversation.messages.iter().map(|m| m.content.len()).sum::<usize>();
        if characters > CHARACTERS {
            break;
        }
    }
}
