//! Values as Python writes them: str() and repr(). Knows values, not templates.
use std::fmt::Write;

use minijinja::Value;
use minijinja::value::{Tuple, ValueKind};

use super::lazy::Lazy;

/// Containers inside containers that are written out; Python's own have no such limit.
const DEEPEST: usize = 100;

/// str(): a text is itself, an undefined value is nothing.
pub(super) fn text(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => {
            let mut out = String::new();
            write_value(&mut out, value, 0);
            out
        }
    }
}

/// Appends repr() of a value inside a container, or str() of one that is no text.
fn write_value(out: &mut String, value: &Value, depth: usize) {
    match value.kind() {
        ValueKind::String => write_string(out, value.as_str().unwrap_or_default()),
        ValueKind::Number if !value.is_integer() => {
            out.push_str(&float(f64::try_from(value.clone()).unwrap_or(f64::NAN)));
        }
        ValueKind::Map | ValueKind::Seq | ValueKind::Iterable if depth > DEEPEST => out.push_str("..."),
        ValueKind::Map if value.as_object().is_some_and(|o| o.try_iter_pairs().is_some()) => {
            write_map(out, value, depth);
        }
        ValueKind::Seq | ValueKind::Iterable => write_list(out, value, depth),
        _ => {
            let _ = write!(out, "{value}");
        }
    }
}

fn write_map(out: &mut String, value: &Value, depth: usize) {
    let pairs = value.as_object().and_then(|o| o.try_iter_pairs());
    out.push('{');
    for (i, (key, item)) in pairs.into_iter().flatten().enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        write_value(out, &key, depth + 1);
        out.push_str(": ");
        write_value(out, &item, depth + 1);
    }
    out.push('}');
}

fn write_list(out: &mut String, value: &Value, depth: usize) {
    if let Some(name) = value.downcast_object_ref::<Lazy>().map(Lazy::type_name) {
        let _ = write!(out, "<{name} object>");
        return;
    }
    let tuple = value.downcast_object_ref::<Tuple>().is_some();
    let items: Vec<Value> = value.try_iter().into_iter().flatten().collect();
    out.push(if tuple { '(' } else { '[' });
    for (i, item) in items.iter().enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        write_value(out, item, depth + 1);
    }
    out.push_str(match (tuple, items.len()) {
        (true, 1) => ",)",
        (true, _) => ")",
        (false, _) => "]",
    });
}

/// repr() of a text: single quotes unless only those stand in it.
fn write_string(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if printable(c) => out.push(c),
            c => {
                let code = c as u32;
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
}

/// str.isprintable(): Rust's debug form escapes the same characters behind the first of a text.
fn printable(c: char) -> bool {
    matches!(c, ' '..='~') || !c.is_ascii() && !format!("{:?}", format_args!("a{c}").to_string()).contains("\\u{")
}

/// repr() of a float: the shortest digits, with an exponent below 1e-4 and from 1e16.
pub(super) fn float(x: f64) -> String {
    if x.is_nan() {
        return "nan".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let magnitude = x.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{x:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    let text = x.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}
