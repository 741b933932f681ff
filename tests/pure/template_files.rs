//! The Markdown files of `tests/templates`: a conversation, and for each mode the rendered text with what is learned in ⟦ ⟧, or the
//! refusal, and what the row says about itself. BURNISH_UPDATE_TEMPLATES=1 writes what is rendered now into the files.
use std::fmt::Write;
use std::path::Path;

use burnish::template::{Clock, Mode, RenderOptions, Rendered, Template, Vars, render};

use crate::template_golden::conversation;

/// A file before its sections of modes, and the modes that it asks for.
struct Page {
    /// Everything before the first section.
    head: String,
    modes: Vec<(String, Mode)>,
    template: Template,
    vars: Vars,
    conversation: serde_json::Value,
    prompt: bool,
}

/// The inside of the first block of a language.
fn block<'a>(text: &'a str, language: &str) -> Option<&'a str> {
    let (_, after) = text.split_once(&format!("```{language}\n"))?;
    Some(after.split_once("\n```")?.0)
}

fn read(name: &str, text: &str) -> Page {
    let head = text.find("\n## ").map_or(text, |at| &text[..at]);
    let settings = || head.lines().filter_map(|l| l.strip_prefix("- ")?.split_once(": "));
    let mut vars = Vars::new();
    let mut builtin = None;
    let mut prompt = false;
    for (key, value) in settings() {
        let value = value.trim_matches('`').to_owned();
        match key {
            "template" => builtin = Template::builtin(&value),
            "add_generation_prompt" => prompt = value == "true",
            _ => drop(vars.insert(key.to_owned(), value)),
        }
    }
    let own = block(head, "jinja").map(|source| Template {
        name: name.to_owned(),
        source: source.to_owned(),
    });
    let modes = text.lines().filter_map(|l| l.strip_prefix("## Mode "));
    let modes = modes.map(|m| (m.to_owned(), serde_json::from_value(serde_json::json!(m)).unwrap()));
    let json = block(head, "json").unwrap_or_else(|| panic!("{name} has no conversation"));
    Page {
        head: head.to_owned(),
        modes: modes.collect(),
        template: own
            .or(builtin)
            .unwrap_or_else(|| panic!("{name} names no template and holds none")),
        vars,
        conversation: serde_json::from_str(json).unwrap_or_else(|e| panic!("{name}: {e}")),
        prompt,
    }
}

/// The text with what is learned in brackets, and a sign at its end.
fn shown(rendered: &Rendered) -> String {
    let mut out = String::new();
    let mut open = false;
    for span in &rendered.spans {
        if span.supervised != open {
            out.push(if span.supervised { '⟦' } else { '⟧' });
            open = span.supervised;
        }
        out += &rendered.text[span.start..span.end];
    }
    out + if open { "⟧∎" } else { "∎" }
}

/// The file as it should be.
fn written(page: &Page) -> String {
    let mut out = page.head.trim_end().to_owned();
    for (name, mode) in &page.modes {
        let options = RenderOptions {
            mode: *mode,
            vars: page.vars.clone(),
            add_generation_prompt: page.prompt,
            clock: Clock::At(jiff::civil::date(2025, 1, 2).at(3, 4, 5, 0)),
            hurried: false,
        };
        out.truncate(out.trim_end().len());
        let _ = write!(out, "\n\n## Mode {name}\n\n");
        match render(&page.template, &conversation(&page.conversation), &options) {
            Ok(rendered) => {
                let _ = write!(out, "```text\n{}\n```\n", shown(&rendered));
                for problem in &rendered.problems {
                    let _ = write!(out, "\n- {problem}");
                }
            }
            Err(error) => {
                let _ = write!(out, "Refused: {error}");
            }
        }
    }
    out.trim_end().to_owned() + "\n"
}

#[test]
fn templates_do_what_their_pages_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates");
    let update = std::env::var_os("BURNISH_UPDATE_TEMPLATES").is_some();
    let mut pages = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let page = read(&name, &text);
        assert!(!page.modes.is_empty(), "{name} asks for no mode");
        let now = written(&page);
        if update {
            std::fs::write(&file, &now).unwrap();
        }
        assert_eq!(
            now,
            if update { now.clone() } else { text },
            "{name}: BURNISH_UPDATE_TEMPLATES=1 rewrites it"
        );
        pages += 1;
    }
    assert!(pages >= 12, "only {pages} pages");
}
