//! SentencePiece's byte pair encoding: no list of merges, but a score for every token; the pair whose union scores highest is joined first.
//! Knows one file's lists.

use std::collections::HashMap;

use tokenizers::decoders::DecoderWrapper;
use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::decoders::strip::Strip;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::prepend::Prepend;
use tokenizers::normalizers::replace::Replace;
use tokenizers::normalizers::utils::Sequence as Normalizers;
use tokenizers::{NormalizerWrapper, Tokenizer};

use super::kinds::Vocabulary;
use crate::formats::gguf::Gguf;

/// What SentencePiece writes for a space.
const MARK: &str = "▁";

/// Builds the tokenizer; errors are sentences without the file's name.
pub(super) fn build(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Tokenizer, String> {
    if vocabulary.scores.is_empty() {
        return Err("Its tokenizer has no scores (tokenizer.ggml.scores). Convert the model again.".into());
    }
    let ids: Vocab = vocabulary.ids();
    let unknown = gguf
        .whole("tokenizer.ggml.unknown_token_id")
        .and_then(|id| u32::try_from(id).ok());
    let mut builder = BPE::builder()
        .vocab_and_merges(ids, merges(vocabulary))
        .byte_fallback(true)
        .fuse_unk(true);
    if let Some(text) = unknown.and_then(|id| vocabulary.text(id)) {
        builder = builder.unk_token(text.to_owned());
    }
    let model = builder
        .build()
        .map_err(|e| format!("Its tokens cannot be used ({e}). Download or convert the file again."))?;
    let mut tokenizer = Tokenizer::new(model);
    let prefix = gguf.flag("tokenizer.ggml.add_space_prefix").unwrap_or(true);
    spaces_as_marks(&mut tokenizer, prefix)?;
    let back = Replace::new(MARK, " ").map_err(|e| e.to_string())?;
    let mut decoders: Vec<DecoderWrapper> = vec![back.into(), ByteFallback::new().into(), Fuse::new().into()];
    if prefix {
        decoders.push(Strip::new(' ', 1, 0).into());
    }
    tokenizer.with_decoder(Some(Decoders::new(decoders)));
    Ok(tokenizer)
}

/// Writes a mark for every space, and one in front of every stretch of text where the model wants it.
pub(super) fn spaces_as_marks(tokenizer: &mut Tokenizer, prefix: bool) -> Result<(), String> {
    let replace: NormalizerWrapper = Replace::new(" ", MARK).map_err(|e| e.to_string())?.into();
    let normalizer = if prefix {
        Normalizers::new(vec![Prepend::new(MARK.to_owned()).into(), replace]).into()
    } else {
        replace
    };
    tokenizer.with_normalizer(Some(normalizer)).map_err(|e| e.to_string())?;
    Ok(())
}

/// Every way to split a token into two tokens, best score of the union first. Equal scores are in the order that Hugging Face's converter
/// gives them: longer left parts first, then longer right parts, then higher ids.
fn merges(vocabulary: &Vocabulary) -> Vec<(String, String)> {
    let ids: HashMap<&str, u32> = vocabulary.iter().map(|(id, text, _)| (text, id)).collect();
    let mut found: Vec<(f32, usize, usize, u32, u32)> = Vec::new();
    for (text, id) in &ids {
        let score = vocabulary.scores[*id as usize];
        for (at, _) in text.char_indices().skip(1) {
            if let (Some(left), Some(right)) = (ids.get(&text[..at]), ids.get(&text[at..])) {
                let lengths = (text[..at].chars().count(), text[at..].chars().count());
                found.push((score, lengths.0, lengths.1, *left, *right));
            }
        }
    }
    found.sort_unstable_by(|a, b| {
        let by_score = b.0.total_cmp(&a.0);
        by_score.then_with(|| (b.1, b.2, b.3, b.4).cmp(&(a.1, a.2, a.3, a.4)))
    });
    let text = |id: u32| vocabulary.text(id).unwrap_or_default().to_owned();
    found
        .into_iter()
        .map(|(.., left, right)| (text(left), text(right)))
        .collect()
}
