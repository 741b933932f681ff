//! Real templates (those that TRL and llama.cpp ship) render a standard set of conversations as transformers does: texts,
//! refusals and generation blocks by their digests. `sh tests/fetch templates` brings the templates.
use std::path::Path;

use burnish::template::{Clock, Mode, RenderOptions, Rendered, Template, TemplateError, Vars, render};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::fetched::asset;
use crate::template_golden::{conversation, json};

/// The first 16 digits of SHA-256.
fn digest(text: &[u8]) -> String {
    Sha256::digest(text)
        .iter()
        .take(8)
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// What `real_templates.py` takes the digest of.
fn whole(rendered: &Rendered, marked: bool) -> String {
    let chars = |byte: usize| rendered.text[..byte].chars().count();
    let mut blocks: Vec<(usize, usize)> = Vec::new();
    for span in rendered.spans.iter().filter(|s| s.supervised && marked) {
        match blocks.last_mut() {
            Some(last) if last.1 == chars(span.start) => last.1 = chars(span.end),
            _ => blocks.push((chars(span.start), chars(span.end))),
        }
    }
    let blocks = blocks.iter().map(|(start, end)| format!("\0{start}-{end}"));
    rendered.text.clone() + &blocks.collect::<String>()
}

/// The variables of a case: special tokens and what the conversation adds.
pub fn variables(golden: &Value, conversation: &Value) -> Vars {
    let extra = conversation.get("variables").and_then(Value::as_object);
    let special = golden["special_tokens"].as_object();
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    special
        .into_iter()
        .chain(extra)
        .flatten()
        .map(|(k, v)| (k.clone(), text(v)))
        .collect()
}

/// One case as Burnish renders it.
pub fn rendered(
    template: &Template,
    golden: &Value,
    name: &str,
    prompt: bool,
    mode: Mode,
) -> Result<Rendered, TemplateError> {
    let value = &golden["conversations"][name];
    let options = RenderOptions {
        mode,
        vars: variables(golden, value),
        add_generation_prompt: prompt,
        clock: Clock::At(golden["clock"].as_str().unwrap().parse().unwrap()),
        hurried: false,
    };
    render(template, &conversation(value), &options)
}

/// The stored expectations.
pub fn golden() -> Value {
    json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/real_templates.json"))
}

/// A fetched template.
pub fn template(folder: &Path, name: &str) -> Template {
    let source = std::fs::read_to_string(folder.join(format!("{name}.jinja")));
    Template {
        name: name.to_owned(),
        source: source.unwrap_or_else(|e| panic!("{name}: {e}")),
    }
}

#[test]
fn real_templates_render_as_transformers_does() {
    let Some(folder) = asset("templates", "templates") else {
        return;
    };
    let golden = golden();
    let (mut cases, mut failures) = (0, Vec::new());
    for (name, row) in golden["templates"].as_object().unwrap() {
        let template = template(&folder, name);
        assert_eq!(
            digest(template.source.as_bytes()),
            row[0].as_str().unwrap(),
            "{name} is another version"
        );
        let marked = template.source.contains("{% generation") || template.source.contains("{%- generation");
        let mut expected = row[1].as_str().unwrap().split(' ');
        for case in golden["conversations"].as_object().unwrap().keys() {
            for prompt in [false, true] {
                cases += 1;
                let result = rendered(&template, &golden, case, prompt, Mode::Template);
                let got = result
                    .as_ref()
                    .map_or("-".to_owned(), |r| digest(whole(r, marked).as_bytes()));
                let expected = expected.next().unwrap();
                if got != expected {
                    let why = result.err().map_or_else(String::new, |e| format!(": {e}"));
                    failures.push(format!("{name} {case}{}{why}", if prompt { "+prompt" } else { "" }));
                }
            }
        }
        assert_eq!(expected.next(), None);
    }
    assert!(cases > 14_000, "only {cases} cases");
    assert!(
        failures.is_empty(),
        "{} of {cases} cases differ (python3 tests/golden/real_templates.py --show TEMPLATE CASE prints what is right):\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn expressions_give_what_python_gives() {
    let golden = golden();
    let pairs = json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/expressions.json"));
    let mut failures = Vec::new();
    for pair in pairs.as_array().unwrap() {
        let template = Template {
            name: "expression".to_owned(),
            source: pair[0].as_str().unwrap().to_owned(),
        };
        let got = rendered(&template, &golden, "system", false, Mode::Assistant);
        if got.as_ref().ok().map(|r| r.text.as_str()) != pair[1].as_str() {
            failures.push(format!(
                "{}\n  got  {:?}\n  want {:?}",
                template.source,
                got.map(|r| r.text),
                pair[1]
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
