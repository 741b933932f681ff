//! A template beside another one, line by line. Knows text, not Jinja.

use similar::{ChangeTag, TextDiff};

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineChange {
    Same,
    /// Only in the template as it is.
    Added,
    /// Only in what it is compared with.
    Removed,
}

/// A line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedLine {
    pub change: LineChange,
    /// Line number, from 1, in the text that the line stands in (of a line in both: the newer one).
    pub number: usize,
    /// Without its line end.
    pub text: String,
}

/// The lines of both texts in order.
pub fn compare(old: &str, new: &str) -> Vec<ComparedLine> {
    let diff = TextDiff::from_lines(old, new);
    let lines = diff.iter_all_changes().map(|line| {
        let (change, index) = match line.tag() {
            ChangeTag::Equal => (LineChange::Same, line.new_index()),
            ChangeTag::Insert => (LineChange::Added, line.new_index()),
            ChangeTag::Delete => (LineChange::Removed, line.old_index()),
        };
        ComparedLine {
            change,
            number: index.map_or(0, |i| i + 1),
            text: line.value().trim_end_matches(['\r', '\n']).to_owned(),
        }
    });
    lines.collect()
}
