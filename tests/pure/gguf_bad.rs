//! Broken GGUF files are refused in words that name what is wrong; nothing panics, nothing is allocated for lengths that are not there.

use std::path::PathBuf;

use burnish::formats::FormatError;
use burnish::formats::gguf::Header;
use burnish::formats::source::Checkpoint;
use burnish::template::RenderOptions;
use burnish::tokens::{Tokenizer, prompt};

use crate::gguf_kit::{Maker, tiny_llama};
use crate::template_golden::conversation;

/// A file on disk for as long as the folder lives.
struct Placed {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn place(bytes: &[u8]) -> Placed {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, bytes).unwrap();
    Placed { _folder: folder, path }
}

/// What is said about a header.
fn said(bytes: &[u8]) -> String {
    Header::read(bytes).map(|_| ()).unwrap_err()
}

/// What is said about a whole file when it is opened as a model.
fn refused(maker: &Maker) -> String {
    let placed = place(&maker.file());
    match Checkpoint::open(&placed.path) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    }
}

/// What is said about a file's tokenizer.
fn tokenizer_refused(maker: &Maker) -> String {
    Tokenizer::load(&place(&maker.file()).path).unwrap_err().to_string()
}

fn assert_says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{said:?} does not say {word:?}");
    }
}

#[test]
fn the_sound_file_is_read_with_the_converters_changes_undone() {
    let placed = place(&tiny_llama().file());
    let Checkpoint { config, weights } = Checkpoint::open(&placed.path).unwrap();
    assert_eq!(config["model_type"], "llama");
    assert_eq!(config["vocab_size"], 8);
    assert_eq!(config["head_dim"], 4);
    assert_eq!(config["rms_norm_eps"], 1e-5);
    assert_eq!(config["tie_word_embeddings"], true);
    let q = weights
        .read_shaped("model.layers.0.self_attn.q_proj.weight", &[8, 8])
        .unwrap();
    let first: Vec<f32> = q.values.iter().step_by(8).map(|v| v / 8.0).collect();
    // The file has a head's rows as (0, 2), (1, 3): pairs of the two halves take turns.
    assert_eq!(first, [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
    let packed = weights.packed("model.layers.0.self_attn.q_proj.weight").unwrap();
    assert_eq!(packed.kind.dequantise(&packed.bytes), q.values);
    assert_eq!(weights.names().len(), 11);
    let tokenizer = Tokenizer::load(&placed.path).unwrap();
    assert_eq!(tokenizer.encode("ab\n").unwrap().0, [6, 5, 7]);
    assert_eq!(tokenizer.decode(&[6, 5, 7]), "ab\n");
    assert_eq!(tokenizer.eos_ids(), [2]);
    assert!(tokenizer.chat_template().unwrap().source.starts_with("{{ bos_token }}"));
}

#[test]
fn texts_that_stand_alone_start_as_the_file_says() {
    let alone = |maker: &Maker, text: &str| {
        Tokenizer::load(&place(&maker.file()).path)
            .unwrap()
            .encode_alone(text)
            .unwrap()
    };
    let add = |flag: bool| tiny_llama().flag("tokenizer.ggml.add_bos_token", flag);
    assert_eq!(
        alone(&tiny_llama(), "ab"),
        [1, 6, 5],
        "SentencePiece models start with bos_token"
    );
    assert_eq!(alone(&add(true), "ab"), [1, 6, 5]);
    assert_eq!(alone(&add(false), "ab"), [6, 5]);
    assert_eq!(alone(&add(true), "<s>ab"), [1, 6, 5], "never twice");
}

#[test]
fn a_tokenizer_that_is_saved_reads_back_the_same() {
    let tokenizer = Tokenizer::load(&place(&tiny_llama().file()).path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    tokenizer.save(folder.path()).unwrap();
    let back = Tokenizer::load(folder.path()).unwrap();
    for text in ["ab\n", "<s>ba</s> a", ""] {
        assert_eq!(back.encode(text).unwrap(), tokenizer.encode(text).unwrap());
        assert_eq!(back.encode_alone(text).unwrap(), tokenizer.encode_alone(text).unwrap());
    }
    assert_eq!(back.decode(&[1, 6, 5, 7]), tokenizer.decode(&[1, 6, 5, 7]));
    assert_eq!(back.vars(), tokenizer.vars());
    assert_eq!(
        back.chat_template().unwrap().source,
        tokenizer.chat_template().unwrap().source
    );
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let tokenizer = Tokenizer::load(&place(&tiny_llama().file()).path).unwrap();
    tokenizer.check_embedding(8).unwrap();
    assert_says(
        &tokenizer.check_embedding(7).unwrap_err().to_string(),
        &["8 tokens", "7 rows"],
    );
}

#[test]
fn a_template_that_does_not_parse_is_named_with_its_line() {
    let maker = tiny_llama()
        .without("tokenizer.chat_template")
        .text("tokenizer.chat_template", "{{ bos_token }}\n{% for m in %}");
    let tokenizer = Tokenizer::load(&place(&maker.file()).path).unwrap();
    let template = tokenizer.chat_template().unwrap();
    let conversation = conversation(&serde_json::json!({"messages": [{"role": "user", "content": "a"}]}));
    let error = prompt(template, &conversation, &tokenizer, &RenderOptions::default()).unwrap_err();
    assert_says(&error.to_string(), &["tokenizer.chat_template", "line 2"]);
}

#[test]
fn every_cut_is_refused() {
    let whole = tiny_llama().file();
    let header = tiny_llama().header().len();
    for length in 0..header {
        said(&whole[..length]);
    }
    assert_says(&said(&whole[..whole.len() - 1]), &["blk.0.ffn_down.weight", "cut off"]);
    assert!(Header::read(&whole).is_ok());
    assert_says(&said(b""), &["Not a GGUF file"]);
    assert_says(
        &Checkpoint::open(&place(b"").path).err().unwrap().to_string(),
        &["model.gguf", "empty"],
    );
}

#[test]
fn versions_and_strangers_are_named() {
    let with_version = |version: u32| [b"GGUF", &version.to_le_bytes()[..], &[0; 32]].concat();
    assert_says(&said(b"PK\x03\x04"), &["Not a GGUF file"]);
    assert_says(&said(&with_version(1)), &["version 1"]);
    assert_says(&said(&with_version(99)), &["version 99"]);
    assert_says(&said(&with_version(3_u32.swap_bytes())), &["Big-endian"]);
}

#[test]
fn absurd_numbers_cost_nothing() {
    let start = |tensors: u64, entries: u64| {
        [
            b"GGUF",
            &3_u32.to_le_bytes()[..],
            &tensors.to_le_bytes(),
            &entries.to_le_bytes(),
        ]
        .concat()
    };
    assert_says(&said(&start(0, u64::MAX)), &["metadata key 1"]);
    assert_says(&said(&start(u64::MAX, 0)), &["tensor 1"]);
    let long = u64::MAX.to_le_bytes();
    assert_says(
        &said(&[start(0, 1), long.to_vec()].concat()),
        &["18446744073709551615 bytes"],
    );
    let strings = [&8_u32.to_le_bytes()[..], &long].concat();
    assert_says(
        &said(&Maker::default().raw("k", 9, &strings).header()),
        &["\"k\"", "strings"],
    );
    let numbers = [&5_u32.to_le_bytes()[..], &long].concat();
    assert_says(
        &said(&Maker::default().raw("k", 9, &numbers).header()),
        &["\"k\"", "bytes are left"],
    );
    let nested = [&9_u32.to_le_bytes()[..], &1_u64.to_le_bytes()].concat();
    assert_says(
        &said(&Maker::default().raw("k", 9, &nested).header()),
        &["array of arrays"],
    );
    assert_says(
        &said(&Maker::default().raw("k", 77, &[]).header()),
        &["unknown type 77"],
    );
    let layers = tiny_llama();
    assert_says(
        &refused(&replaced(layers, "llama.block_count", u32::MAX)),
        &["4294967295 layers"],
    );
}

/// The tiny model with one number changed.
fn replaced(maker: Maker, key: &str, number: u32) -> Maker {
    maker.without(key).number(key, number)
}

#[test]
fn names_that_occur_twice_are_refused() {
    assert_says(
        &said(&tiny_llama().number("llama.block_count", 2).header()),
        &["\"llama.block_count\" occurs twice"],
    );
    let twice = tiny_llama().tensor("output_norm.weight", &[8]);
    assert_says(&said(&twice.file()), &["\"output_norm.weight\" occurs twice"]);
}

#[test]
fn tensors_out_of_place_are_named() {
    let with =
        |shape: &[u64], kind: u32, offset: u64| said(&Maker::default().tensor_at("t", shape, kind, offset).file());
    assert_says(&with(&[4], 0, 1 << 40), &["\"t\"", "behind the end"]);
    assert_says(&with(&[4], 0, u64::MAX - 31), &["\"t\"", "behind the end"]);
    assert_says(&with(&[4], 0, 8), &["\"t\"", "no multiple of 32"]);
    assert_says(&with(&[33], 2, 0), &["\"t\"", "Q4_0", "blocks of 32"]);
    assert_says(&with(&[4], 23, 0), &["\"t\"", "IQ4_XS", "Q4_K"]);
    assert_says(&with(&[4], 99, 0), &["\"t\"", "number 99"]);
    let header = |shape: &[u64]| said(&Maker::default().tensor_at("t", shape, 0, 0).header());
    assert_says(&header(&[u64::MAX, u64::MAX]), &["\"t\"", "cannot be stored"]);
    assert_says(&header(&[1, 1, 1, 1, 1]), &["5 dimensions"]);
    for alignment in [0, 3, u32::MAX] {
        let maker = Maker::default().number("general.alignment", alignment);
        assert_says(&said(&maker.header()), &["general.alignment"]);
    }
}

#[test]
fn models_that_do_not_fit_are_refused_by_name() {
    let other = tiny_llama()
        .without("general.architecture")
        .text("general.architecture", "mamba");
    assert_says(&refused(&other), &["\"mamba\"", "llama, smollm3, qwen2"]);
    assert_says(
        &refused(&tiny_llama().without("general.architecture")),
        &["general.architecture"],
    );
    assert_says(
        &refused(&tiny_llama().without("llama.context_length")),
        &["\"llama.context_length\""],
    );
    assert_says(
        &refused(&tiny_llama().tensor("blk.0.ffn_gate_exps.weight", &[8])),
        &["blk.0.ffn_gate_exps.weight"],
    );
    assert_says(
        &refused(&replaced(tiny_llama(), "llama.attention.head_count", 3)),
        &["q_proj", "[8, 8]", "3 query"],
    );
    assert_says(&refused(&tiny_llama().text("general.type", "adapter")), &["adapter"]);
    assert_says(
        &refused(&tiny_llama().number("split.count", 3)),
        &["3 parts", "llama-gguf-split"],
    );
    assert_says(
        &refused(&tiny_llama().text("llama.rope.scaling.type", "dynamic")),
        &["\"dynamic\""],
    );
    assert_says(
        &refused(&tiny_llama().tensor("rope_freqs.weight", &[3])),
        &["rope_freqs.weight", "3 factors", "2 pairs"],
    );
    assert_says(&refused(&vocabulary_only()), &["vocabulary only"]);
}

fn vocabulary_only() -> Maker {
    tiny_llama().without_tensors()
}

#[test]
fn tensors_missing_or_of_another_shape_are_named_with_both_shapes() {
    let placed = place(&tiny_llama().file());
    let weights = Checkpoint::open(&placed.path).unwrap().weights;
    let error = weights.read_shaped("model.norm.weight", &[16]).unwrap_err();
    assert!(matches!(error, FormatError::Shape { .. }));
    assert_says(&error.to_string(), &["model.gguf", "model.norm.weight", "[8]", "[16]"]);
    let error = weights
        .read_shaped("model.layers.1.mlp.up_proj.weight", &[16, 8])
        .unwrap_err();
    assert!(matches!(error, FormatError::MissingTensor { .. }));
    assert_says(&error.to_string(), &["model.gguf", "model.layers.1.mlp.up_proj.weight"]);
}

#[test]
fn tokenizers_that_cannot_work_are_refused() {
    let says = |maker: Maker, words: &[&str]| assert_says(&tokenizer_refused(&maker), words);
    let base = || tiny_llama();
    says(base().without("tokenizer.ggml.tokens"), &["no tokenizer"]);
    says(base().without("tokenizer.ggml.scores"), &["no scores"]);
    says(
        base()
            .without("tokenizer.ggml.token_type")
            .kinds("tokenizer.ggml.token_type", &[1]),
        &["8 tokens", "1 token types"],
    );
    let kind = |name: &str| {
        base()
            .without("tokenizer.ggml.model")
            .text("tokenizer.ggml.model", name)
    };
    says(kind("bert"), &["\"bert\"", "gpt2, llama"]);
    says(kind("gpt2"), &["no merges"]);
    says(
        kind("gpt2").text("tokenizer.ggml.pre", "unheard-of"),
        &["\"unheard-of\""],
    );
    says(
        kind("gpt2").texts("tokenizer.ggml.merges", &["ab"]),
        &["merge 1", "\"ab\""],
    );
    says(
        kind("gpt2").texts("tokenizer.ggml.merges", &["a x"]),
        &["merges do not fit"],
    );
}
