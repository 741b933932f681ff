//! Text with its invisible characters made visible. Knows no drawing.

/// A run of text: as it is, or marks that stand for invisible characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub text: String,
    /// Does it stand for something invisible?
    pub mark: bool,
}

/// Longest text that is shown of one token, in characters.
const LONGEST: usize = 40;

/// Splits text into what is seen and marks: `·` space, `↵` newline, `→` tab; other control and format characters by
/// their code. Very long text ends in `…`.
pub fn visible(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut push = |text: &str, mark: bool| match parts.last_mut() {
        Some(last) if last.mark == mark => last.text.push_str(text),
        _ => parts.push(Part {
            text: text.into(),
            mark,
        }),
    };
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            push("\u{2026}", true);
            break;
        }
        match mark(c) {
            Some(mark) => push(&mark, true),
            None => push(c.encode_utf8(&mut [0; 4]), false),
        }
    }
    parts
}

/// What stands for an invisible character.
fn mark(c: char) -> Option<String> {
    match c {
        ' ' => Some("\u{B7}".into()),
        '\n' => Some("\u{21B5}".into()),
        '\t' => Some("\u{2192}".into()),
        '\r' => Some("\\r".into()),
        '\u{A0}' => Some("\u{B7}\u{B7}".into()),
        c if c.is_control() || is_format(c) || (c.is_whitespace() && c != ' ') => Some(format!("\\u{:X}", c as u32)),
        _ => None,
    }
}

/// Characters without width: joiners, marks of direction, byte order marks.
fn is_format(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}
