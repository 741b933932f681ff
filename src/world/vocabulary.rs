//! Trains the starter's tokenizer: byte-level BPE, digits one by one. Knows nothing of where its text comes from.
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::{AddedToken, Tokenizer};

/// Entries of the vocabulary, special tokens included.
pub const VOCABULARY: usize = 3072;

/// End of text (also begin and padding), then the marks of ChatML, which the base never sees in training.
pub const SPECIAL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/// Learns a tokenizer from texts.
pub fn train(texts: impl Iterator<Item = String> + Send) -> tokenizers::Result<Tokenizer> {
    let mut tokenizer = Tokenizer::new(BPE::default());
    let bytes = ByteLevel::new(false, true, true);
    tokenizer.with_pre_tokenizer(Some(Sequence::new(vec![Digits::new(true).into(), bytes.into()])));
    tokenizer.with_decoder(Some(ByteLevel::default()));
    let trainer = BpeTrainer::builder()
        .vocab_size(VOCABULARY)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(SPECIAL.iter().map(|text| AddedToken::from(*text, true)).collect())
        .build();
    tokenizer.train(&mut TrainerWrapper::from(trainer), texts)?;
    Ok(tokenizer)
}

/// What tokenizer_config.json says: the special tokens and no chat template.
pub fn config() -> serde_json::Value {
    serde_json::json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": false,
        "add_eos_token": false,
        "add_prefix_space": false,
        "bos_token": SPECIAL[0],
        "eos_token": SPECIAL[0],
        "pad_token": SPECIAL[0],
        "additional_special_tokens": [SPECIAL[1], SPECIAL[2]],
        "clean_up_tokenization_spaces": false,
        "model_max_length": 512,
    })
}
