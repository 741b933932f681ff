//! Byte pair encoding with merges from the file: GPT-2's over bytes, and Gemma 4's over characters. Knows one file's lists.

use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::replace::Replace;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{SplitDelimiterBehavior, Tokenizer};

use super::kinds::Vocabulary;
use super::splits::{self, Splits};
use crate::formats::gguf::Gguf;

/// Builds the tokenizer; errors are sentences without the file's name.
pub(super) fn build(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Tokenizer, String> {
    let is_gemma = gguf.text("tokenizer.ggml.model").as_deref() == Some("gemma4");
    let name = gguf.text("tokenizer.ggml.pre");
    let name = if is_gemma {
        "gemma4"
    } else {
        name.as_deref().unwrap_or("default")
    };
    let splits = splits::of(name).ok_or_else(|| {
        format!("Its tokenizer splits text in a way that is not known (tokenizer.ggml.pre is \"{name}\"), so its ids would be wrong. Use the model's Hugging Face folder instead.")
    })?;
    let ids: Vocab = vocabulary.ids();
    let model = BPE::builder()
        .vocab_and_merges(ids, merges(gguf)?)
        .ignore_merges(splits.whole_words)
        .byte_fallback(is_gemma)
        .build()
        .map_err(|e| format!("Its merges do not fit its tokens ({e}). Download or convert the file again."))?;
    let mut tokenizer = Tokenizer::new(model);
    let steps = steps(&splits, !is_gemma).map_err(|e| format!("Its text cannot be split: {e}."))?;
    tokenizer.with_pre_tokenizer(Some(Sequence::new(steps)));
    if is_gemma {
        super::spm::spaces_as_marks(&mut tokenizer, false)?;
        let back = Replace::new("▁", " ").map_err(|e| e.to_string())?;
        let decoders = vec![back.into(), ByteFallback::new().into(), Fuse::new().into()];
        tokenizer.with_decoder(Some(Decoders::new(decoders)));
    } else {
        tokenizer.with_decoder(Some(ByteLevel::new(false, false, false)));
    }
    Ok(tokenizer)
}

fn steps(splits: &Splits, bytes: bool) -> tokenizers::Result<Vec<PreTokenizerWrapper>> {
    let mut steps = Vec::new();
    for pattern in splits.patterns {
        let split = Split::new(
            SplitPattern::Regex((*pattern).to_owned()),
            SplitDelimiterBehavior::Isolated,
            false,
        )?;
        steps.push(split.into());
    }
    if bytes {
        steps.push(ByteLevel::new(false, false, false).into());
    }
    Ok(steps)
}

/// Pairs in the order of their ranks. A pair is two tokens with a space between them; the first byte is never that space.
fn merges(gguf: &Gguf) -> Result<Vec<(String, String)>, String> {
    let merges = gguf
        .texts("tokenizer.ggml.merges")
        .ok_or("Its tokenizer has no merges (tokenizer.ggml.merges). Convert the model again.")?;
    let pair = |(number, merge): (usize, &[u8])| {
        let text = String::from_utf8_lossy(merge);
        let first = text.chars().next().map_or(0, char::len_utf8);
        let split = text[first..].find(' ').map(|at| at + first);
        let at = split.ok_or_else(|| {
            format!(
                "Its merge {} (\"{text}\") is no pair. Convert the model again.",
                number + 1
            )
        })?;
        Ok((text[..at].to_owned(), text[at + 1..].to_owned()))
    };
    merges.enumerate().map(pair).collect()
}
