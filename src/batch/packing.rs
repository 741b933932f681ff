//! Groups examples into rows of limited length. Knows lengths only, no tokens.

use std::collections::{BTreeMap, VecDeque};

/// Groups example lengths into bins of at most `max_len`, best-fit decreasing, exactly as TRL's "bfd" strategy: examples in
/// stable order of falling length, each into the bin with the least room that still holds it, among equally tight bins the
/// one that reached that room first. Bins come in the order of their creation; each holds indices into `lengths`.
///
/// Empty examples (length 0) are left out. Lengths above `max_len` count as `max_len`, as TRL does, which cuts such rows:
/// callers that do not want to cut shorten or drop them before.
pub fn pack_bfd(lengths: &[usize], max_len: usize) -> Vec<Vec<usize>> {
    let length = |index: &usize| lengths[*index].min(max_len);
    let mut falling: Vec<usize> = (0..lengths.len()).filter(|index| length(index) > 0).collect();
    falling.sort_by_key(|index| std::cmp::Reverse(length(index)));

    let mut bins: Vec<Vec<usize>> = Vec::new();
    // Room left -> the bins with that room, oldest first.
    let mut by_room: BTreeMap<usize, VecDeque<usize>> = BTreeMap::new();
    for index in falling {
        let needed = length(&index);
        let (bin, room) = match take_tightest(&mut by_room, needed) {
            Some(found) => found,
            None => {
                bins.push(Vec::new());
                (bins.len() - 1, max_len)
            }
        };
        bins[bin].push(index);
        by_room.entry(room - needed).or_default().push_back(bin);
    }
    bins
}

/// Removes and returns the oldest bin of the least room that is at least `needed`, with its room.
fn take_tightest(by_room: &mut BTreeMap<usize, VecDeque<usize>>, needed: usize) -> Option<(usize, usize)> {
    let (&room, queue) = by_room.range_mut(needed..).next()?;
    let bin = queue.pop_front()?;
    if queue.is_empty() {
        by_room.remove(&room);
    }
    Some((bin, room))
}
