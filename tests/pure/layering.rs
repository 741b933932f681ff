//! Who may know whom: reads every `use` and inline path of the source and holds it against the table of ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{SourceFile, code_only, source_files};

/// Rooms without tensors, which the window may use.
const BURN_FREE: &[&str] = &[
    "audit", "batch", "data", "formats", "hub", "protocol", "recipe", "template", "tokens", "world",
];

/// Rooms that compute; they run in worker processes only.
const COMPUTE: &[&str] = &[
    "adapter",
    "engine",
    "evaluate",
    "export",
    "infer",
    "kernels",
    "model",
    "objective",
    "train",
];

/// Each room and the rooms it may name.
fn table() -> BTreeMap<&'static str, Vec<&'static str>> {
    let with = |rooms: &[&'static str], more: &[&'static str]| [rooms, more].concat();
    BTreeMap::from([
        ("data", vec![]),
        ("template", vec!["data"]),
        ("formats", vec![]),
        ("tokens", vec!["data", "template", "formats"]),
        ("batch", vec!["tokens"]),
        // A recipe names the supervision mode, which the template room defines.
        ("recipe", vec!["formats", "template"]),
        ("audit", vec!["data", "template", "tokens", "batch"]),
        ("hub", vec!["formats"]),
        // A finding is what the audit room says; events carry it as it is.
        ("protocol", vec!["recipe", "audit"]),
        ("world", vec!["data", "tokens"]),
        ("kernels", vec![]),
        ("model", vec!["kernels", "formats"]),
        // PEFT's config and the safetensors container of an adapter belong to the formats room.
        ("adapter", vec!["model", "formats"]),
        ("objective", vec!["kernels", "model", "batch"]),
        // Full training changes the model itself; checkpoints are safetensors; the step of 8-bit AdamW is a kernel.
        (
            "train",
            vec!["objective", "adapter", "model", "formats", "batch", "recipe", "kernels"],
        ),
        ("infer", vec!["model", "adapter", "template", "tokens"]),
        (
            "evaluate",
            vec!["infer", "objective", "data", "template", "tokens", "batch"],
        ),
        (
            "export",
            vec!["adapter", "model", "infer", "recipe", "template", "tokens", "batch"],
        ),
        (
            "engine",
            // A job names a recipe, models are found by the formats room, and a download is a job.
            with(
                COMPUTE,
                &[
                    "data", "template", "tokens", "batch", "audit", "protocol", "recipe", "formats", "hub",
                ],
            ),
        ),
        // Which checkpoint is whole is the formats room's to say; what waits in the queue are recipes.
        ("worker", vec!["protocol", "engine", "formats", "recipe"]),
        ("session", with(BURN_FREE, &["worker"])),
        ("ui", with(BURN_FREE, &["session"])),
        ("serve", with(BURN_FREE, &["session", "worker"])),
        ("cli", with(BURN_FREE, &["session", "worker"])),
    ])
}

/// Foreign crates that only some rooms may name.
fn foreign() -> BTreeMap<&'static str, Vec<&'static str>> {
    let gpu = COMPUTE.to_vec();
    BTreeMap::from([
        ("burn", gpu.clone()),
        ("burn_wgpu", gpu.clone()),
        ("cubecl", gpu.clone()),
        ("wgpu", gpu),
        ("egui", vec!["ui"]),
        ("eframe", vec!["ui"]),
        ("egui_plot", vec!["ui"]),
        ("egui_extras", vec!["ui"]),
        ("pulldown_cmark", vec!["ui"]),
        ("rfd", vec!["ui"]),
    ])
}

/// An identifier-and-`::` view of code: every path as its list of segments, `use` trees flattened.
fn paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let (bytes, mut at, mut line) = (code.as_bytes(), 0, 1);
    while at < bytes.len() {
        if bytes[at] == b'\n' {
            line += 1;
        }
        if is_name(bytes[at]) && (at == 0 || !is_name(bytes[at - 1])) {
            let start = at;
            let end = tree(code, at, Vec::new(), line, &mut found);
            line += code[start..end].matches('\n').count();
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn space(code: &str, at: usize) -> usize {
    at + code[at..].len() - code[at..].trim_start().len()
}

/// Reads `a::b::{c, d::e}` at `at`, pushes every leaf path, returns where it ends.
fn tree(code: &str, at: usize, mut prefix: Vec<String>, line: usize, found: &mut Vec<(usize, Vec<String>)>) -> usize {
    let bytes = code.as_bytes();
    let end = (at..bytes.len()).find(|i| !is_name(bytes[*i])).unwrap_or(bytes.len());
    prefix.push(code[at..end].to_owned());
    let after = space(code, end);
    if !code[after..].starts_with("::") {
        found.push((line, prefix));
        return end;
    }
    let next = space(code, after + 2);
    match bytes.get(next) {
        Some(byte) if is_name(*byte) => tree(code, next, prefix, line, found),
        Some(b'{') => group(code, next + 1, &prefix, line, found),
        _ => {
            found.push((line, prefix));
            after + 2
        }
    }
}

fn group(code: &str, mut at: usize, prefix: &[String], line: usize, found: &mut Vec<(usize, Vec<String>)>) -> usize {
    let bytes = code.as_bytes();
    while at < bytes.len() && bytes[at] != b'}' {
        at = if is_name(bytes[at]) {
            tree(code, at, prefix.to_vec(), line, found)
        } else {
            at + 1
        };
    }
    (at + 1).min(bytes.len())
}

/// Breaches of the table and of the foreign-crate rules in one file.
fn breaches(file: &SourceFile) -> BTreeSet<String> {
    let (room, table, foreign) = (file.room(), table(), foreign());
    let mut wrong = BTreeSet::new();
    if matches!(room.as_str(), "lib" | "main") {
        return wrong;
    }
    let Some(allowed) = table.get(room.as_str()) else {
        return BTreeSet::from([format!("{}: room `{room}` is not in the table", file.path.display())]);
    };
    // Inside a room, `super::super::…` could climb out unseen; paths between rooms start at the crate.
    let depth = file.path.iter().count() - usize::from(file.path.ends_with("mod.rs"));
    for (line, path) in paths(&code_only(&file.text)) {
        let at = format!("{}:{line}", file.path.display());
        let climbs = path.iter().take_while(|segment| *segment == "super").count();
        if climbs >= depth.max(1) {
            wrong.insert(format!("{at}: `{}` leaves the room by super", path.join("::")));
        }
        let first = path[0].as_str();
        if room == "worker"
            && path.get(1).is_some_and(|other| other == "engine")
            && !file.path.ends_with("worker/child.rs")
        {
            wrong.insert(format!("{at}: only the child side (worker/child.rs) may know `engine`"));
        }
        if let (true, Some(other)) = (matches!(first, "crate" | "burnish"), path.get(1)) {
            let known = table.contains_key(other.as_str());
            if known && *other != room && !allowed.contains(&other.as_str()) {
                wrong.insert(format!("{at}: `{room}` may not know `{other}` ({})", path.join("::")));
            }
        }
        if let (Some(rooms), true) = (foreign.get(first), path.len() > 1)
            && !rooms.contains(&room.as_str())
        {
            wrong.insert(format!("{at}: `{room}` may not use the crate `{first}`"));
        }
    }
    wrong
}

/// `pub use` of something that another room defines.
fn foreign_exports(file: &SourceFile) -> Vec<String> {
    let code = code_only(&file.text);
    let room = file.room();
    code.lines()
        .enumerate()
        .filter_map(|(index, line)| Some((index, line.trim_start().strip_prefix("pub")?)))
        .filter_map(|(index, line)| {
            let line = line.trim_start();
            let line = line
                .strip_prefix('(')
                .and_then(|rest| rest.split_once(')'))
                .map_or(line, |(_, rest)| rest);
            Some((index, line.trim_start().strip_prefix("use ")?.trim_start_matches("::")))
        })
        .filter(|(_, path)| {
            let mut segments = path.split("::").map(str::trim);
            matches!(segments.next(), Some("crate" | "burnish")) && segments.next().is_none_or(|other| other != room)
        })
        .map(|(index, path)| format!("{}:{}: pub use {path}", file.path.display(), index + 1))
        .collect()
}

#[test]
fn rooms_know_only_whom_they_may() {
    let wrong: Vec<String> = source_files().iter().flat_map(breaches).collect();
    assert!(wrong.is_empty(), "{} breaches of the layering: {wrong:#?}", wrong.len());
}

#[test]
fn no_room_exports_another_rooms_things() {
    let wrong: Vec<String> = source_files().iter().flat_map(foreign_exports).collect();
    assert!(wrong.is_empty(), "pub use across rooms: {wrong:#?}");
}

#[test]
fn the_flow_has_no_circle() {
    let table = table();
    for room in table.keys() {
        let (mut seen, mut open) = (BTreeSet::new(), vec![*room]);
        while let Some(next) = open.pop() {
            for other in table[next].iter().filter(|other| **other != next) {
                assert!(other != room, "`{room}` knows itself by way of `{next}`");
                if seen.insert(*other) {
                    open.push(other);
                }
            }
        }
    }
}

#[test]
fn a_breach_is_seen_however_it_is_spelt() {
    let file = |path: &str, text: &str| SourceFile {
        path: path.into(),
        text: text.to_owned(),
    };
    let seen = |path: &str, text: &str| breaches(&file(path, text)).len();
    assert_eq!(seen("data/x.rs", "use crate::tokens::Encoded;"), 1);
    assert_eq!(
        seen("data/x.rs", "use crate::{data::Row, tokens::{self, Encoded}, batch};"),
        3
    );
    assert_eq!(
        seen(
            "data/x.rs",
            "use std::fs; fn f() { let x = crate\n  :: model::load(); }"
        ),
        1
    );
    assert_eq!(seen("ui/x.rs", "fn f(d: &burnish::engine::Row) {}"), 1);
    assert_eq!(
        seen("ui/x.rs", "use egui::Ui; use crate::session::State; let wgpu = 1;"),
        0
    );
    assert_eq!(seen("session/x.rs", "use egui::Ui; fn f() { burn::tensor::x() }"), 2);
    assert_eq!(seen("data/x/y.rs", "use super::super::super::tokens::A;"), 1);
    assert_eq!(
        seen(
            "data/x.rs",
            "use super::Row; // use crate::tokens::A\n const T: &str = \"crate::tokens\";"
        ),
        0
    );
    assert_eq!(seen("attic/x.rs", ""), 1);
    assert_eq!(seen("worker/child.rs", "use crate::engine::Engine;"), 0);
    assert_eq!(seen("worker/handle.rs", "use crate::engine::Engine;"), 1);
    let exported = |text: &str| foreign_exports(&file("batch/mod.rs", text)).len();
    assert_eq!(exported("pub use crate::tokens::Encoded;"), 1);
    assert_eq!(exported("pub(crate) use crate::tokens::Encoded;"), 1);
    assert_eq!(
        exported("pub use self::order::Order;\npub use crate::batch::order::Order;\nuse crate::tokens::E;"),
        0
    );
}
