//! Spans from contents and turns: who says which part of the text and whether it is learned. Knows modes, not templates.
use std::ops::Range;

use super::ending::marker_at;
use super::locate::Ground;
use super::turns::Turn;
use super::{Mode, Span, Why};
use crate::data::{Message, Role};

/// Spans that cover the whole text.
pub(super) fn spans(ground: &Ground, turns: &[Turn], mode: Mode) -> Vec<Span> {
    let learned = learned(ground, turns, mode);
    let layers = [frame(ground, turns), contents(ground, mode), learned];
    let mut cuts: Vec<usize> = layers.iter().flatten().flat_map(|s| [s.start, s.end]).collect();
    cuts.extend([0, ground.text.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    let mut out: Vec<Span> = Vec::new();
    for pair in cuts.windows(2) {
        let mut span = layers
            .iter()
            .rev()
            .find_map(|layer| at(layer, pair[0]))
            .unwrap_or(outside())
            .clone();
        (span.start, span.end) = (pair[0], pair[1]);
        if mode == Mode::All {
            (span.supervised, span.why) = (true, Why::Everything);
        }
        match out.last_mut() {
            Some(last) if same(last, &span) => last.end = span.end,
            _ => out.push(span),
        }
    }
    out
}

/// Text that belongs to no message.
const fn outside_span() -> Span {
    Span {
        start: 0,
        end: 0,
        role: None,
        message: None,
        supervised: false,
        why: Why::TemplateText,
    }
}

fn outside() -> &'static Span {
    const OUTSIDE: Span = outside_span();
    &OUTSIDE
}

fn same(a: &Span, b: &Span) -> bool {
    (a.role, a.message, a.supervised, a.why) == (b.role, b.message, b.supervised, b.why)
}

/// The span of a sorted layer that holds a position.
fn at(layer: &[Span], position: usize) -> Option<&Span> {
    let index = layer.partition_point(|s| s.end <= position);
    layer.get(index).filter(|s| s.start <= position)
}

/// A span of one message.
fn of(messages: &[Message], message: usize, range: Range<usize>, supervised: bool, why: Why) -> Span {
    let role = Some(messages[message].role);
    Span {
        start: range.start,
        end: range.end,
        role,
        message: Some(message),
        supervised,
        why,
    }
}

/// Why message `i` is not learned under a mode; None when it is.
fn refusal(messages: &[Message], i: usize, mode: Mode) -> Option<Why> {
    let last = |role: Role| messages.iter().rposition(|m| m.role == role);
    match mode {
        Mode::Last if last(Role::Assistant) != Some(i) => Some(Why::NotLastTurn),
        Mode::Completion if last(Role::User).is_some_and(|user| i < user) => Some(Why::Prompt),
        Mode::Flags if messages[i].weight.is_some_and(|w| w <= 0.0) => Some(Why::FlaggedOff),
        _ => None,
    }
}

/// The top layer: turns, learned or refused, and under mode `flags` other messages that ask for it.
fn learned(ground: &Ground, turns: &[Turn], mode: Mode) -> Vec<Span> {
    let messages = ground.messages;
    let mut out = Vec::new();
    for turn in turns {
        if let (Mode::Template, Some(block)) = (mode, &turn.block) {
            out.push(of(messages, turn.message, block.clone(), true, Why::GenerationBlock));
            continue;
        }
        let refused = refusal(messages, turn.message, mode);
        let why = |learned: Why| (refused.is_none(), refused.unwrap_or(learned));
        let (content, end) = (why(Why::AssistantContent), why(Why::EndOfTurn));
        out.push(of(
            messages,
            turn.message,
            turn.start..turn.content_end,
            content.0,
            content.1,
        ));
        out.push(of(messages, turn.message, turn.content_end..turn.end, end.0, end.1));
    }
    if mode == Mode::Flags {
        for (i, range) in ground.contents.iter().enumerate() {
            let wanted = messages[i].role != Role::Assistant && messages[i].weight.is_some_and(|w| w > 0.0);
            if let (true, Some(range)) = (wanted, range) {
                let end = ground.ending(range.end, range.end).map_or(range.end, |(_, end)| end);
                out.push(of(messages, i, range.start..end, true, Why::AssistantContent));
            }
        }
    }
    sorted(out)
}

/// The middle layer: contents as context.
fn contents(ground: &Ground, mode: Mode) -> Vec<Span> {
    let each = ground.contents.iter().enumerate().filter_map(|(i, range)| {
        let refused = refusal(ground.messages, i, mode).filter(|why| *why != Why::NotLastTurn);
        Some(of(
            ground.messages,
            i,
            range.clone()?,
            false,
            refused.unwrap_or(Why::OtherRole),
        ))
    });
    sorted(each.collect())
}

/// The bottom layer: which message the text between contents belongs to.
fn frame(ground: &Ground, turns: &[Turn]) -> Vec<Span> {
    let bodies = bodies(ground, turns);
    let mut out = Vec::new();
    let mut place = |message: Option<usize>, range: Range<usize>| {
        if let (Some(message), false) = (message, range.is_empty()) {
            out.push(of(ground.messages, message, range, false, Why::TemplateText));
        }
    };
    let mut before: Option<usize> = None;
    let mut cursor = 0;
    for (message, body) in &bodies {
        let split = match before {
            Some(_) => tail_end(ground, cursor, body.start),
            None => opener(ground, body.start),
        };
        place(before, cursor..split);
        place(Some(*message), split..body.end);
        (before, cursor) = (Some(*message), body.end);
    }
    place(before, cursor..tail_end(ground, cursor, ground.text.len()));
    out
}

/// Each message's stretch of the text (content and turns), in the order of the text, not overlapping.
fn bodies(ground: &Ground, turns: &[Turn]) -> Vec<(usize, Range<usize>)> {
    let mut bodies: Vec<(usize, Range<usize>)> = ground
        .contents
        .iter()
        .enumerate()
        .filter_map(|(i, range)| Some((i, range.clone()?)))
        .collect();
    bodies.extend(turns.iter().map(|t| (t.message, t.start..t.end)));
    bodies.sort_by_key(|(_, range)| (range.start, range.end));
    let mut out: Vec<(usize, Range<usize>)> = Vec::new();
    for (message, mut range) in bodies {
        if let Some((last, known)) = out.last_mut() {
            if *last == message {
                known.end = known.end.max(range.end);
                continue;
            }
            range.start = range.start.max(known.end);
            range.end = range.end.max(range.start);
        }
        out.push((message, range));
    }
    out
}

/// The marker that opens a turn, as the generation prompt shows it (`<|im_start|>`).
fn opening<'a>(ground: &'a Ground) -> Option<&'a str> {
    let header = ground.shape.headers.first()?.trim_start();
    marker_at(header, "").map(|length| &header[..length])
}

/// Where the header of the first message begins.
fn opener(ground: &Ground, body: usize) -> usize {
    opening(ground)
        .and_then(|marker| ground.text[..body].rfind(marker))
        .unwrap_or(0)
}

/// Where the end of a message's turn gives way to the next header: after white space, a marker that opens no turn, and
/// line ends.
fn tail_end(ground: &Ground, from: usize, to: usize) -> usize {
    let gap = &ground.text[from..to];
    let opening = opening(ground);
    let blank = |at: usize| gap.len() - gap[at..].trim_start().len();
    let mut at = blank(0);
    while let Some(length) = marker_at(&gap[at..], &ground.shape.eos) {
        if opening.is_some_and(|marker| gap[at..].starts_with(marker)) {
            break;
        }
        at = blank(at + length);
        if opening.is_none() {
            break;
        }
    }
    from + at
}

/// In order, without empty spans.
fn sorted(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|s| s.start < s.end);
    spans.sort_by_key(|s| (s.start, s.end));
    let mut end = 0;
    for span in &mut spans {
        span.start = span.start.max(end).min(span.end);
        end = end.max(span.end);
    }
    spans.retain(|s| s.start < s.end);
    spans
}
