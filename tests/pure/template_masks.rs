//! Masks without markers: what a template without `{% generation %}` blocks teaches equals what its marked variant teaches. TRL
//! ships both of 31 families; five of them are kept here, the others are compared where `sh tests/fetch templates` was run.
use std::path::{Path, PathBuf};

use burnish::template::{Mode, Rendered, Template};
use serde_json::Value;

use crate::fetched::asset;
use crate::template_real::{golden, rendered, template};

/// How many cases ended in which way.
#[derive(Debug, Default, PartialEq)]
struct Count {
    families: usize,
    cases: usize,
    /// The same bytes of the same text are learned.
    equal: usize,
    /// The variants write different texts (reasoning in the history, a token that ends the last turn), of which the same words
    /// of each answer are learned.
    equal_words: usize,
    unsure: usize,
    different: Vec<String>,
}

/// The learned stretches; those that touch are one.
fn learned(rendered: &Rendered) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::new();
    for span in rendered.spans.iter().filter(|s| s.supervised) {
        match out.last_mut() {
            Some(last) if last.1 == span.start => last.1 = span.end,
            _ => out.push((span.start, span.end)),
        }
    }
    out
}

/// The learned words without what only one of two variants writes: a reasoning block before the answer, and in `endless` rows
/// the marker after the last answer.
fn words(rendered: &Rendered, endless: bool) -> Vec<&str> {
    let spans = learned(rendered);
    let mut texts: Vec<&str> = spans.iter().map(|(start, end)| &rendered.text[*start..*end]).collect();
    if endless && let Some(last) = texts.last_mut() {
        *last = last
            .strip_suffix("<|user|>")
            .or(last.strip_suffix("<|observation|>"))
            .unwrap_or(last);
    }
    texts
        .into_iter()
        .map(|t| t.rsplit_once("</think>").map_or(t, |(_, t)| t).trim())
        .collect()
}

/// Does a row say that some of its spans are not certain? That a turn has no end is certain.
fn is_unsure(rendered: &Rendered) -> bool {
    let certain = [
        "ends the text without an end-of-turn token",
        "is not shown by the template as it is",
    ];
    rendered
        .problems
        .iter()
        .any(|p| !certain.iter().any(|c| p.contains(c)) && p.starts_with("Message"))
}

/// What is learned lies in the blocks and reaches to their ends, white space apart; before it a block may say what the prompt for
/// an answer says too.
fn keeps_to_blocks(blocks: &Rendered, ours: &Rendered) -> bool {
    let ours = learned(ours);
    learned(blocks).iter().all(|(start, end)| {
        let end = start + blocks.text[*start..*end].trim_end().len();
        let inside: Vec<_> = ours.iter().filter(|(s, e)| s >= start && *e <= end).collect();
        *start == end || inside.last().is_some_and(|(_, e)| *e == end)
    }) && ours
        .iter()
        .all(|(s, e)| learned(blocks).iter().any(|(start, end)| s >= start && e <= end))
}

fn compare(plain: &Template, marked: &Template, golden: &Value, count: &mut Count) {
    count.families += 1;
    for case in golden["conversations"].as_object().unwrap().keys() {
        let run = |template: &Template, mode| rendered(template, golden, case, false, mode);
        let (Ok(wanted), Ok(got)) = (run(marked, Mode::Assistant), run(plain, Mode::Assistant)) else {
            continue;
        };
        count.cases += 1;
        let something = got.spans.iter().any(|s| s.supervised);
        assert!(
            something || !got.problems.is_empty(),
            "{} {case}: nothing is learned, and nothing said",
            plain.name
        );
        let endless = got.problems.iter().any(|p| p.contains("ends the text without"));
        if wanted.text == got.text && learned(&wanted) == learned(&got) {
            count.equal += 1;
        } else if wanted.text != got.text && words(&wanted, endless) == words(&got, endless) {
            count.equal_words += 1;
        } else if is_unsure(&got) {
            count.unsure += 1;
        } else {
            count.different.push(format!("{} {case}", plain.name));
        }
        if wanted.text == got.text {
            let blocks = run(marked, Mode::Template).unwrap();
            assert!(
                keeps_to_blocks(&blocks, &wanted),
                "{} {case}: not what its blocks hold is learned",
                marked.name
            );
        }
    }
}

/// All families of a folder.
fn families(folder: &Path) -> Count {
    let golden = golden();
    let mut count = Count::default();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if let Some(plain) = name.strip_suffix("_training") {
            compare(&template(folder, plain), &template(folder, &name), &golden, &mut count);
        }
    }
    count
}

#[test]
fn kept_templates_learn_what_their_marked_variants_learn() {
    let count = families(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/masks"));
    println!("{count:?}");
    assert_eq!(count.different, Vec::<String>::new());
    // One template gives an answer that another answer follows no end of its own.
    assert_eq!((count.families, count.unsure), (5, 1), "{count:?}");
    assert!(count.equal > 150 && count.cases > 200, "{count:?}");
}

#[test]
fn all_families_learn_what_their_marked_variants_learn() {
    let Some(folder) = asset("templates", "templates") else {
        return;
    };
    let count = families(&folder.join("trl"));
    println!("{count:?}");
    // This template quotes an argument that is no JSON, its marked variant does not.
    assert_eq!(count.different, ["deepseekv3 tool_arguments_as_text"]);
    assert_eq!((count.families, count.cases), (31, 1377));
    assert!(count.unsure * 100 < count.cases, "{count:?}");
}

/// Over all templates, marked or not: a row that teaches nothing says so, what others say is not learned, and what the assistant
/// says is, unless the row says that it is unsure.
#[test]
fn no_template_teaches_the_wrong_words_silently() {
    let Some(folder) = asset("templates", "templates") else {
        return;
    };
    let golden = golden();
    // The same words by several speakers cannot be told apart by their text here.
    let alike = [
        "special_tokens",
        "same_words",
        "words_of_python",
        "numbers",
        "empty_user",
        "edges",
        "tool_arguments",
        "syntax",
    ];
    let (mut rows, mut unsure) = (0, 0);
    for name in golden["templates"].as_object().unwrap().keys() {
        let template = template(&folder, name);
        for (case, conversation) in golden["conversations"].as_object().unwrap() {
            let Ok(got) = rendered(&template, &golden, case, false, Mode::Assistant) else {
                continue;
            };
            rows += 1;
            let learned: Vec<&str> = learned(&got)
                .iter()
                .map(|(start, end)| &got.text[*start..*end])
                .collect();
            assert!(!learned.is_empty() || !got.problems.is_empty(), "{name} {case}");
            let doubt = is_unsure(&got);
            unsure += usize::from(doubt);
            for message in conversation["messages"].as_array().unwrap() {
                let content = message["content"].as_str().unwrap();
                let words = content.rsplit("</think>").next().unwrap_or(content).trim();
                if words.len() < 3 || alike.contains(&case.as_str()) || !got.text.contains(words) {
                    continue;
                }
                let is_learned = learned.iter().any(|t| t.contains(words));
                let by_assistant = message["role"] == "assistant";
                assert!(
                    is_learned == by_assistant || doubt && by_assistant,
                    "{name} {case}: {words:?}"
                );
            }
        }
    }
    println!("{unsure} of {rows} rows are unsure");
    assert!(
        rows > 6_000 && unsure * 100 < rows,
        "{unsure} of {rows} rows are unsure"
    );
}
