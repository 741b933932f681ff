//! A small byte-level tokenizer, trained in the test, in a model folder of its own.
use std::path::Path;

use burnish::tokens::Tokenizer;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, models::ModelWrapper, models::TrainerWrapper};

/// What the tokenizer is trained on.
const LINES: [&str; 6] = [
    "What is the capital of France? The capital of France is Paris.",
    "The colour of the sky is blue, and the colour of grass is green.",
    "user assistant system model You are a helpful assistant.",
    "One two three four five six seven eight nine ten.",
    "### User: ### Assistant: Hello! How are you? I am fine.",
    "If the answer is yes, say yes; if the answer is no, say no.",
];

/// Special tokens of the fixture, in the order of their ids.
pub const SPECIAL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/// Writes `tokenizer.json` alone.
pub fn write_tokenizer(folder: &Path) {
    let mut tokenizer = tokenizers::Tokenizer::new(BPE::default());
    tokenizer.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
    tokenizer.with_decoder(Some(ByteLevel::default()));
    // Trims offsets, as GPT-2's own post-processor does.
    tokenizer.with_post_processor(Some(ByteLevel::new(false, true, true)));
    let trainer = BpeTrainer::builder()
        .vocab_size(420)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(SPECIAL.iter().map(|t| AddedToken::from(*t, true)).collect())
        .build();
    let mut trainer = TrainerWrapper::BpeTrainer(trainer);
    assert!(matches!(tokenizer.get_model(), ModelWrapper::BPE(_)));
    tokenizer
        .train(&mut trainer, LINES.iter().map(|l| l.to_string()))
        .unwrap();
    tokenizer.save(folder.join("tokenizer.json"), false).unwrap();
}

/// Writes a model folder's tokenizer files, with `extra` files beside them, and loads it.
pub fn load_with(extra: &[(&str, &str)]) -> (tempfile::TempDir, Tokenizer) {
    let folder = tempfile::tempdir().unwrap();
    write_tokenizer(folder.path());
    for (name, text) in extra {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let tokenizer = Tokenizer::load(folder.path()).unwrap();
    (folder, tokenizer)
}

/// A tokenizer whose eos_token is `<|im_end|>`.
pub fn tokenizer() -> Tokenizer {
    let config = r#"{"bos_token": "<|endoftext|>", "eos_token": {"content": "<|im_end|>"}, "pad_token": null}"#;
    load_with(&[("tokenizer_config.json", config)]).1
}
