//! Numbers as people say them: thousands separators, sizes, durations, parameter counts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::protocol::StoredAs;

/// `12345` as `12,345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun: `1 row`, `2,000 rows`.
pub fn count(number: usize, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", thousands(number as u64))
}

/// Bytes in decimal units: `98 MB`, `3.1 GB`.
pub fn bytes(number: u64) -> String {
    scaled(number as f64, &["bytes", "kB", "MB", "GB", "TB"])
}

/// How a model is kept in memory: `Q4_1 84 MB, F32 1.2 MB in memory, computed in F32`.
pub fn stored(parts: &[StoredAs]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|p| format!("{} {}", p.layout, bytes(p.bytes)))
        .collect();
    format!("{} in memory, computed in F32", parts.join(", "))
}

/// A parameter count: `4.1 M`, `7.6 B`.
pub fn parameters(number: u64) -> String {
    scaled(number as f64, &["", "k", "M", "B", "T"]).trim_end().to_string()
}

fn scaled(mut value: f64, units: &[&str]) -> String {
    let mut unit = 0;
    // 999.5 would round to "1000".
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 9.95);
    format!("{value:.digits$} {}", units[unit])
}

/// A duration: `4 min`, `2 h 5 min`, `45 s`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min", (whole + 30) / 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A small number such as a learning rate: `2e-4`, `0.05`.
pub fn small(number: f64) -> String {
    if number == 0.0 || number.abs() >= 0.01 {
        let text = format!("{number:.4}");
        return text.trim_end_matches('0').trim_end_matches('.').to_string();
    }
    let text = format!("{number:.1e}");
    text.replace(".0e", "e")
}

/// The name of the first of some files, and how many more there are: `chats.jsonl`, `chats.jsonl and 2 more`.
pub fn file_names<'a>(mut files: impl Iterator<Item = &'a PathBuf>) -> String {
    let first = files.next().and_then(|path| path.file_name());
    let name = first
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    match files.count() {
        0 => name,
        more => format!("{name} and {more} more"),
    }
}

/// A text on one line, cut to so many characters.
pub fn first_words(text: &str, longest: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.chars().count() > longest {
            let mut cut: String = line.chars().take(longest).collect();
            cut.push('…');
            return cut;
        }
    }
    line
}

/// Rows of a step as people find them: `chats.jsonl 3, 17; more.jsonl 5`, counted from 1. `rows` are numbers of the file and the row in it.
pub fn row_names(files: &[PathBuf], rows: &[(usize, usize)]) -> String {
    let mut by_file: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (file, row) in rows {
        by_file.entry(*file).or_default().push((row + 1).to_string());
    }
    let name = |file: &usize| {
        let path = files.get(*file).and_then(|path| path.file_name());
        path.map_or_else(|| format!("file {}", file + 1), |n| n.to_string_lossy().into_owned())
    };
    let parts: Vec<String> = by_file
        .iter()
        .map(|(file, rows)| format!("{} {}", name(file), rows.join(", ")))
        .collect();
    parts.join("; ")
}
