//! Rendering agrees with transformers' apply_chat_template: text, refusals and generation blocks, character by character.
//! `tests/golden/templates` is a selection; GOLDEN_TEMPLATES names another folder of the same form.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burnish::data::{Conversation, Kind, Message, Role, Source, Split};
use burnish::template::{Clock, Mode, RenderOptions, Template, Vars, render};
use serde_json::Value;

pub fn folder() -> PathBuf {
    std::env::var_os("GOLDEN_TEMPLATES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/templates"),
        PathBuf::from,
    )
}

pub fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A conversation of conversations.json.
pub fn conversation(value: &Value) -> Conversation {
    let message = |m: &Value| {
        let role = match m["role"].as_str().unwrap() {
            "system" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => Role::Tool,
        };
        let mut message = Message::new(role, m["content"].as_str().unwrap());
        message.reasoning = m["reasoning_content"].as_str().map(str::to_owned);
        message.tool_calls = m.get("tool_calls").cloned();
        message.name = m["name"].as_str().map(str::to_owned);
        message.tool_call_id = m["tool_call_id"].as_str().map(str::to_owned);
        message.weight = m["weight"].as_f64().map(|w| w as f32);
        message
    };
    Conversation {
        messages: value["messages"].as_array().unwrap().iter().map(message).collect(),
        tools: value.get("tools").cloned(),
        documents: value.get("documents").cloned(),
        kind: Kind::Chat,
        source: Source {
            file: Arc::new("conversations.json".into()),
            line: 1,
            row: 0,
        },
        split: Split::Train,
    }
}

/// Characters inside the spans.
fn characters(spans: &[(usize, usize)]) -> Vec<usize> {
    let mut all: Vec<usize> = spans.iter().flat_map(|(start, end)| *start..*end).collect();
    all.sort_unstable();
    all
}

/// What differs in one case; None when nothing does.
fn compare(template: &Template, vars: &Vars, conversation: &Conversation, case: &Value) -> Option<String> {
    let prompt = case["add_generation_prompt"].as_bool().unwrap();
    let clock = Clock::At(jiff::civil::date(2025, 1, 2).at(3, 4, 5, 0));
    let options = RenderOptions {
        mode: Mode::Template,
        vars: vars.clone(),
        add_generation_prompt: prompt,
        clock,
        hurried: false,
    };
    let rendered = render(template, conversation, &options);
    let Some(expected) = case["rendered"].as_str() else {
        return rendered.is_ok().then(|| "rendered, but must be refused".to_owned());
    };
    let rendered = match rendered {
        Ok(rendered) => rendered,
        Err(e) => return Some(e.to_string()),
    };
    if rendered.text != expected {
        let same = rendered
            .text
            .bytes()
            .zip(expected.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        let show = |t: &str| {
            String::from_utf8_lossy(&t.as_bytes()[same.saturating_sub(40)..t.len().min(same + 60)]).into_owned()
        };
        return Some(format!(
            "text differs at byte {same}:\n    got      {:?}\n    expected {:?}",
            show(&rendered.text),
            show(expected)
        ));
    }
    let whole: String = rendered.spans.iter().map(|s| &rendered.text[s.start..s.end]).collect();
    if whole != rendered.text {
        return Some("the spans do not cover the text".to_owned());
    }
    let spans = case["generation_char_spans"].as_array()?;
    let expected: Vec<_> = spans
        .iter()
        .map(|s| (s[0].as_u64().unwrap() as usize, s[1].as_u64().unwrap() as usize))
        .collect();
    let chars = |byte: usize| rendered.text[..byte].chars().count();
    let got: Vec<_> = rendered
        .spans
        .iter()
        .filter(|s| s.supervised)
        .map(|s| (chars(s.start), chars(s.end)))
        .collect();
    (characters(&got) != characters(&expected)).then(|| format!("spans {got:?}, expected {expected:?}"))
}

#[test]
fn templates_render_as_transformers_does() {
    let folder = folder();
    let conversations = json(&folder.join("conversations.json"));
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "jinja"));
    files.sort();
    let (mut cases, mut failures) = (0, Vec::new());
    for file in &files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let template = Template {
            name: name.clone(),
            source: std::fs::read_to_string(file).unwrap(),
        };
        let golden = json(&file.with_extension("json"));
        let special = golden["special_tokens"].as_object().unwrap();
        let vars: Vars = special
            .iter()
            .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
            .collect();
        for case in golden["cases"].as_array().unwrap() {
            cases += 1;
            let which = case["conversation"].as_str().unwrap();
            let conversation = conversation(&conversations["conversations"][which]);
            if let Some(what) = compare(&template, &vars, &conversation, case) {
                failures.push(format!(
                    "{name} {which} prompt={}: {what}",
                    case["add_generation_prompt"]
                ));
            }
        }
    }
    assert!(
        files.len() >= 8 && cases > 80,
        "only {cases} cases in {}",
        folder.display()
    );
    assert!(
        failures.is_empty(),
        "{} of {cases} cases differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
