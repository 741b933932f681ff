//! The tokenizer and chat template inside a GGUF file. Knows metadata keys; builds the same kind of tokenizer that tokenizer.json holds, so
//! that everything behind it is one path. The reference for ids is llama.cpp's `llama-vocab.cpp`.

mod bpe;
mod kinds;
mod splits;
mod spm;

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

use tokenizers::AddedToken;
use tokenizers::processors::template::{SpecialToken, TemplateProcessing};

use super::TokenError;
use super::sidecar::Sidecar;
use crate::formats::gguf::Gguf;
use crate::template::Template;
use kinds::{Kind, Vocabulary};

/// Texts of tokens that end a turn or a text, beside those that the metadata names by id (llama.cpp's list, as far as models of the
/// supported families have them).
const ENDINGS: [&str; 8] = [
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<EOT>",
];

/// Reads the tokenizer and what else concerns tokens.
///
/// # Errors
/// The file is broken, holds no tokenizer, or one of a kind that is not supported.
pub(super) fn load(path: &Path) -> Result<(tokenizers::Tokenizer, Sidecar), TokenError> {
    let failed = |message: String| TokenError::Load {
        path: path.to_owned(),
        message,
    };
    let gguf = Gguf::open(path).map_err(TokenError::Container)?;
    let vocabulary = Vocabulary::read(&gguf).map_err(failed)?;
    let model = gguf.text("tokenizer.ggml.model").unwrap_or_default();
    let mut tokenizer = match model.as_ref() {
        "gpt2" | "gemma4" => bpe::build(&gguf, &vocabulary),
        "llama" => spm::build(&gguf, &vocabulary),
        other => Err(format!(
            "Its tokenizer is of kind \"{other}\", which is not supported. Supported: gpt2, llama, gemma4."
        )),
    }
    .map_err(failed)?;
    let added = added(&gguf, &vocabulary);
    tokenizer
        .add_tokens(added)
        .map_err(|e| failed(format!("Its special tokens cannot be used: {e}.")))?;
    if let Some(first) = first_token(&gguf, &vocabulary) {
        let template = starting_with(first).map_err(|e| failed(format!("Its first token cannot be used: {e}.")))?;
        tokenizer.with_post_processor(Some(template));
    }
    Ok((tokenizer, sidecar(&gguf, &vocabulary)))
}

/// Tokens that are found in a text before anything else: control tokens and those that a user defined.
fn added(gguf: &Gguf, vocabulary: &Vocabulary) -> Vec<AddedToken> {
    let name = gguf.text("general.name").unwrap_or(Cow::Borrowed("")).to_lowercase();
    let is_phi = name.contains("phi-3") || name.contains("phi3");
    let mut seen = HashSet::new();
    let wanted = vocabulary.iter().filter(|(_, _, kind)| kind.is_added());
    let tokens = wanted.filter(|(_, text, _)| seen.insert(*text)).map(|(_, text, kind)| {
        // GGUF does not say it: Phi-3's special tokens swallow the white space behind them, but for these three.
        let swallows = is_phi && !matches!(text, "<unk>" | "<s>" | "<|endoftext|>");
        AddedToken::from(text, kind != Kind::UserDefined)
            .normalized(false)
            .rstrip(swallows)
    });
    tokens.collect()
}

/// The token in front of every text that stands alone: text and id.
fn first_token<'a>(gguf: &Gguf, vocabulary: &'a Vocabulary) -> Option<(&'a str, u32)> {
    // Files need not say it where llama.cpp knows: SentencePiece models and Llama 3 have one.
    let usual = match gguf.text("tokenizer.ggml.model").as_deref() {
        Some("gpt2") => gguf
            .text("tokenizer.ggml.pre")
            .is_some_and(|pre| splits::of(&pre).is_some_and(|splits| splits.starts_with_bos)),
        _ => true,
    };
    if !gguf.flag("tokenizer.ggml.add_bos_token").unwrap_or(usual) {
        return None;
    }
    let id = u32::try_from(gguf.whole("tokenizer.ggml.bos_token_id")?).ok()?;
    Some((vocabulary.text(id)?, id))
}

fn starting_with((text, id): (&str, u32)) -> Result<TemplateProcessing, String> {
    // A name of our own: the token's text may hold what means something in such a template.
    let token = SpecialToken::new("first".to_owned(), vec![id], vec![text.to_owned()]).map_err(|e| e.to_string())?;
    let mut builder = TemplateProcessing::builder();
    builder.try_single("first $A")?.special_tokens(vec![token]);
    builder.build().map_err(|e| e.to_string())
}

/// Special tokens by role, what ends a text, the chat template.
fn sidecar(gguf: &Gguf, vocabulary: &Vocabulary) -> Sidecar {
    let id = |key: &str| {
        gguf.whole(&format!("tokenizer.ggml.{key}"))
            .and_then(|id| u32::try_from(id).ok())
    };
    let mut sidecar = Sidecar::default();
    for (var, key) in [
        ("bos_token", "bos_token_id"),
        ("eos_token", "eos_token_id"),
        ("unk_token", "unknown_token_id"),
        ("sep_token", "seperator_token_id"),
        ("pad_token", "padding_token_id"),
        ("cls_token", "cls_token_id"),
        ("mask_token", "mask_token_id"),
    ] {
        if let Some(text) = id(key).and_then(|id| vocabulary.text(id)) {
            sidecar.vars.insert(var.to_owned(), text.to_owned());
        }
    }
    sidecar.eos_ids.extend(
        ["eos_token_id", "eot_token_id", "eom_token_id"]
            .into_iter()
            .filter_map(id),
    );
    for (id, text, kind) in vocabulary.iter() {
        if kind.is_added() && ENDINGS.contains(&text) && !sidecar.eos_ids.contains(&id) {
            sidecar.eos_ids.push(id);
        }
    }
    sidecar.template = gguf.text("tokenizer.chat_template").map(|source| Template {
        name: "tokenizer.chat_template".to_owned(),
        source: source.into_owned(),
    });
    sidecar
}
