//! Decoding ids as they are generated: whole characters only, and all pieces together are exactly what decoding all ids at
//! once gives. Knows nothing of models or sampling.
use super::Tokenizer;

/// Turns ids into text one at a time.
pub struct Stream<'a> {
    tokenizer: &'a Tokenizer,
    ids: Vec<u32>,
    /// `ids[start..read]` is the last chunk that was given out: context for the next one (a leading space, for example,
    /// is written only after something).
    start: usize,
    read: usize,
    /// Decoding of `ids[start..read]`.
    context: String,
    /// All text given out so far.
    text: String,
}

impl<'a> Stream<'a> {
    /// Starts with nothing decoded.
    pub fn new(tokenizer: &'a Tokenizer) -> Self {
        Self {
            tokenizer,
            ids: Vec::new(),
            start: 0,
            read: 0,
            context: String::new(),
            text: String::new(),
        }
    }

    /// Takes one id; gives the text that is certain now, which is empty while a character is incomplete.
    pub fn push(&mut self, id: u32) -> String {
        self.ids.push(id);
        if self.is_byte_token(id) {
            return String::new();
        }
        let window = self.tokenizer.decode(&self.ids[self.start..]);
        if window.ends_with(char::REPLACEMENT_CHARACTER) {
            return String::new();
        }
        let Some(new) = window.strip_prefix(self.context.as_str()).filter(|new| !new.is_empty()) else {
            return String::new();
        };
        let new = new.to_owned();
        self.start = self.read;
        self.read = self.ids.len();
        self.context = self.tokenizer.decode(&self.ids[self.start..]);
        self.text.push_str(&new);
        new
    }

    /// Takes several ids at once.
    pub fn push_all(&mut self, ids: &[u32]) -> String {
        ids.iter().map(|id| self.push(*id)).collect()
    }

    /// The text held back (an incomplete character comes out as U+FFFD); the stream may go on afterwards.
    pub fn finish(&mut self) -> String {
        let all = self.tokenizer.decode(&self.ids);
        let rest = all.strip_prefix(self.text.as_str()).unwrap_or_default().to_owned();
        self.text.push_str(&rest);
        rest
    }

    /// Everything given out so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The ids taken so far.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Byte-fallback tokens (`<0xE4>`) are decoded as a whole run, which one bad byte spoils to its beginning: such a run
    /// is held back until it ends.
    fn is_byte_token(&self, id: u32) -> bool {
        let Some(raw) = self.tokenizer.raw_token(id) else {
            return false;
        };
        raw.len() == 6 && raw.starts_with("<0x") && raw.ends_with('>') && self.tokenizer.token_text(id) != raw
    }
}
