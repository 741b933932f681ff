//! Which conversations are held out for the eval loss. Does not know how they are read or rendered.

use std::collections::HashMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::conversation::{Conversation, Role, Split};

/// The most conversations that are ever held out.
const MOST: usize = 500;

/// Marks `percent` of the conversations (at least 1, at most 500) as held out and all others as learned, and returns how many
/// are held out. Conversations with the same prompt stay together, so a held-out question was never learned; the last group is
/// never held out, so something is left to learn. With 0 percent, or where every conversation has the same prompt, none is
/// held out. The same conversations, percentage and seed give the same choice.
pub fn hold_out(conversations: &mut [Conversation], percent: f64, seed: u64) -> usize {
    for conversation in conversations.iter_mut() {
        conversation.split = Split::Train;
    }
    if percent.is_nan() || percent <= 0.0 {
        return 0;
    }
    let wanted = (conversations.len() as f64 * percent.min(100.0) / 100.0).round() as usize;
    let mut groups = same_prompts(conversations);
    groups.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let chosen = choose(&groups, wanted.clamp(1, MOST));
    for &index in chosen.iter().flat_map(|group| groups[*group].iter()) {
        conversations[index].split = Split::Eval;
    }
    chosen.iter().map(|group| groups[*group].len()).sum()
}

/// Groups that fit into `wanted` in their order; where none does, the smallest one that is not too many.
fn choose(groups: &[Vec<usize>], wanted: usize) -> Vec<usize> {
    if groups.len() < 2 {
        return Vec::new();
    }
    let (mut chosen, mut left) = (Vec::new(), wanted);
    for (index, group) in groups.iter().enumerate() {
        if group.len() <= left && chosen.len() + 1 < groups.len() {
            left -= group.len();
            chosen.push(index);
        }
    }
    if chosen.is_empty() {
        let smallest = (0..groups.len()).min_by_key(|index| groups[*index].len());
        chosen.extend(smallest.filter(|index| groups[*index].len() <= MOST));
    }
    chosen
}

/// Indices of conversations with the same prompt, groups in the order of their first conversation.
fn same_prompts(conversations: &[Conversation]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<Vec<(Role, &str)>, usize> = HashMap::new();
    for (index, conversation) in conversations.iter().enumerate() {
        let group = *known.entry(prompt(conversation)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(index);
    }
    groups
}

/// System and user turns before the first assistant turn; where there are none (raw text), the first message itself.
fn prompt(conversation: &Conversation) -> Vec<(Role, &str)> {
    let part = |message: &'_ super::Message| message.role != Role::Assistant;
    let turns = conversation
        .messages
        .iter()
        .take_while(|message| part(message))
        .count()
        .max(1);
    conversation
        .messages
        .iter()
        .take(turns)
        .map(|message| (message.role, message.content.as_str()))
        .collect()
}
