//! What a template puts around an assistant's words, learned from small probe conversations: the header that asks for an
//! answer and the text that ends it. Knows nothing of real conversations.
use std::sync::{Arc, PoisonError};

use super::jinja::{Compiled, compiled};
use super::marks::common_prefix;
use super::values::Scene;
use super::{RenderOptions, Template, Vars, limits};
use crate::data::{Message, Role};

/// Variables for which a template's shape is kept.
const KEPT: usize = 4;
/// A word in the probe's tool call.
const CALLED: &str = "Probe word 3h8";
/// The longest text in angle brackets that counts as a marker.
const LONGEST_MARKER: usize = 64;

/// The form of a template's assistant turns under some variables.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shape {
    /// Texts that open an answer, the most specific first; empty when the template has no generation prompt.
    pub headers: Vec<String>,
    /// Texts that end an answer: one, or two where the template ends the last turn in its own way (that one first).
    pub endings: Vec<Ending>,
    /// Is a turn ended only by what opens the next one, so that the last has no end?
    pub borrowed: bool,
    /// Do tool calls end as answers do?
    pub calls_end_alike: bool,
    /// The text of eos_token, empty when there is none.
    pub eos: String,
}

/// The end of an assistant turn.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ending {
    /// From the end of the content to the end of the marker, white space between them included.
    pub region: String,
    /// The last marker alone: the token that generation stops at.
    pub marker: String,
}

impl Template {
    /// Text that ends an assistant turn under this template (stop string), where it can be told.
    pub fn end_of_turn(&self, vars: &Vars) -> Option<String> {
        let options = RenderOptions {
            vars: vars.clone(),
            ..RenderOptions::default()
        };
        let compiled = compiled(self).ok()?;
        limits::start_clock(false);
        let shape = shape(&compiled, &options);
        shape.endings.first().map(|e| e.marker.clone())
    }
}

/// The shape of a template, kept for the last few sets of variables.
pub(super) fn shape(template: &Compiled, options: &RenderOptions) -> Arc<Shape> {
    let known = template.shapes.read().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, known)) = known.iter().find(|(vars, _)| *vars == options.vars) {
        return known.clone();
    }
    drop(known);
    let new = Arc::new(probe(template, options));
    if limits::late() {
        // What was learned in a hurry is not worth keeping.
        return new;
    }
    let mut shapes = template.shapes.write().unwrap_or_else(PoisonError::into_inner);
    if shapes.len() >= KEPT {
        shapes.remove(0);
    }
    shapes.push((options.vars.clone(), new.clone()));
    new
}

/// Renders the probes.
fn probe(template: &Compiled, options: &RenderOptions) -> Shape {
    const ANSWER: &str = "Probe answer 7q3";
    let turn = |role, text: &str| Message::new(role, text);
    let messages = [
        turn(Role::User, "Probe question 5k1"),
        turn(Role::Assistant, ANSWER),
        turn(Role::User, "Probe question 8z2"),
        turn(Role::Assistant, "Probe answer 4w6"),
    ];
    let render = |messages: &[Message], prompt: bool| {
        let scene = Scene {
            messages,
            tools: None,
            documents: None,
            options,
            marks: None,
            prompt,
        };
        template.run(scene.context(), scene.bytes()).ok()
    };
    let text = |count: usize, prompt: bool| render(&messages[..count], prompt);
    // Where a template leaves out what is said, its answer begins where the prompt for it ends.
    let asked = text(1, true);
    let tail = |count| {
        let whole = text(count, false)?;
        let tail = whole.split_once(ANSWER).map(|(_, tail)| tail);
        Some(tail.or(whole.strip_prefix(asked.as_deref()?))?.to_owned())
    };
    let eos = options.vars.get("eos_token").cloned().unwrap_or_default();
    let headers = text(1, false)
        .zip(asked.as_deref())
        .map_or_else(Vec::new, |(plain, asked)| headers(&plain, asked));
    let (last, middle) = (tail(2), tail(4));
    let endings = last
        .as_deref()
        .map_or_else(Vec::new, |last| endings(last, middle.as_deref(), &eos));
    let borrowed = last.is_some_and(|t| t.trim().is_empty()) && !endings.is_empty();
    let called = [turn(Role::User, "Probe question 5k1"), call()];
    let calls_end_alike = render(&called, false).is_some_and(|text| ends_alike(&text, &endings));
    Shape {
        headers,
        endings,
        borrowed,
        calls_end_alike,
        eos,
    }
}

/// A tool call to probe with.
fn call() -> Message {
    let mut call = Message::new(Role::Assistant, "");
    call.tool_calls = Some(serde_json::json!([
        {"id": "probe7q3x", "type": "function", "function": {"name": "probe", "arguments": {"word": CALLED}}}
    ]));
    call
}

/// Does a text that ends with a tool call end as an answer does, at the first such marker behind the call?
fn ends_alike(text: &str, endings: &[Ending]) -> bool {
    let tail = text.rsplit_once(CALLED).map_or("", |(_, tail)| tail).trim_end();
    let last = |e: &Ending| tail.find(&e.marker).is_some_and(|at| at + e.marker.len() == tail.len());
    endings.first().is_some_and(last)
}

/// What the generation prompt adds; also without an opened `<think>`, which answers in the history lack.
fn headers(plain: &str, asked: &str) -> Vec<String> {
    let header = &asked[whole_marker(asked, common_prefix(plain, asked))..];
    let mut found = vec![header];
    if let Some((before, _)) = header.split_once("<think>") {
        found.push(before);
    }
    found
        .into_iter()
        .filter(|h| !h.trim().is_empty())
        .map(str::to_owned)
        .collect()
}

/// The end of a turn from the text after the last answer and after one in the middle.
fn endings(last: &str, middle: Option<&str>, eos: &str) -> Vec<Ending> {
    let Some(middle) = middle else {
        return ending(last, eos, usize::MAX).into_iter().collect();
    };
    let shared = &last[..whole_marker(last, common_prefix(last, middle))];
    match ending(shared, eos, usize::MAX) {
        Some(found) => vec![found],
        None => [last, middle].iter().filter_map(|tail| ending(tail, eos, 1)).collect(),
    }
}

/// White space and then at most `limit` markers at the beginning of `tail`; else everything up to eos_token.
fn ending(tail: &str, eos: &str, limit: usize) -> Option<Ending> {
    let mut at = tail.len() - tail.trim_start().len();
    let mut marker = None;
    for _ in 0..limit.min(8) {
        let Some(length) = marker_at(&tail[at..], eos) else {
            break;
        };
        marker = Some(&tail[at..at + length]);
        at += length;
    }
    if marker.is_none() && !eos.is_empty() {
        at = tail.find(eos)? + eos.len();
        marker = Some(eos);
    }
    Some(Ending {
        region: tail[..at].to_owned(),
        marker: marker?.to_owned(),
    })
}

/// Length of a special-token-like text at the beginning of `text`: eos_token, `<...>` or `[/INST]` and its like.
pub(super) fn marker_at(text: &str, eos: &str) -> Option<usize> {
    if !eos.is_empty() && text.starts_with(eos) {
        return Some(eos.len());
    }
    let end = match text.as_bytes().first()? {
        b'<' => text.find('>')?,
        b'[' => text.find(']')?,
        _ => return None,
    };
    let inner = &text[1..end];
    let plain = !inner.is_empty() && end < LONGEST_MARKER && !inner.contains(char::is_whitespace);
    let square = text.starts_with('[') && !inner.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c == '/');
    (plain && !square).then_some(end + 1)
}

/// `at`, or the beginning of the marker that `at` would cut in two.
pub(super) fn whole_marker(text: &str, at: usize) -> usize {
    match text[..at].rfind('<') {
        Some(open) if at < text.len() && !text[open..at].contains('>') => open,
        _ => at,
    }
}
