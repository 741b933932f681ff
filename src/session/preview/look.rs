//! What the panes show of the row: which view is in the middle, what is searched for. Knows tokens, not drawing.

use super::Shown;

/// What the middle pane shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Middle {
    /// The rendered text.
    #[default]
    Text,
    /// The row's messages, to try changes.
    Messages,
    /// The prompt that chat sends for one of the answers.
    Prompt,
}

/// How the user looks at the row.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// What the middle pane shows.
    pub middle: Middle,
    /// Is the template shown beside what it was, line by line?
    pub compare: bool,
    /// Message index of the answer whose prompt is shown; `None` = the last answer.
    pub answer: Option<usize>,
    /// What is searched for in the tokens.
    pub search: String,
    /// Which of the matches is the current one.
    pub found_at: usize,
    /// Counts the jumps to a match, so that the pane scrolls once for each.
    pub jumps: u64,
}

impl Look {
    /// Searches for other words; the first match is the current one.
    pub(super) fn search(&mut self, text: String) {
        self.search = text;
        self.found_at = 0;
        self.jumps += 1;
    }

    /// Goes to another match, around the ends.
    pub(super) fn step(&mut self, by: isize, matches: usize) {
        if matches > 0 {
            let at = self.found_at.min(matches - 1) as isize + by;
            self.found_at = at.rem_euclid(matches as isize) as usize;
            self.jumps += 1;
        }
    }
}

/// Tokens from the first to the one after the last.
pub type TokenRange = (usize, usize);

/// Where `words` stand in the token stream: the tokens that cover each appearance in the text, letters' case aside; or, for a
/// number, the tokens of that id too.
pub fn matches(shown: &Shown, words: &str) -> Vec<TokenRange> {
    let wanted = words.to_lowercase();
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<TokenRange> = appearances(&shown.rendered.text, &wanted)
        .into_iter()
        .filter_map(|(start, end)| covering(shown, start, end))
        .collect();
    if let Ok(id) = words.trim().parse::<u32>() {
        let same = shown.pieces.iter().enumerate().filter(|(_, p)| p.id == id);
        found.extend(same.map(|(i, _)| (i, i + 1)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Byte ranges of a text that read like `wanted` (lower case) when written in lower case.
fn appearances(text: &str, wanted: &str) -> Vec<(usize, usize)> {
    // Lower case may have another length: each of its bytes remembers the character that it came from.
    let mut lower = String::with_capacity(text.len());
    let mut from: Vec<(usize, usize)> = Vec::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let before = lower.len();
        lower.extend(c.to_lowercase());
        from.resize(from.len() + lower.len() - before, (at, at + c.len_utf8()));
    }
    let found = lower.match_indices(wanted);
    found.map(|(at, m)| (from[at].0, from[at + m.len() - 1].1)).collect()
}

/// The tokens that cover a byte range.
fn covering(shown: &Shown, start: usize, end: usize) -> Option<TokenRange> {
    let first = shown.pieces.partition_point(|p| p.end <= start);
    let last = shown.pieces.partition_point(|p| p.start < end);
    (first < last).then_some((first, last))
}
