//! Where turns end in a rendered text, and whether every learned answer is followed by an end that is learned too. Knows spans, not
//! tokens.

use std::ops::Range;

use crate::data::Role;
use crate::template::{Rendered, Span, Why};

/// The end of a turn.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct End {
    /// Whose turn.
    pub role: Role,
    /// First byte of the text that ends it.
    pub start: usize,
    /// Is it learned?
    pub learned: bool,
}

/// The ends of all turns in the order of the text: what the spans call one, and every other place where `marker` stands in the
/// template's own text.
pub(super) fn ends(rendered: &Rendered, marker: Option<&str>) -> Vec<End> {
    let spans = &rendered.spans;
    let is_end = |s: &Span| s.why == Why::EndOfTurn;
    // An end that is not learned goes by the reason for that; its place is told by the marker.
    let mut ends: Vec<End> = spans.iter().filter(|s| is_end(s)).filter_map(end).collect();
    let Some(marker) = marker.filter(|marker| !marker.is_empty()) else {
        return ends;
    };
    for (at, _) in rendered.text.match_indices(marker) {
        let index = spans.partition_point(|s| s.end <= at);
        let Some(span) = spans.get(index).filter(|s| s.why != Why::OtherRole && !is_end(s)) else {
            continue;
        };
        ends.extend(end(span).map(|end| End { start: at, ..end }));
    }
    ends.sort_by_key(|end| end.start);
    ends
}

fn end(span: &Span) -> Option<End> {
    Some(End {
        role: span.role?,
        start: span.start,
        learned: span.supervised,
    })
}

/// Is there a learned stretch of an assistant that no learned end follows? A stretch may be followed by another one before the turn
/// ends, where a template joins messages; `closed` tells of one that ends in a special token, whichever it is.
pub(super) fn end_missing(
    spans: &[Span],
    runs: &[Range<usize>],
    ends: &[End],
    closed: impl Fn(&Range<usize>) -> bool,
) -> bool {
    runs.iter().any(|run| {
        let first = spans.partition_point(|s| s.end <= run.start);
        let role = spans.get(first).and_then(|s| s.role);
        if role != Some(Role::Assistant) {
            return false;
        }
        let inside = ends.iter().any(|e| run.contains(&e.start));
        let next = ends.iter().find(|e| e.start >= run.end).filter(|e| e.learned);
        let others = |end: &End| {
            let between = spans.iter().filter(|s| s.start >= run.end && s.end <= end.start);
            between
                .into_iter()
                .any(|s| s.role.is_some_and(|role| role != Role::Assistant))
        };
        !inside && next.is_none_or(others) && !closed(run)
    })
}
