//! `{% generation %}` tags rewritten to filter blocks, which every Jinja engine knows; white space control, trim_blocks
//! and line numbers stay as they were. Knows Jinja's delimiters, nothing of conversations.

use super::guard::{self, Odd};
use super::words::Balance;

/// The filter that wraps a generation block in marks; its arguments are variables so that a render without marks can pass
/// empty ones.
pub(super) const FILTER: &str = "__generation";
/// Variable with the mark before a generation block.
pub(super) const OPEN_VAR: &str = "__generation_open";
/// Variable with the mark after it.
pub(super) const CLOSE_VAR: &str = "__generation_close";

/// A source as the engine gets it.
pub(super) struct Rewritten {
    pub source: String,
    /// How many generation blocks it has.
    pub blocks: usize,
    /// The line of the first tag that is written in a way unknown here.
    pub unknown: Option<usize>,
    /// Line and words of a tag that is not closed or closes nothing; only a source that does not parse has a reason to ask.
    pub unbalanced: Option<(usize, String)>,
}

/// The longest source; the longest known template has 32,000 bytes.
const LONGEST: usize = 512 << 10;
/// `elif` in a row: each is a branch inside the one before.
const BRANCHES: usize = 200;

/// Rewrites a source; the line of what is too long or too deep for any parser is the error. Line ends become `\n`, as in
/// Python's Jinja.
pub(super) fn rewrite(source: &str) -> Result<Rewritten, usize> {
    if source.len() > LONGEST {
        return Err(1);
    }
    let source = &source.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = Reader {
        rest: source,
        line: 1,
        branches: Vec::new(),
        balance: Balance::default(),
        out: Rewritten {
            source: String::with_capacity(source.len() + source.len() / 4),
            blocks: 0,
            unknown: None,
            unbalanced: None,
        },
    };
    while let Some(at) = reader.rest.find('{') {
        reader.copy(at);
        match reader.rest.as_bytes().get(1) {
            Some(b'#') => reader.copy(reader.rest.find("#}").map_or(reader.rest.len(), |end| end + 2)),
            Some(b'{') => reader.tag(true)?,
            Some(b'%') => reader.tag(false)?,
            _ => reader.copy(1),
        }
    }
    reader.copy(reader.rest.len());
    reader.out.unbalanced = reader.balance.fault();
    Ok(reader.out)
}

/// A source on its way from `rest` to `out`.
struct Reader<'a> {
    rest: &'a str,
    /// Of the beginning of `rest`.
    line: usize,
    /// `elif` so far in each open `if`.
    branches: Vec<usize>,
    balance: Balance,
    out: Rewritten,
}

impl Reader<'_> {
    /// Leaves a part behind, as it is.
    fn copy(&mut self, length: usize) {
        self.out.source.push_str(&self.rest[..length]);
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        let (part, rest) = self.rest.split_at(length);
        self.line += part.matches('\n').count();
        self.rest = rest;
    }

    /// Takes a tag, guarded; a `raw` one with what is in it.
    fn tag(&mut self, is_expression: bool) -> Result<(), usize> {
        let close = if is_expression { "}}" } else { "%}" };
        let length = inside(self.rest, close);
        let tag = &self.rest[..length];
        // A bracket that is not closed swallows the end too; the engine tells about brackets.
        if !tag.ends_with(close) && !tag.lines().next().unwrap_or_default().contains(close) {
            self.balance.unclosed(&tag[..2], close, self.line);
        }
        let name = if is_expression { "" } else { tag_name(tag) };
        match (name, self.branches.last_mut()) {
            ("if", _) => self.branches.push(0),
            ("elif", Some(last)) if *last >= BRANCHES => return Err(self.line),
            ("elif", Some(last)) => *last += 1,
            ("endif", _) => drop(self.branches.pop()),
            _ => {}
        }
        self.balance.tag(name, self.line, name == "set" && !tag.contains('='));
        if name == "raw" {
            self.copy(length + raw_length(&self.rest[length..]));
            return Ok(());
        }
        match guarded(tag, is_expression, &mut self.out.blocks) {
            Ok(tag) => self.out.source.push_str(&tag),
            Err(Odd::TooDeep) => return Err(self.line),
            Err(Odd::Unknown) => {
                self.out.unknown.get_or_insert(self.line);
                self.out.source.push_str(tag);
            }
        }
        self.skip(length);
        Ok(())
    }
}

/// One tag with its expressions guarded and `generation` as a filter block.
fn guarded(tag: &str, is_expression: bool, blocks: &mut usize) -> Result<String, Odd> {
    let control = |b: Option<&u8>| usize::from(matches!(b, Some(b'-' | b'+')));
    let bytes = tag.as_bytes();
    let end = if is_expression { "}}" } else { "%}" };
    let Some(close) = tag.len().checked_sub(2).filter(|at| *at >= 2 && tag.ends_with(end)) else {
        return Err(Odd::Unknown);
    };
    let start = 2 + control(bytes.get(2));
    let end = (close - control(bytes.get(close - 1)).min(close - start.min(close))).max(start);
    let body = &tag[start..end];
    let body = match tag_name(tag) {
        _ if is_expression => guard::expression(body)?,
        "generation" => {
            *blocks += 1;
            body.replacen("generation", &format!("filter {FILTER}({OPEN_VAR}, {CLOSE_VAR})"), 1)
        }
        "endgeneration" => body.replacen("endgeneration", "endfilter", 1),
        _ => guard::statement(body)?,
    };
    Ok(format!("{}{body}{}", &tag[..start], &tag[end..]))
}

/// Length of a tag that starts at the beginning of `text`, its closing delimiter included; delimiters in strings and brackets
/// do not count.
fn inside(text: &str, close: &str) -> usize {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut depth = 0_usize;
    let mut at = 2;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(q), b) if b == q => quote = None,
            (None, b @ (b'"' | b'\'')) => quote = Some(b),
            (None, _) if depth == 0 && bytes[at..].starts_with(close.as_bytes()) => return at + close.len(),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// The first word of a `{% ... %}` tag.
fn tag_name(tag: &str) -> &str {
    let body = tag.trim_start_matches("{%").trim_start_matches(['-', '+']).trim_start();
    let end = body
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(body.len());
    &body[..end]
}

/// Length of raw text up to its `{% endraw %}` tag.
fn raw_length(text: &str) -> usize {
    let mut at = 0;
    while let Some(found) = text[at..].find("{%") {
        at += found;
        if tag_name(&text[at..]) == "endraw" {
            return at;
        }
        at += 2;
    }
    text.len()
}
