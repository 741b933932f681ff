//! House rules that a reader of the source can check: sizes, headers, nothing unfinished.

use super::source::{code_only, source_files};

const MOST_LINES: usize = 500;

#[test]
fn every_file_opens_with_what_it_is() {
    let bare: Vec<String> = source_files()
        .iter()
        .filter(|file| !file.text.starts_with("//!"))
        .map(|file| file.path.display().to_string())
        .collect();
    assert!(bare.is_empty(), "files without a //! header: {bare:#?}");
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = source_files()
        .iter()
        .filter(|file| file.text.lines().count() > MOST_LINES)
        .map(|file| format!("{}: {} lines", file.path.display(), file.text.lines().count()))
        .collect();
    assert!(long.is_empty(), "files longer than {MOST_LINES} lines: {long:#?}");
}

#[test]
fn nothing_is_left_unfinished() {
    let words = ["todo!(", "unimplemented!(", "dbg!(", "allow(dead_code", "allow(unused"];
    let mut found = Vec::new();
    for file in source_files() {
        for (number, line) in code_only(&file.text).lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                found.push(format!("{}:{}: {word}", file.path.display(), number + 1));
            }
        }
        for (number, line) in file.text.lines().enumerate() {
            if ["TODO", "FIXME", "XXX"]
                .iter()
                .any(|word| line.contains(&format!("// {word}")))
            {
                found.push(format!("{}:{}: {}", file.path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "unfinished code: {found:#?}");
}
