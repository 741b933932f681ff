//! The crate's own source files as text, for the tests that read them.

use std::path::{Path, PathBuf};

/// A source file: its path below `src` and its text.
pub struct SourceFile {
    pub path: PathBuf,
    pub text: String,
}

impl SourceFile {
    /// The room the file belongs to: the first folder, or the file's stem for files directly in `src`.
    pub fn room(&self) -> String {
        let first = self.path.iter().next().expect("a path below src");
        first.to_string_lossy().trim_end_matches(".rs").to_owned()
    }
}

/// Every `.rs` file below `src`, sorted by path.
pub fn source_files() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.len() > 20, "found only {} source files", files.len());
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) {
    for entry in std::fs::read_dir(folder).expect("a readable source folder") {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("UTF-8 source");
            files.push(SourceFile {
                path: path.strip_prefix(root).expect("below src").to_owned(),
                text,
            });
        }
    }
}

/// The text without comments, string contents and character literals; line breaks stay, so line numbers hold.
pub fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = match skipped(bytes, at) {
            Some(end) => end.min(bytes.len()),
            None => {
                code.push(bytes[at]);
                at += 1;
                continue;
            }
        };
        code.push(b' ');
        code.extend(bytes[at..end].iter().filter(|byte| **byte == b'\n'));
        at = end;
    }
    String::from_utf8(code).expect("cut at ASCII only")
}

/// Where the comment, string or character literal that starts at `at` ends; `None` where code goes on.
fn skipped(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let find = |from: usize, what: &[u8]| {
        rest[from..]
            .windows(what.len())
            .position(|w| w == what)
            .map_or(bytes.len(), |p| at + from + p + what.len())
    };
    let after_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => Some(find(2, b"\n").saturating_sub(1).max(at + 2)),
        [b'/', b'*', ..] => Some(find(2, b"*/")),
        [b'"', ..] => Some(end_of_string(bytes, at + 1)),
        [b'r', b'"' | b'#', ..] if !after_word || (at > 0 && bytes[at - 1] == b'b') => {
            let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
            if rest.get(1 + hashes) != Some(&b'"') {
                return None;
            }
            let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
            Some(find(2 + hashes, &close))
        }
        [b'\'', b'\\', _, ..] => Some(find(3, b"'")),
        [b'\'', quoted @ ..] => {
            let width = match quoted.first()? {
                0..=0x7f => 1,
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            (quoted.get(width) == Some(&b'\'')).then_some(at + width + 2)
        }
        _ => None,
    }
}

fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

#[test]
fn comments_and_strings_are_not_code() {
    let text = "a // b::c\n/* d\n */ e \"f::g \\\" h\" 'x' '\\'' r#\"i \" j\"# k 'static l \"é\" 'é' m";
    let code = code_only(text);
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words, ["a", "e", "k", "'static", "l", "m"]);
    assert_eq!(code.lines().count(), text.lines().count());
}
