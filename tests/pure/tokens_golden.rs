//! Ids, offsets, decodings and masks of real tokenizers, as transformers gives them. The tokenizer files are large and of other licences:
//! `sh tests/fetch tokenizers smollm2 gemma3` brings them.
use std::path::Path;

use burnish::template::{Clock, Mode, RenderOptions, Template, Vars};
use burnish::tokens::{Tokenizer, prepare};
use serde_json::Value;

use crate::fetched::asset;
use crate::template_golden::{conversation, folder, json};

/// The tokenizer that the golden files call `name`.
fn tokenizer(name: &str) -> Option<Tokenizer> {
    // Of SmolLM2 the packages that can be fetched hold the GGUF file alone.
    let path = match name {
        "smollm2" => asset("smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")?,
        _ => asset("tokenizers", &format!("tokenizers/{name}"))?,
    };
    Some(Tokenizer::load(&path).unwrap())
}

fn numbers(value: &Value) -> Vec<u32> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_u64().unwrap() as u32)
        .collect()
}

/// [start, end) pairs.
fn pairs(value: &Value) -> Vec<(usize, usize)> {
    let number = |v: &Value| v.as_u64().unwrap() as usize;
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (number(&p[0]), number(&p[1])))
        .collect()
}

/// One text against the reference: ids, offsets in code points, decodings, streaming.
pub fn check_string(tokenizer: &Tokenizer, case: &Value) {
    let text = case["text"].as_str().unwrap();
    let (ids, offsets) = tokenizer.encode(text).unwrap();
    assert_eq!(ids, numbers(&case["ids"]), "{text:?}");
    let chars = |byte: usize| text[..byte].chars().count();
    let offsets: Vec<_> = offsets
        .iter()
        .map(|(start, end)| (chars(*start), chars(*end)))
        .collect();
    assert_eq!(offsets, pairs(&case["offsets"]), "{text:?}");
    assert_eq!(tokenizer.decode(&ids), case["decoded_keep_special"].as_str().unwrap());
    assert_eq!(
        tokenizer.decode_plain(&ids),
        case["decoded_skip_special"].as_str().unwrap()
    );
    let mut stream = tokenizer.stream();
    let mut streamed = stream.push_all(&ids);
    streamed.push_str(&stream.finish());
    assert_eq!(streamed, tokenizer.decode(&ids), "{text:?} as a stream");
}

#[test]
fn strings_encode_and_decode_as_the_references_do() {
    let golden = json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tokens.json"));
    for (name, reference) in golden["tokenizers"].as_object().unwrap() {
        let Some(tokenizer) = tokenizer(name) else { continue };
        assert_eq!(
            tokenizer.vocab_size() as u64,
            reference["vocab_size_with_added"].as_u64().unwrap(),
            "{name}"
        );
        for case in reference["strings"].as_array().unwrap() {
            check_string(&tokenizer, case);
        }
    }
}

#[test]
fn conversations_encode_as_the_references_do() {
    let folder = folder();
    let conversations = json(&folder.join("conversations.json"));
    let mut loaded: Vec<(String, Tokenizer)> = Vec::new();
    let (mut cases, mut failures) = (0, Vec::new());
    for file in std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()) {
        if file.extension().is_none_or(|e| e != "jinja") {
            continue;
        }
        let golden = json(&file.with_extension("json"));
        let name = golden["tokenizer_for_ids"].as_str().unwrap().to_owned();
        if !loaded.iter().any(|(known, _)| *known == name) {
            let Some(tokenizer) = tokenizer(&name) else { continue };
            loaded.push((name.clone(), tokenizer));
        }
        let tokenizer = &loaded.iter().find(|(known, _)| *known == name).unwrap().1;
        let template = Template {
            name,
            source: std::fs::read_to_string(&file).unwrap(),
        };
        let special = golden["special_tokens"].as_object().unwrap();
        let vars: Vars = special
            .iter()
            .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
            .collect();
        for case in golden["cases"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|c| c.get("input_ids").is_some())
        {
            cases += 1;
            let which = case["conversation"].as_str().unwrap();
            let row = conversation(&conversations["conversations"][which]);
            let clock = Clock::At(jiff::civil::date(2025, 1, 2).at(3, 4, 5, 0));
            let prompt = case["add_generation_prompt"].as_bool().unwrap();
            let options = RenderOptions {
                mode: Mode::Template,
                vars: vars.clone(),
                add_generation_prompt: prompt,
                clock,
                hurried: false,
            };
            let (rendered, encoded) = prepare(&template, &row, tokenizer, &options).unwrap();
            let learned: Vec<usize> = pairs(&case["assistant_token_spans"])
                .iter()
                .flat_map(|(s, e)| *s..*e)
                .collect();
            let mask: Vec<usize> = (0..encoded.mask.len()).filter(|i| encoded.mask[*i]).collect();
            if encoded.ids != numbers(&case["input_ids"]) {
                failures.push(format!("{} {which}: ids differ", file.display()));
            } else if mask != learned {
                let odd = |i: &usize| mask.contains(i) != learned.contains(i);
                let shown: Vec<_> = (0..encoded.ids.len())
                    .filter(odd)
                    .map(|i| {
                        (
                            i,
                            &rendered.text[encoded.offsets[i].0..encoded.offsets[i].1],
                            mask.contains(&i),
                        )
                    })
                    .collect();
                failures.push(format!("{} {which}: mask differs at {shown:?}", file.display()));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {cases} cases differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
