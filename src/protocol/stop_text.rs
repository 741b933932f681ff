//! Stop texts in one line, as people type them. Knows nothing of jobs.

/// A stop text as people type it in one line: `\n`, `\t` and `\\` are a line break, a tab and a backslash.
pub fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let meant = match (c, chars.peek()) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('t')) => '\t',
            ('\\', Some('\\')) => '\\',
            _ => {
                out.push(c);
                continue;
            }
        };
        chars.next();
        out.push(meant);
    }
    out
}

/// The other way: a text as one line that [`unescape`] reads back. A backslash that cannot be misread stays single, so that a line
/// can be typed character by character.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\n', _) => out.push_str("\\n"),
            ('\t', _) => out.push_str("\\t"),
            ('\\', Some('n' | 't' | '\\' | '\n' | '\t')) => out.push_str("\\\\"),
            _ => out.push(c),
        }
    }
    out
}
