//! `{% generation %}` tags rewritten to filter blocks, which every Jinja engine knows; white space control, trim_blocks
//! and line numbers stay as they were. Knows Jinja's delimiters, nothing of conversations.

/// The filter that wraps a generation block in marks; its arguments are variables so that a render without marks can pass
/// empty ones.
pub(super) const FILTER: &str = "__generation";
/// Variable with the mark before a generation block.
pub(super) const OPEN_VAR: &str = "__generation_open";
/// Variable with the mark after it.
pub(super) const CLOSE_VAR: &str = "__generation_close";

/// The source with its generation tags rewritten, and how many blocks it has. Line ends become `\n`, as in Python's Jinja.
pub(super) fn rewrite(source: &str) -> (String, usize) {
    let source = &source.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(source.len() + 64);
    let mut rest = source.as_str();
    let mut blocks = 0;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match rest.as_bytes().get(1) {
            Some(b'#') => rest.find("#}").map_or(rest.len(), |end| end + 2),
            Some(b'{') => inside(rest, "}}"),
            Some(b'%') => {
                let length = inside(rest, "%}");
                let tag = &rest[..length];
                match tag_name(tag) {
                    "raw" => length + raw_length(&rest[length..]),
                    name @ ("generation" | "endgeneration") => {
                        let start = tag.find(name).unwrap_or_default();
                        out.push_str(&tag[..start]);
                        if name == "generation" {
                            blocks += 1;
                            out.push_str(&format!("filter {FILTER}({OPEN_VAR}, {CLOSE_VAR})"));
                        } else {
                            out.push_str("endfilter");
                        }
                        out.push_str(&tag[start + name.len()..]);
                        rest = &rest[length..];
                        continue;
                    }
                    _ => length,
                }
            }
            _ => 1,
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out.push_str(rest);
    (out, blocks)
}

/// Length of a tag that starts at the beginning of `text`, its closing delimiter included; delimiters in strings do not
/// count.
fn inside(text: &str, close: &str) -> usize {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut at = 2;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(q), b) if b == q => quote = None,
            (None, b @ (b'"' | b'\'')) => quote = Some(b),
            (None, _) if bytes[at..].starts_with(close.as_bytes()) => return at + close.len(),
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
