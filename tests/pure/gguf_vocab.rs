//! Tokenizers rebuilt from GGUF files give llama.cpp's ids: every `.inp`/`.out` pair of its vocabulary files whose kind the supported
//! architectures use, and Gemma's file against the tokenizer that it was converted from (`tokens_golden` has SmolLM2's).

use std::path::Path;

use burnish::tokens::Tokenizer;

use crate::fetched::asset;
use crate::formats::golden;
use crate::tokens_golden::check_string;

/// Texts are separated by this line; ids are one line a text.
const SEPARATOR: &str = "\n__ggml_vocab_test__\n";

/// The vocabulary files with oracles. The bert kinds are of encoders, which Burnish does not run.
const NAMES: &[&str] = &[
    "command-r",
    "deepseek-coder",
    "deepseek-llm",
    "falcon",
    "gemma-4",
    "gpt-2",
    "llama-bpe",
    "llama-spm",
    "mpt",
    "phi-3",
    "qwen2",
    "qwen35",
    "refact",
    "starcoder",
];

fn check_oracle(folder: &Path, name: &str) -> Vec<String> {
    let file = folder.join(format!("ggml-vocab-{name}.gguf"));
    let tokenizer = Tokenizer::load(&file).unwrap();
    let read = |end: &str| std::fs::read_to_string(format!("{}.{end}", file.display())).unwrap();
    let (texts, ids) = (read("inp"), read("out"));
    let texts: Vec<&str> = texts.split(SEPARATOR).collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (text, line) in texts.iter().zip(ids.lines()) {
        let expected: Vec<u32> = line.split_whitespace().map(|id| id.parse().unwrap()).collect();
        let (found, _) = tokenizer.encode(text).unwrap();
        seen += 1;
        if found != expected {
            wrong.push(format!("{name} {text:?}: {found:?} instead of {expected:?}"));
        }
    }
    assert!(seen > 40, "{name}: {seen} texts");
    wrong
}

#[test]
fn gguf_tokenizers_give_the_ids_of_llama_cpp() {
    let Some(folder) = asset("vocab", "vocab") else { return };
    let wrong: Vec<String> = NAMES.iter().flat_map(|name| check_oracle(&folder, name)).collect();
    assert!(wrong.is_empty(), "{} texts differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn gemma_tokenises_as_its_hugging_face_tokenizer() {
    let Some(path) = asset("gemma3", "gemma-3-270m-q4_k_m.gguf") else {
        return;
    };
    let golden: serde_json::Value = serde_json::from_slice(&std::fs::read(golden("tokens.json")).unwrap()).unwrap();
    let tokenizer = Tokenizer::load(&path).unwrap();
    for case in golden["tokenizers"]["gemma3"]["strings"].as_array().unwrap() {
        check_string(&tokenizer, case);
        let text = case["text"].as_str().unwrap();
        let alone: Vec<u32> = serde_json::from_value(case["ids_with_special"].clone()).unwrap();
        if !text.starts_with("<bos>") {
            assert_eq!(tokenizer.encode_alone(text).unwrap(), alone, "{text:?}");
        }
    }
}
