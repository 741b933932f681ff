//! The quick way through byte-level tokenizers gives exactly the library's ids and offsets, whatever the text.

use std::path::Path;

use burnish::tokens::Tokenizer;

use super::tokens_fixture::load_with;
use crate::fetched::asset;

/// Texts that split, compose, repeat and break characters in every way that has gone wrong somewhere.
fn tricky() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "   ",
        "\n",
        "\n\n \n\t x",
        " a",
        "a ",
        "a  b   c    d",
        "Hello, world! It's we've I'LL don't 'tis '' 's",
        "1 12 123 1234 12345678 3.14159 １２３ ٣٤٥ Ⅷ ½",
        "naïve café façade Ünïcödé — “quotes” … ‘single’",
        "cafe\u{301} e\u{301}\u{302} \u{1100}\u{1161}\u{11A8} \u{212B} \u{2126} \u{F900}",
        "日本語のテキスト、中文字符。한국어 문장",
        "Привет, мир! Ёжик й Й",
        "Ελληνικά ά ώ \u{37E}",
        "العربية שלום हिन्दी ไทย ",
        "👍🏽 👨‍👩‍👧‍👦 🇫🇷 ☃️ \u{1F600}\u{1F600}",
        "\u{0}\u{1}\u{7F}\u{80}\u{A0}\u{AD}\u{FEFF}\u{200B}\u{2028}\u{3000}x",
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\nYes<|im_end|>\n",
        "<|im_start|<|im_start|>|> <|im_end|><|im_end|> <|endoftext|>x<|endoftext|>",
        "<｜User｜>hi<｜Assistant｜>there<｜end▁of▁sentence｜> <｜User｜",
        "<start_of_turn>model\n<end_of_turn>\n<bos><eos><unk>",
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nx<|eot_id|>",
        "fn main() {\n    let x = vec![1, 2, 3]; // a comment\n\tprintln!(\"{x:?}\");\r\n}\r\n",
        "https://example.org/a_b-c?d=e&f=%20#g  someone@example.org",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "ĠĠ Ċ ġ Ġthe",
    ]
    .map(String::from)
    .to_vec();
    texts.push("word ".repeat(300));
    texts.push("é".repeat(200));
    // Every short mixture of pieces that meet at awkward places.
    let pieces = ["a", " ", "\n", "1", "é", "日", "<|im_end|>", "'s", ".", "\u{301}", "👍"];
    for first in pieces {
        for second in pieces {
            for third in pieces {
                texts.push(format!("{first}{second}{third}"));
                texts.push(format!("{first} {second}{third}{first}"));
            }
        }
    }
    texts
}

/// Compares with the library, twice, so that words are both new and known.
fn compare(file: &Path, ours: &Tokenizer) {
    let mut library = tokenizers::Tokenizer::from_file(file).unwrap();
    library.with_truncation(None).unwrap();
    library.with_padding(None);
    for text in tricky().iter().chain(&tricky()) {
        let expected = library.encode(text.as_str(), false).unwrap();
        let (ids, offsets) = ours.encode(text).unwrap();
        assert_eq!(ids, expected.get_ids(), "{}: ids of {text:?}", file.display());
        assert_eq!(
            offsets,
            expected.get_offsets(),
            "{}: offsets of {text:?}",
            file.display()
        );
    }
}

#[test]
fn a_small_tokenizer_that_trims_offsets() {
    let (folder, tokenizer) = load_with(&[]);
    compare(&folder.path().join("tokenizer.json"), &tokenizer);
}

#[test]
fn tokenizers_of_real_models() {
    for name in ["qwen3", "llama3_1", "gptoss", "deepseek_v3", "gemma3"] {
        let Some(folder) = asset("tokenizers", &format!("tokenizers/{name}")) else {
            continue;
        };
        compare(&folder.join("tokenizer.json"), &Tokenizer::load(&folder).unwrap());
    }
}

#[test]
fn tokenizers_of_real_gguf_files() {
    let names = [
        "gpt-2",
        "llama-bpe",
        "qwen2",
        "deepseek-coder",
        "starcoder",
        "command-r",
        "mpt",
        "llama-spm",
    ];
    let mut files = names
        .map(|name| ("vocab", format!("vocab/ggml-vocab-{name}.gguf")))
        .to_vec();
    files.push(("smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf".into()));
    for (what, name) in files {
        let Some(file) = asset(what, &name) else { continue };
        let tokenizer = Tokenizer::load(&file).unwrap();
        let folder = tempfile::tempdir().unwrap();
        tokenizer.save(folder.path()).unwrap();
        compare(&folder.path().join("tokenizer.json"), &tokenizer);
    }
}
