//! A template's source in coloured pieces: literal text, tags and what stands inside them. Never fails: a source that
//! is being typed is often broken. Knows no drawing.

/// What a piece of source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexemeKind {
    /// Text that is copied to the output.
    Literal,
    /// `{{`, `%}` and the like.
    Delimiter,
    /// `{# ... #}`.
    Comment,
    /// `if`, `for`, `set` ...
    Keyword,
    /// A variable, attribute, filter or function.
    Name,
    /// A quoted string, quotes included.
    Text,
    /// Numbers, operators, space inside tags.
    Other,
}

/// A piece of a template's source: a byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lexeme {
    pub start: usize,
    pub end: usize,
    pub kind: LexemeKind,
}

const KEYWORDS: [&str; 24] = [
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "in",
    "is",
    "not",
    "and",
    "or",
    "set",
    "endset",
    "macro",
    "endmacro",
    "generation",
    "endgeneration",
    "break",
    "continue",
    "true",
    "false",
    "none",
    "defined",
    "filter",
];

/// Splits a source; the pieces are in order and cover it whole.
pub fn lex(source: &str) -> Vec<Lexeme> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let open = ["{{", "{%", "{#"].iter().filter_map(|o| source[at..].find(o)).min();
        let tag = open.map_or(source.len(), |o| at + o);
        push(&mut pieces, at, tag, LexemeKind::Literal);
        if tag == source.len() {
            break;
        }
        at = match source.as_bytes()[tag + 1] {
            b'#' => comment(source, tag, &mut pieces),
            other => inside(source, tag, if other == b'{' { "}}" } else { "%}" }, &mut pieces),
        };
    }
    pieces
}

fn push(pieces: &mut Vec<Lexeme>, start: usize, end: usize, kind: LexemeKind) {
    if start < end {
        pieces.push(Lexeme { start, end, kind });
    }
}

fn comment(source: &str, start: usize, pieces: &mut Vec<Lexeme>) -> usize {
    let end = source[start..].find("#}").map_or(source.len(), |e| start + e + 2);
    push(pieces, start, end, LexemeKind::Comment);
    end
}

/// A tag from its opening to its closing delimiter. Returns where it ends.
fn inside(source: &str, start: usize, close: &str, pieces: &mut Vec<Lexeme>) -> usize {
    let trim = |at: usize| usize::from(matches!(source.as_bytes().get(at), Some(b'-' | b'+')));
    let mut at = start + 2 + trim(start + 2);
    push(pieces, start, at, LexemeKind::Delimiter);
    while at < source.len() {
        let rest = &source[at..];
        let signed = rest.len() > close.len() && rest.starts_with('-') && rest[1..].starts_with(close);
        if signed || rest.starts_with(close) {
            let end = at + close.len() + usize::from(signed);
            push(pieces, at, end, LexemeKind::Delimiter);
            return end;
        }
        let (length, kind) = item(rest);
        push(pieces, at, at + length, kind);
        at += length;
    }
    at
}

/// The first item of what stands inside a tag: its length in bytes and kind.
fn item(rest: &str) -> (usize, LexemeKind) {
    let first = rest.chars().next().unwrap_or(' ');
    let run = |holds: fn(char) -> bool| rest.find(|c: char| !holds(c)).unwrap_or(rest.len());
    match first {
        '\'' | '"' => (quoted(rest, first), LexemeKind::Text),
        c if c.is_alphabetic() || c == '_' => {
            let length = run(|c| c.is_alphanumeric() || c == '_');
            let keyword = KEYWORDS.contains(&&rest[..length]);
            (length, if keyword { LexemeKind::Keyword } else { LexemeKind::Name })
        }
        c => (c.len_utf8(), LexemeKind::Other),
    }
}

/// Length of a quoted string, quotes included; an open one ends with its line.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\n' => return at,
            c if c == quote && !escaped => return at + 1,
            c => escaped = c == '\\' && !escaped,
        }
    }
    rest.len()
}
