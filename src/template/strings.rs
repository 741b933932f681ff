//! The methods of Python's strings, within the limits. Knows texts, not templates.
use minijinja::formatting::{FormatStyle, format};
use minijinja::value::{Kwargs, Tuple, from_args};
use minijinja::{Error, Value};

use super::limits::{self, refusal};
use super::ops;

/// A method by its name; None for one that is not here.
pub(super) fn method(text: &str, name: &str, args: &[Value]) -> Option<Result<Value, Error>> {
    let one = || from_args::<(&str,)>(args).map(|(a,)| a);
    let part = |found: Option<usize>, sep: &str, from_left: bool| match found {
        Some(at) => three(&text[..at], sep, &text[at + sep.len()..]),
        None if from_left => three(text, "", ""),
        None => three("", "", text),
    };
    Some(match name {
        "removeprefix" => one().map(|p| Value::from(text.strip_prefix(p).unwrap_or(text))),
        "removesuffix" => one().map(|p| Value::from(text.strip_suffix(p).unwrap_or(text))),
        "partition" => one().map(|sep| part(text.find(sep), sep, true)),
        "rpartition" => one().map(|sep| part(text.rfind(sep), sep, false)),
        "split" => split(text, args),
        "rsplit" => rsplit(text, args),
        "splitlines" => from_args::<(Option<bool>,)>(args).map(|(keep,)| list(&lines(text, keep.unwrap_or(false)))),
        "strip" => strip(text, args, true, true),
        "lstrip" => strip(text, args, true, false),
        "rstrip" => strip(text, args, false, true),
        "replace" => replace(text, args),
        "join" => from_args::<(&Value,)>(args).and_then(|(items,)| joined(text, items)),
        "format" => ops::modest_widths(text).and_then(|()| format(FormatStyle::StrFormat, text, args).map(Value::from)),
        "swapcase" => {
            let swap = |c: char| {
                if c.is_uppercase() {
                    c.to_lowercase().to_string()
                } else {
                    c.to_uppercase().to_string()
                }
            };
            Ok(Value::from(text.chars().map(swap).collect::<String>()))
        }
        "casefold" => Ok(Value::from(text.to_lowercase())),
        "title" => Ok(Value::from(titled(text))),
        "istitle" => Ok(Value::from(
            text.chars().any(char::is_alphabetic) && titled(text) == text,
        )),
        "isdecimal" => Ok(Value::from(
            !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()),
        )),
        "center" | "ljust" | "rjust" | "zfill" => padded(text, name, args),
        "expandtabs" => from_args::<(Option<usize>,)>(args).and_then(|(tab,)| tabs_expanded(text, tab.unwrap_or(8))),
        "index" => one().and_then(|p| match text.find(p) {
            Some(at) => Ok(Value::from(text[..at].chars().count())),
            None => Err(refusal("the text does not hold what index() looks for")),
        }),
        _ => return None,
    })
}

/// What partition() gives.
fn three(before: &str, sep: &str, after: &str) -> Value {
    Value::from(Tuple::from([before, sep, after].map(Value::from)))
}

/// `str.title()`: a capital after whatever is no letter.
fn titled(text: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match inside {
            true => out.extend(c.to_lowercase()),
            false => out.extend(c.to_uppercase()),
        }
        inside = c.is_alphabetic();
    }
    out
}

/// `center`, `ljust`, `rjust` and `zfill`.
fn padded(text: &str, name: &str, args: &[Value]) -> Result<Value, Error> {
    let (width, fill): (usize, Option<char>) = from_args(args)?;
    let missing = width.saturating_sub(text.chars().count());
    let fill = fill.unwrap_or(if name == "zfill" { '0' } else { ' ' });
    limits::made(text.len().saturating_add(missing.saturating_mul(fill.len_utf8())))?;
    let pad = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    let sign = usize::from(name == "zfill" && text.starts_with(['+', '-']));
    Ok(Value::from(match name {
        "ljust" => format!("{text}{}", pad(missing)),
        // An odd place goes to the left where the width is odd, as in Python.
        "center" => {
            let left = missing / 2 + (missing & width & 1);
            format!("{}{text}{}", pad(left), pad(missing - left))
        }
        _ => format!("{}{}{}", &text[..sign], pad(missing), &text[sign..]),
    }))
}

/// `str.expandtabs(tab)`.
fn tabs_expanded(text: &str, tab: usize) -> Result<Value, Error> {
    limits::made(
        text.len()
            .saturating_add(text.matches('\t').count().saturating_mul(tab)),
    )?;
    let mut out = String::new();
    let mut column = 0;
    for c in text.chars() {
        if c == '\t' {
            let spaces = if tab > 0 { tab - column % tab } else { 0 };
            out.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
        } else {
            out.push(c);
            column = if matches!(c, '\n' | '\r') { 0 } else { column + 1 };
        }
    }
    Ok(Value::from(out))
}

/// What str.strip() takes away: Unicode's white space and four control characters.
pub(super) fn blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `str.strip(chars)` at one end or both.
fn strip(text: &str, args: &[Value], left: bool, right: bool) -> Result<Value, Error> {
    let (chars,): (Option<&str>,) = from_args(args)?;
    let drop = |c: char| chars.map_or_else(|| blank(c), |set| set.contains(c));
    let text = if left { text.trim_start_matches(drop) } else { text };
    Ok(Value::from(if right { text.trim_end_matches(drop) } else { text }))
}

/// `str.replace(old, new, count)`.
fn replace(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (old, new, count): (&str, &str, Option<i64>) = from_args(args)?;
    let count = usize::try_from(count.unwrap_or(-1)).unwrap_or(usize::MAX);
    let found = text.matches(old).take(count).count();
    limits::made(text.len() + found.saturating_mul(new.len()))?;
    Ok(Value::from(text.replacen(old, new, count)))
}

/// `sep.join(items)`; items that are no text are an error, as in Python.
fn joined(sep: &str, items: &Value) -> Result<Value, Error> {
    let mut out = String::new();
    for (i, item) in items.try_iter()?.enumerate() {
        let text = item
            .as_str()
            .ok_or_else(|| refusal("join() takes only texts; `| map('string')` makes them"))?;
        limits::made(sep.len() + text.len())?;
        if i > 0 {
            out += sep;
        }
        out += text;
    }
    Ok(Value::from(out))
}

/// `str.splitlines()`: the line ends of Python.
pub(super) fn lines(text: &str, keep: bool) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    let ends = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    while let Some(at) = rest.find(ends) {
        let end = if rest[at..].starts_with("\r\n") {
            at + 2
        } else {
            at + rest[at..].chars().next().map_or(1, char::len_utf8)
        };
        out.push(&rest[..if keep { end } else { at }]);
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        out.push(rest);
    }
    out
}

/// Arguments of `split` and `rsplit`: separator and the most pieces.
fn split_args(args: &[Value]) -> Result<(Option<String>, usize), Error> {
    let (sep, limit, kwargs): (Option<&str>, Option<i64>, Kwargs) = from_args(args)?;
    let sep = sep.map_or_else(|| kwargs.get::<Option<String>>("sep"), |s| Ok(Some(s.to_owned())))?;
    let limit = limit.map_or_else(|| kwargs.get::<Option<i64>>("maxsplit"), |n| Ok(Some(n)))?;
    kwargs.assert_all_used()?;
    if sep.as_deref() == Some("") {
        return Err(refusal("a text is split at an empty separator"));
    }
    Ok((
        sep,
        usize::try_from(limit.unwrap_or(-1)).map_or(usize::MAX, |n| n.saturating_add(1)),
    ))
}

/// `str.split(sep, maxsplit)`.
fn split(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (sep, pieces) = split_args(args)?;
    let parts: Vec<&str> = match sep {
        Some(sep) => text.splitn(pieces, sep.as_str()).collect(),
        None => {
            let mut parts = Vec::new();
            let mut rest = text.trim_start_matches(blank);
            while !rest.is_empty() && parts.len() + 1 < pieces {
                let end = rest.find(blank).unwrap_or(rest.len());
                parts.push(&rest[..end]);
                rest = rest[end..].trim_start_matches(blank);
            }
            // What is left behind the last split keeps the white space at its end.
            parts.extend((!rest.is_empty()).then_some(rest));
            parts
        }
    };
    limits::listed(parts.len())?;
    Ok(list(&parts))
}

/// `str.rsplit(sep, maxsplit)`.
fn rsplit(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (sep, pieces) = split_args(args)?;
    let mut parts: Vec<&str> = match sep {
        Some(sep) => text.rsplitn(pieces, sep.as_str()).collect(),
        None => {
            let mut parts = Vec::new();
            let mut rest = text.trim_end_matches(blank);
            while !rest.is_empty() && parts.len() + 1 < pieces {
                let start = rest
                    .char_indices()
                    .rfind(|(_, c)| blank(*c))
                    .map_or(0, |(at, c)| at + c.len_utf8());
                parts.push(&rest[start..]);
                rest = rest[..start].trim_end_matches(blank);
            }
            parts.extend((!rest.is_empty()).then_some(rest));
            parts
        }
    };
    parts.reverse();
    limits::listed(parts.len())?;
    Ok(list(&parts))
}

/// A list of strings.
fn list(parts: &[&str]) -> Value {
    parts.iter().map(|p| Value::from(*p)).collect()
}
