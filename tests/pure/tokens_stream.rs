//! Streaming of byte-fallback tokens: scripts that consist of them come character by character.

use burnish::tokens::Tokenizer;
use serde_json::{Map, Value, json};

/// A SentencePiece-like tokenizer that knows four letters and the space; all else is bytes.
fn tokenizer() -> (tempfile::TempDir, Tokenizer) {
    let mut vocab = Map::new();
    let mut add = |text: String| {
        let id = vocab.len();
        vocab.insert(text, id.into());
    };
    add("<unk>".into());
    (0..=255u8).for_each(|byte| add(format!("<0x{byte:02X}>")));
    ["\u{2581}", "a", "b", "c", "d"].into_iter().for_each(|t| add(t.into()));
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "pre_tokenizer": null, "post_processor": null,
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u{2581}"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "vocab": Value::Object(vocab), "merges": []}
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tokenizer.json"), file.to_string()).unwrap();
    let tokenizer = Tokenizer::load(folder.path()).unwrap();
    (folder, tokenizer)
}

#[test]
fn characters_come_as_soon_as_they_are_whole() {
    let (_folder, tokenizer) = tokenizer();
    let text = "ab ไทย 日本🍲 grüße";
    let (ids, _) = tokenizer.encode(text).unwrap();
    assert!(ids.len() > text.chars().count(), "bytes: {ids:?}");
    let mut stream = tokenizer.stream();
    let (mut out, mut bytes) = (String::new(), 0);
    for id in &ids {
        out.push_str(&stream.push(*id));
        bytes += 1;
        // Every letter and every byte is one token: what came is all that is whole.
        let whole = (0..=bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap();
        assert_eq!(out, text[..whole]);
    }
    assert_eq!(stream.finish(), "");
    assert_eq!(out, tokenizer.decode(&ids));
}

#[test]
fn a_bad_byte_costs_only_itself() {
    let (_folder, tokenizer) = tokenizer();
    let byte = |b: u8| u32::from(b) + 1;
    let letter = tokenizer.id_of("a").unwrap();
    let wanted = "中".bytes().map(byte);
    let ids: Vec<u32> = wanted.chain([byte(0xFF), letter, letter]).collect();
    let mut stream = tokenizer.stream();
    let mut out = stream.push_all(&ids);
    out.push_str(&stream.finish());
    assert_eq!(out, "中\u{fffd}aa");
    assert_eq!(stream.text(), out);
    // Cut inside a character.
    let mut stream = tokenizer.stream();
    assert_eq!(stream.push_all(&[letter, byte(0xE4), byte(0xB8)]), "a");
    assert_eq!(stream.finish(), "\u{fffd}\u{fffd}");
    assert_eq!(stream.finish(), "", "nothing comes twice");
}
