//! Text to token ids with a mask, and back. Knows templates' spans, not tensors.
use std::path::Path;

use crate::template::{Rendered, Span, Vars};

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("{path}: {message}")]
    Load { path: std::path::PathBuf, message: String },
    #[error("Could not tokenise the text: {0}")]
    Encode(String),
}

/// A loaded tokenizer.
pub struct Tokenizer {/* tokenizers::Tokenizer inside */}

/// A rendered conversation as ids: `mask[i]` says whether id i is learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    pub ids: Vec<u32>,
    pub mask: Vec<bool>,
    /// Byte range of the rendered text that each id covers.
    pub offsets: Vec<(usize, usize)>,
    pub spans: Vec<Span>,
}

impl Tokenizer {
    /// Reads `tokenizer.json` in a model folder (or the file itself), with tokenizer_config.json / special_tokens_map.json beside it.
    pub fn load(_path: &Path) -> Result<Self, TokenError> {
        todo!()
    }
    /// Encodes without adding special tokens; special-token text inside becomes its id. Offsets are bytes.
    pub fn encode(&self, _text: &str) -> Result<(Vec<u32>, Vec<(usize, usize)>), TokenError> {
        todo!()
    }
    /// Encodes a rendered conversation: a token is learned when its first byte lies in a supervised span.
    pub fn encode_rendered(&self, _rendered: &Rendered) -> Result<Encoded, TokenError> {
        todo!()
    }
    /// Decodes ids, special tokens kept as text.
    pub fn decode(&self, _ids: &[u32]) -> String {
        todo!()
    }
    /// The decoded text of one id (partial UTF-8 as U+FFFD).
    pub fn token_text(&self, _id: u32) -> String {
        todo!()
    }
    /// The id of a token's exact text.
    pub fn id_of(&self, _token: &str) -> Option<u32> {
        todo!()
    }
    /// Number of ids, added tokens included.
    pub fn vocab_size(&self) -> usize {
        todo!()
    }
    /// Is this id a special token?
    pub fn is_special(&self, _id: u32) -> bool {
        todo!()
    }
    /// bos_token, eos_token, pad_token ... for templates.
    pub fn vars(&self) -> Vars {
        todo!()
    }
    /// The id of eos_token.
    pub fn eos_id(&self) -> Option<u32> {
        todo!()
    }
    /// The chat template that ships with the model (chat_template.jinja, else tokenizer_config.json's).
    pub fn chat_template(&self) -> Option<&crate::template::Template> {
        todo!()
    }
}
