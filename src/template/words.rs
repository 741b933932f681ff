//! The engine's errors in plain words: what is wrong, and what was expected. Knows errors and tags, not conversations.
use std::error::Error as _;

use minijinja::{Error, ErrorKind};

use super::jinja::Fault;
use super::python::Refusal;

/// Tags that must be closed.
const PAIRS: [&str; 9] = [
    "for",
    "if",
    "macro",
    "call",
    "filter",
    "block",
    "generation",
    "with",
    "autoescape",
];

/// The tags that are open while a source is read, to tell which one lacks its end.
#[derive(Debug, Default)]
pub(super) struct Balance {
    open: Vec<(String, usize)>,
    /// Line and words of the first end that closes nothing.
    wrong: Option<(usize, String)>,
}

impl Balance {
    /// Takes the next tag; `opens` a block of its own where its name alone does not tell (`set`).
    pub fn tag(&mut self, name: &str, line: usize, opens: bool) {
        if opens || PAIRS.contains(&name) {
            self.open.push((name.to_owned(), line));
            return;
        }
        let Some(closed) = name.strip_prefix("end") else { return };
        match self.open.pop() {
            Some((open, _)) if open == closed => {}
            _ if self.wrong.is_some() => {}
            Some((open, at)) => {
                let what = format!(
                    "Here stands {{% {name} %}}, but {{% {open} %}} of line {at} is still open: {{% end{open} %}} is missing."
                );
                self.wrong = Some((line, what));
            }
            None => {
                let what = format!("Here stands {{% {name} %}}, but no {{% {closed} %}} is open.");
                self.wrong = Some((line, what));
            }
        }
    }

    /// Notes a `{{` or `{%` without its end.
    pub fn unclosed(&mut self, open: &str, close: &str, line: usize) {
        let what = format!("This `{open}` is never closed: `{close}` is missing.");
        self.wrong.get_or_insert((line, what));
    }

    /// Line and words of what is wrong with the tags.
    pub fn fault(mut self) -> Option<(usize, String)> {
        let never = |(open, at): (String, usize)| {
            (
                at,
                format!("{{% {open} %}} is never closed: {{% end{open} %}} is missing."),
            )
        };
        self.wrong.take().or_else(|| self.open.pop().map(never))
    }
}

/// The engine's error in our words.
pub(super) fn fault(error: Error) -> Fault {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(Refusal(message)) = cause.downcast_ref() {
            return Fault::Refused {
                message: message.clone(),
            };
        }
        source = cause.source();
    }
    Fault::Jinja {
        line: error.line().unwrap_or(1),
        message: message(&error),
    }
}

fn message(error: &Error) -> String {
    let detail = error.detail().unwrap_or_default();
    let named = |what: &str, end: &str| {
        let name = detail.strip_suffix(" is unknown").unwrap_or(detail);
        format!(
            "There is no {what} called {}{end}.",
            name.rsplit(' ').next().unwrap_or(name)
        )
    };
    match error.kind() {
        ErrorKind::OutOfFuel => {
            "The template does far more work than a conversation needs. Look for a loop that never ends.".to_owned()
        }
        ErrorKind::SyntaxError => syntax(detail),
        ErrorKind::UnknownFilter => named("filter", ""),
        ErrorKind::UnknownTest => named("test", ""),
        ErrorKind::UnknownFunction => named("function", ""),
        ErrorKind::UnknownMethod => match detail.split_once(" has no method named ") {
            Some((kind, name)) => format!("A {kind} has no method called {name}."),
            None => "This value has no such method.".to_owned(),
        },
        ErrorKind::UndefinedError => match detail.strip_suffix(" is undefined") {
            Some(name) => {
                format!("{name} is undefined, so nothing can be read from it. `is defined` asks for it first.")
            }
            None => "Something is read from an undefined value. `is defined` asks for it first.".to_owned(),
        },
        ErrorKind::TemplateNotFound => "Chat templates stand alone: another file cannot be read from here.".to_owned(),
        ErrorKind::MissingArgument => "A call lacks an argument.".to_owned(),
        ErrorKind::InvalidOperation if !detail.is_empty() => format!("{}.", sentence(detail)),
        kind if detail.is_empty() => format!("{}.", sentence(&kind.to_string())),
        kind => format!("{} ({kind}).", sentence(detail)),
    }
}

/// A syntax error with the signs that people write for what the engine calls them.
fn syntax(detail: &str) -> String {
    if let Some(name) = detail.strip_prefix("unknown statement ") {
        let hint = match name {
            "elsif" | "elseif" | "elf" => " Write {% elif ... %}.",
            _ => "",
        };
        return format!("There is no tag called {{% {name} %}}.{hint}");
    }
    let signs = [
        ("end of variable block", "`}}`"),
        ("end of block", "`%}`"),
        ("expected in", "expected `in`"),
        ("unexpected identifier", "unexpected word"),
        ("unknown `%}`, expected statement", "the tag is empty"),
        ("unexpected end of input", "the template ends too early"),
        (
            "unexpected end of string",
            "the text is not closed: its quote is missing",
        ),
        (
            "unexpected end of comment",
            "the comment is not closed: `#}` is missing",
        ),
        (
            "unexpected end of raw block",
            "{% raw %} is never closed: {% endraw %} is missing",
        ),
    ];
    let text = signs
        .iter()
        .fold(detail.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours));
    if text.is_empty() {
        "This is no Jinja.".to_owned()
    } else {
        format!("{}.", sentence(&text))
    }
}

/// With a capital first letter, unless it begins with a sign.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
