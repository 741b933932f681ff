//! The tokens of a GGUF file with their kinds and scores. Knows lists, not how text is split.

use crate::formats::gguf::Gguf;

/// `tokenizer.ggml.token_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

impl Kind {
    fn from_number(number: u64) -> Self {
        match number {
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => Self::Normal,
        }
    }

    /// Is it found in a text as a whole, before the text is split?
    pub fn is_added(self) -> bool {
        matches!(self, Self::Unknown | Self::Control | Self::UserDefined)
    }
}

/// Tokens by id.
pub(super) struct Vocabulary {
    tokens: Vec<String>,
    kinds: Vec<Kind>,
    /// Empty where the kind of tokenizer needs none.
    pub scores: Vec<f32>,
}

impl Vocabulary {
    /// Reads the lists.
    ///
    /// # Errors
    /// There are no tokens, or the lists differ in length.
    pub fn read(gguf: &Gguf) -> Result<Self, String> {
        let tokens = gguf.texts("tokenizer.ggml.tokens").ok_or(
            "It holds no tokenizer (tokenizer.ggml.tokens). Choose a file that was converted together with its tokenizer.",
        )?;
        let tokens: Vec<String> = tokens.map(|t| String::from_utf8_lossy(t).into_owned()).collect();
        let kinds = match gguf.wholes("tokenizer.ggml.token_type") {
            Some(kinds) => kinds.into_iter().map(Kind::from_number).collect(),
            None => vec![Kind::Normal; tokens.len()],
        };
        let scores = gguf.floats("tokenizer.ggml.scores").unwrap_or_default();
        for (what, length) in [("token types", kinds.len()), ("scores", scores.len())] {
            let absent = what == "scores" && length == 0;
            if !absent && length != tokens.len() {
                return Err(format!(
                    "Its tokenizer is broken: {} tokens, but {length} {what}. Download or convert the file again.",
                    tokens.len()
                ));
            }
        }
        Ok(Self { tokens, kinds, scores })
    }

    /// Id, text and kind of every token.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str, Kind)> {
        let both = self.tokens.iter().zip(&self.kinds).enumerate();
        both.map(|(id, (text, kind))| (id as u32, text.as_str(), *kind))
    }

    /// A token's text.
    pub fn text(&self, id: u32) -> Option<&str> {
        self.tokens.get(id as usize).map(String::as_str)
    }

    /// Text to id, as the tokenizer wants it; of equal texts the last one counts, as in llama.cpp.
    pub fn ids<M: FromIterator<(String, u32)>>(&self) -> M {
        self.iter().map(|(id, text, _)| (text.to_owned(), id)).collect()
    }
}
