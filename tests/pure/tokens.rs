//! Loading, encoding, masks and streaming of the tokenizer.
use burnish::data::Role;
use burnish::template::{Rendered, Span, Why};
use burnish::tokens::{Stream, TokenError, Tokenizer, pieces, straddling};

use crate::tokens_fixture::{SPECIAL, load_with, tokenizer, write_tokenizer};

fn span(start: usize, end: usize, supervised: bool) -> Span {
    let (role, why) = if supervised {
        (Role::Assistant, Why::AssistantContent)
    } else {
        (Role::User, Why::OtherRole)
    };
    Span {
        start,
        end,
        role: Some(role),
        message: Some(usize::from(supervised)),
        supervised,
        why,
    }
}

#[test]
fn encodes_without_specials_of_its_own_and_knows_those_in_the_text() {
    let t = tokenizer();
    let (ids, offsets) = t.encode("<|im_start|>user\nHi<|im_end|>").unwrap();
    assert_eq!(t.id_of("<|im_start|>"), Some(ids[0]));
    assert_eq!(t.eos_id(), ids.last().copied());
    assert!(t.is_special(ids[0]) && !t.is_special(ids[1]));
    assert_eq!(offsets[0], (0, 12));
    assert_eq!(t.decode(&ids), "<|im_start|>user\nHi<|im_end|>");
    assert_eq!(t.decode_plain(&ids), "user\nHi");
    assert!(t.vocab_size() <= 420 && t.id_of("<|im_end|>").unwrap() < t.vocab_size() as u32);
    assert_eq!(t.vars()["bos_token"], "<|endoftext|>");
    assert_eq!(t.vars()["eos_token"], "<|im_end|>");
    assert!(!t.vars().contains_key("pad_token"));
    assert_eq!(Some(t.pad_id()), t.eos_id());
}

#[test]
fn a_token_is_learned_when_its_first_byte_is() {
    let t = tokenizer();
    // " blue" is one token whose leading space lies in the context.
    let text = "The colour is blue.".to_owned();
    let cut = text.find("blue").unwrap();
    let spans = vec![span(0, cut, false), span(cut, text.len(), true)];
    let encoded = t
        .encode_rendered(&Rendered {
            text: text.clone(),
            spans,
            problems: vec![],
        })
        .unwrap();
    let covers: String = encoded.offsets.iter().map(|(s, e)| &text[*s..*e]).collect();
    assert_eq!(covers, text, "offsets cover the text, leading spaces included");
    for ((start, _), learned) in encoded.offsets.iter().zip(&encoded.mask) {
        assert_eq!(*learned, *start >= cut);
    }
    let straddle = straddling(&encoded);
    assert_eq!(straddle.len(), 1);
    let (start, end) = encoded.offsets[straddle[0]];
    assert!(text[start..end].starts_with(' ') && start < cut && end > cut);
    let shown = pieces(&encoded, &t);
    assert_eq!(shown.iter().map(|p| p.text.as_str()).collect::<String>(), text);
    assert_eq!(shown.iter().filter(|p| p.straddles).count(), 1);
    assert_eq!(shown.last().unwrap().why, Some(Why::AssistantContent));
    assert_eq!(shown[0].role, Some(Role::User));
}

#[test]
fn a_stream_gives_whole_characters_and_exactly_the_decoded_text() {
    let t = tokenizer();
    let text = "Grüße 👩‍👩‍👧 — the  sky\n\n\tis blue<|im_end|>\u{fffd}ok 日本";
    let (ids, _) = t.encode(text).unwrap();
    let mut stream = Stream::new(&t);
    let mut out = String::new();
    for id in &ids {
        let piece = stream.push(*id);
        assert!(!piece.ends_with('\u{fffd}') || text.contains(&piece));
        out.push_str(&piece);
    }
    out.push_str(&stream.finish());
    assert_eq!(out, text);
    assert_eq!(stream.text(), text);
    // Cut inside a character: the rest comes with `finish`, as U+FFFD.
    let (ids, _) = t.encode("a日").unwrap();
    let mut stream = t.stream();
    assert_eq!(stream.push_all(&ids[..ids.len() - 1]), "a");
    assert_eq!(format!("a{}", stream.finish()), t.decode(&ids[..ids.len() - 1]));
}

#[test]
fn streams_agree_with_decoding_all_for_broken_bytes() {
    let t = tokenizer();
    // Every pair of single-byte tokens, valid UTF-8 or not, must add up to the decoding of both.
    let bytes: Vec<u32> = (SPECIAL.len() as u32..SPECIAL.len() as u32 + 256).collect();
    for step in [1usize, 7, 31, 101] {
        let ids: Vec<u32> = (0..400).map(|i| bytes[(i * step * 13 + i * i) % 256]).collect();
        let mut stream = t.stream();
        let mut out = stream.push_all(&ids);
        out.push_str(&stream.finish());
        assert_eq!(out, t.decode(&ids));
    }
}

#[test]
fn files_beside_the_tokenizer_are_read_in_order_of_weight() {
    let config = r#"{"eos_token": "<|im_end|>", "chat_template": [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]}"#;
    let map = r#"{"eos_token": "<|im_start|>", "bos_token": {"content": "<|im_start|>"}}"#;
    let generation = r#"{"eos_token_id": [0, 2], "pad_token_id": 0}"#;
    let beside = [
        ("tokenizer_config.json", config),
        ("special_tokens_map.json", map),
        ("generation_config.json", generation),
    ];
    let (_folder, t) = load_with(&beside);
    assert_eq!(t.vars()["eos_token"], "<|im_end|>");
    assert_eq!(t.vars()["bos_token"], "<|im_start|>");
    assert_eq!(t.vars()["pad_token"], "<|endoftext|>");
    assert_eq!(t.eos_ids(), [2, 0]);
    assert_eq!(t.chat_template().unwrap().source, "D");
    let (_folder, t) = load_with(&[("tokenizer_config.json", config), ("chat_template.jinja", "J")]);
    assert_eq!(t.chat_template().unwrap().source, "J");
    let (_folder, t) = load_with(&[]);
    assert!(t.chat_template().is_none() && t.eos_id().is_none() && t.vars().is_empty());
}

#[test]
fn missing_and_broken_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Tokenizer::load(folder.path()).unwrap_err();
    let TokenError::Load { path, message } = &error else {
        panic!("{error}")
    };
    assert_eq!(path, &folder.path().join("tokenizer.json"));
    assert!(message.contains("Copy tokenizer.json"), "{message}");
    std::fs::write(folder.path().join("tokenizer.json"), "{}").unwrap();
    assert!(
        Tokenizer::load(folder.path())
            .unwrap_err()
            .to_string()
            .contains("tokenizer.json")
    );
    write_tokenizer(folder.path());
    std::fs::write(folder.path().join("tokenizer_config.json"), "{\n oops").unwrap();
    let message = Tokenizer::load(folder.path()).unwrap_err().to_string();
    assert!(
        message.contains("tokenizer_config.json") && message.contains("Line 2"),
        "{message}"
    );
    assert!(
        Tokenizer::load(&folder.path().join("nowhere"))
            .unwrap_err()
            .to_string()
            .contains("No such file or folder")
    );
}
