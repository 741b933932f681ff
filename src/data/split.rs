//! Which conversations are held out for the eval loss. Does not know how they are read or rendered.

use std::collections::HashMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::conversation::{Conversation, Role, Split};

/// The most conversations that are ever held out.
const MOST: usize = 500;

/// Marks `percent` of the conversations (at least 1, at most 500) as held out and all others as learned, and returns how many
/// are held out. Conversations with the same prompt stay together, so a held-out question was never learned; the last group is
/// never held out, so something is left to learn. With 0 percent, or where every conversation has the same prompt, none is
/// held out. The same conversations, percentage and seed give the same choice.
pub fn hold_out(conversations: &mut [Conversation], percent: f64, seed: u64) -> usize {
    let keys: Vec<u64> = conversations.iter().map(prompt_key).collect();
    let held = hold_out_keys(&keys, percent, seed);
    for (conversation, held) in conversations.iter_mut().zip(&held) {
        conversation.split = if *held { Split::Eval } else { Split::Train };
    }
    held.iter().filter(|held| **held).count()
}

/// [`hold_out`] by the keys of the conversations' prompts alone: whether each is held out.
pub fn hold_out_keys(keys: &[u64], percent: f64, seed: u64) -> Vec<bool> {
    let mut held = vec![false; keys.len()];
    if percent.is_nan() || percent <= 0.0 {
        return held;
    }
    let wanted = (keys.len() as f64 * percent.min(100.0) / 100.0).round() as usize;
    let mut groups = same_keys(keys);
    groups.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    for &index in choose(&groups, wanted.clamp(1, MOST))
        .iter()
        .flat_map(|group| &groups[*group])
    {
        held[index] = true;
    }
    held
}

/// A number for a conversation's prompt: system and user turns before the first assistant turn; where there are none (raw text), the
/// first message itself. The same prompt has the same key, in every run and on every machine.
pub fn prompt_key(conversation: &Conversation) -> u64 {
    let mut hash = Sha256::new();
    let turns = conversation
        .messages
        .iter()
        .take_while(|message| message.role != Role::Assistant)
        .count()
        .max(1);
    for message in conversation.messages.iter().take(turns) {
        hash.update([message.role as u8]);
        hash.update((message.content.len() as u64).to_le_bytes());
        hash.update(message.content.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
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
fn same_keys(keys: &[u64]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<u64, usize> = HashMap::new();
    for (index, key) in keys.iter().enumerate() {
        let group = *known.entry(*key).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(index);
    }
    groups
}
